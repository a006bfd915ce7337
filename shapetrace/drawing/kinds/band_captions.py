"""Above the equations of a band: its title once, and of each column the words that the first did not say."""

from collections.abc import Iterator, Sequence

from shapetrace.drawing.compact.equations import SYMBOLS
from shapetrace.drawing.kinds.aligning import lead
from shapetrace.drawing.kinds.quieting import Told
from shapetrace.drawing.layout.captions import title_of
from shapetrace.drawing.layout.cells import Cell, cell
from shapetrace.drawing.metrics import clean, width_px, wrapped
from shapetrace.drawing.primitives import Mark, Span, Text
from shapetrace.drawing.wording import Words
from shapetrace.outlining.roles import Role
from shapetrace.outlining.structure import Step

_SEPARATOR = " · "
_TITLE_PX = 16.0
_NOTE_PX = 14.0
_GAP_PX = 8.0
_SEEN = frozenset({Role.QUERY, Role.KEY, Role.VALUE, Role.WEIGHTED_SUM})
"""What is noted of them is drawn: heads as a stack, the two factors as matrices."""


def titles_and_notes(band: Sequence[tuple[Told, ...]], words: Words) -> list[tuple[str, str]]:
    """The title and the note of each column of a band; what the first one says is not said again."""
    said: set[str] = set()
    done = []
    for column in band:
        title, phrases = "", list[str]()
        if column:
            own = title_in(column[-1], words)
            title = "" if own in said else own
            phrases = [phrase for phrase in dict.fromkeys(_phrases(column, words)) if phrase not in said]
            said = said or {own, *phrases}
        done.append((title, _SEPARATOR.join(phrases)))
    return done


def title_in(told: Told, words: Words) -> str:
    """``Key and Value``: what a row is called, with what it draws too."""
    row = told.row
    if row.folded or lead(row) is not row.steps[0]:
        return title_of(row, words) if row.folded else words.say(clean(lead(row).title))
    titles = [title_of(row, words), *(words.say(clean(step.title)) for step in row.alike)]
    return words.listed(tuple(dict.fromkeys(titles)))


def _phrases(column: Sequence[Told], words: Words) -> Iterator[str]:
    for told in column:
        if told is not column[-1]:
            yield title_in(told, words)
        yield from (words.say(clean(step.title)) for step in told.before)
        if told.row.folded:
            continue
        first = lead(told.row)
        for step in told.row.steps:
            yield from _of(step, is_title=step is first, words=words)
        if told.row.repeat > 1:
            yield words.say("×{n} layers", n=told.row.repeat)


def _of(step: Step, *, is_title: bool, words: Words) -> Iterator[str]:
    if not is_title:
        yield words.say(clean(step.operator if step.operator not in SYMBOLS else step.title) or clean(step.title))
    if step.role not in _SEEN:
        yield from (words.note(note) for note in step.notes)
    if step.tied_to:
        yield words.say("tied to {name}", name=clean(step.tied_to))


def caption(title: str, note: str, room_px: float) -> Cell:
    """Write both from (0, 0) down: the note beside the title where it fits, else below it."""
    marks: list[Mark] = []
    x, y = 0.0, 0.0
    if title:
        lines = wrapped(title, "label", room_px, lines=2)
        for line in lines:
            y += _TITLE_PX
            marks.append(Text(0, y - 4, (Span(line),), "label"))
        x = width_px(lines[-1], "label") + _GAP_PX
    if note and title and x + width_px(note, "note") <= room_px:
        marks.append(Text(x, y - 4, (Span(note),), "note"))
    elif note:
        for line in wrapped(note, "note", room_px, lines=2):
            y += _NOTE_PX
            marks.append(Text(0, y - 4, (Span(line.strip(_SEPARATOR)),), "note"))
    return cell(marks or [Text(0, 0, (Span(""),), "note")])
