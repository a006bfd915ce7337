"""A scene as cells that take turns: tiles and signs, functions in frames, words on the rows."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from shapetrace.drawing.compact.equations import SYMBOLS, inner_axis, multiplies, unmasked
from shapetrace.drawing.compact.lines import arrow, sign
from shapetrace.drawing.compact.tiles import Shown, TileStyle
from shapetrace.drawing.content.priming import is_activated, with_prime
from shapetrace.drawing.layout.cells import Cell, cell, pill
from shapetrace.drawing.layout.names import stack_text
from shapetrace.drawing.layout.token_axes import TokenAxis, axis_of
from shapetrace.drawing.metrics import clean, first_of, shortened, width_px
from shapetrace.drawing.primitives import Rect, Span, Text
from shapetrace.drawing.telling.scenes import Scene, is_infix
from shapetrace.drawing.telling.token_tiles import TileWords, token_tile
from shapetrace.drawing.wording import Words as Language
from shapetrace.outlining.roles import Part, Role
from shapetrace.outlining.structure import Operand, Section, Step

_PILL_ROOM_PX = 120.0
_NEXT_PX = (22.0, 10.0)
"""Height of the mark of the next word, and what is free on both sides of its words."""


@dataclass(frozen=True, slots=True)
class Tile:
    """An operand of a scene.

    Attributes:
        operand: It.
        inner: Axes over which products sum.
        upright: Whether a single axis is drawn as a column.
        marked: A row in the marker colour.
        ink: Of the whole tile, if it is not that of its role.
        rows: Whether the size of its rows may be written.
    """

    operand: Operand
    inner: frozenset[int] = frozenset()
    upright: bool = False
    marked: int | None = None
    ink: str = ""
    rows: bool = True


@dataclass(frozen=True, slots=True)
class Function:
    """A function in a frame between two tiles; without a label an arrow."""

    label: str = ""


@dataclass(frozen=True, slots=True)
class NextWord:
    """The mark of what comes after the text, in an ink."""

    label: str
    ink: str = "marker"


Piece = Tile | Function | NextWord | str


@dataclass(frozen=True, slots=True)
class Pick:
    """Which row gives the next word.

    Attributes:
        row: Its place among the rows, counted from 0; None if no next word is told.
        label: Its word; "" if unknown.
        step: Id of the step that takes it out; "" if the pass scores all rows.
        last: Id of the step that gives the scores.
        quiet: Whether it is told and not marked: another row is.
    """

    row: int | None = None
    label: str = ""
    step: str = ""
    last: str = ""
    quiet: bool = False

    def ends(self, scene: Scene) -> bool:
        """Whether the next word comes of a scene."""
        return self.row is not None and any(step.id == self.last for step in scene.steps)

    def mark_of(self, operand: Operand, reader: Step | None) -> int | None:
        """The row to mark: in what it is taken out of, or in the scores where nothing takes it out."""
        if self.quiet:
            return None
        if reader is not None and reader.id == self.step:
            return self.row
        return self.row if not self.step and operand.part == Part.LOGITS else None


def scene_pieces(scene: Scene, pick: Pick, words: Language) -> Iterator[Piece]:
    """What a scene draws, from left to right."""
    if scene.closed is not None:
        yield from _closed(scene, scene.closed, words)
        if scene.steps[-1].id == pick.last:
            yield from _next_word(pick, words)
        return
    yield from _operands(scene, pick)
    for place, step in enumerate(scene.steps):
        following = scene.steps[place + 1] if place + 1 < len(scene.steps) else None
        if place and is_infix(step):
            yield from _further(step, scene, scene.steps[place - 1])
        yield "=" if is_infix(step) else Function(function_label(step, pick, words))
        yield from _results(scene, step, following, pick)
    if pick.ends(scene):
        yield from _next_word(pick, words)


def _next_word(pick: Pick, words: Language) -> Iterator[Piece]:
    yield Function(words.say("softmax"))
    yield NextWord(words.say("next word"), "data" if pick.quiet else "marker")


def _operands(scene: Scene, pick: Pick) -> Iterator[Piece]:
    """What the first step reads."""
    step = scene.steps[0]
    for place, operand in enumerate(step.operands):
        if place:
            yield step.operator if is_infix(step) else Function() if step.kind == "lookup" else ","
        inner = inner_axis(step, place) if place < 2 else frozenset()
        yield Tile(operand, inner, step.kind == "lookup" and not place, pick.mark_of(operand, step))
    if multiplies(step):
        for other in scene.alike:
            yield ","
            yield Tile(other.operands[1], rows=False)


def _further(step: Step, scene: Scene, before: Step) -> Iterator[Piece]:
    """What a step brings to the result of the one before."""
    if multiplies(step):
        yield step.operator
        yield Tile(step.operands[1], inner_axis(step, 1))
        return
    through = {before.id}
    for quiet in scene.before:  # the norm that the scene begins with is behind none of its steps
        through.update({quiet.id} if any(operand.made_by in through for operand in quiet.operands) else ())
    others = [operand for operand in step.operands if operand.made_by not in through]
    for operand in others[:1] or step.operands[1:]:
        yield step.operator
        yield Tile(operand)


def _results(scene: Scene, step: Step, following: Step | None, pick: Pick) -> Iterator[Piece]:
    alike = scene.alike if step is scene.steps[0] else ()
    goes_on = following is not None and multiplies(following)
    inner = inner_axis(following, 0) if following is not None and goes_on else frozenset()
    for number, result in enumerate(result for each in (step, *alike) for result in each.results):
        if number:
            yield ","
        shown = unmasked(result) if following is not None else result
        if step.role == Role.CONCAT_HEADS:
            shown = _with_rows_of(step.operands[0], shown)
        shown = with_prime(shown) if is_activated(step) else shown
        is_picked = step.id == pick.step and pick.row is not None and not pick.quiet
        yield Tile(shown, inner, marked=pick.mark_of(result, following), ink="marker" if is_picked else "")


def _with_rows_of(read: Operand, operand: Operand) -> Operand:
    """Heads side by side: what their rows count is what those of one head count, whatever became of their axes."""
    if len(read.axes) < 2 or len(operand.axes) < 2 or operand.axes[-2] >= 0 or read.shape[-2] != operand.shape[-2]:
        return operand
    return replace(operand, axes=(*operand.axes[:-2], read.axes[-2], operand.axes[-1]))


def _closed(scene: Scene, section: Section, words: Language) -> Iterator[Piece]:
    """A section in one line: what goes in, its title, what comes out."""
    times = f" ×{section.repeat}" if section.repeat > 1 else ""
    label = Function(shortened(words.say(clean(section.title)), "pill-text", _PILL_ROOM_PX) + times)
    for place, operand in enumerate(scene.ends):
        if place or len(scene.ends) == 1:
            yield label
        yield Tile(operand, upright=operand.part == Part.IDS)


def function_label(step: Step, pick: Pick, words: Language) -> str:
    """What stands in the frame of a function."""
    if step.kind == "lookup":
        return words.say("pick rows")
    if step.id == pick.step and pick.row is not None:
        return words.say("row of “{word}”", word=pick.label) if pick.label else words.say("row {n}", n=pick.row + 1)
    name = step.operator if step.operator and step.operator not in SYMBOLS | {"=", "→"} else step.title
    return first_of(clean(words.say(clean(name))), "pill-text", _PILL_ROOM_PX)


def scene_cells(pieces: Sequence[Piece], style: TileStyle, tokens: Mapping[int, TokenAxis]) -> tuple[Cell, ...]:
    """Draw the pieces of a scene: words stand at the first tile with tokens, and on both sides of scores."""
    cells: list[Cell] = []
    written, first_rows, has_words = "", None, False
    for piece in pieces:
        if not isinstance(piece, Tile):
            cells.append(_sign(piece))
            continue
        operand = piece.operand
        n_rows = operand.shape[-2] if len(operand.shape) > 1 else operand.shape[0] if piece.upright else None
        stacked = stack_text(operand)
        shown = Shown(piece.inner, n_rows != first_rows and piece.rows, stacked != written, piece.upright)
        both = operand.part in {Part.SCORES, Part.ATTENTION_WEIGHTS}
        on_rows = operand.role == "data" and _counts(operand, 0 if piece.upright else -2, tokens)
        words = TileWords(on_rows and (both or not has_words), both, piece.marked, piece.ink)
        has_words = has_words or on_rows
        cells.append(token_tile(operand, style, shown, tokens, words))
        written = stacked or written
        first_rows = n_rows if first_rows is None else first_rows
    return tuple(cells)


def _counts(operand: Operand, axis: int, tokens: Mapping[int, TokenAxis]) -> bool:
    """Whether an axis counts tokens with words."""
    place = axis % len(operand.shape) if operand.shape and -len(operand.shape) <= axis else None
    known = axis_of(operand, place, tokens)
    return known is not None and bool(known.labels)


def _sign(piece: Function | NextWord | str) -> Cell:
    if isinstance(piece, str):
        return sign(piece)
    if isinstance(piece, Function):
        return pill(piece.label) if piece.label else arrow()
    height, padding = _NEXT_PX
    width = width_px(piece.label, f"name-{piece.ink}") + 2 * padding
    return cell(
        [
            Rect(-width / 2, -height / 2, width, height, piece.ink, 5),
            Text(0, 4.5, (Span(piece.label),), f"name-{piece.ink}", "middle"),
        ]
    )
