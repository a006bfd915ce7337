"""The words of an overview: titles, equations as text, costs, and what sums and repeated blocks give."""

from collections.abc import Iterator, Sequence

from shapetrace.drawing.compact.equations import multiplies
from shapetrace.drawing.condensing.lines import Closed, Equation, Join
from shapetrace.drawing.content.ranking import sending, talkers
from shapetrace.drawing.content.rows import Row
from shapetrace.drawing.layout.captions import notes_of, shared_with, title_of
from shapetrace.drawing.layout.names import called, joined_path, shape_pieces, stack_text
from shapetrace.drawing.metrics import clean, width_px
from shapetrace.drawing.wording import Words, flops_text, short
from shapetrace.outlining.equation import equation as written
from shapetrace.outlining.equation import meets_one
from shapetrace.outlining.structure import Section, Step

_SEPARATOR = " · "


def title(row: Row, words: Words) -> str:
    """What a row is called: all its products."""
    if row.folded or not row.alike:
        return title_of(row, words)
    return words.listed(tuple(dict.fromkeys(words.say(clean(step.title)) for step in (row.steps[0], *row.alike))))


def path(row: Row) -> str:
    """Where its weights are."""
    if row.folded:
        return clean(row.folded.module)
    steps = [step for step in row.drawn() if any(o.role == "weight" for o in step.operands)] or list(row.steps)
    paths = tuple(dict.fromkeys(step.path for step in steps if step.path))
    return clean(joined_path(paths)) if paths else ""


def costs(row: Row, words: Words) -> str:
    """What one layer of it costs."""
    return costs_of(tuple(row.drawn()), words)


def costs_of(steps: Sequence[Step], words: Words) -> str:
    """What one layer of some steps costs."""
    parameters = sum(step.parameters for step in steps)
    flops = sum(step.flops or 0 for step in steps)
    told = [words.say("{n} parameters", n=short(parameters))] if parameters else []
    sent = [text for step in steps if step.transfer and (text := sending(step.transfer, words))]
    return _SEPARATOR.join([*told, *([flops_text(flops)] if flops else []), *sent])


def equation(row: Row, words: Words) -> str:
    """Its products as text, with the number of their heads."""
    told = [] if row.folded else [row.steps[0], *(step for step in row.steps[1:] if multiplies(step))]
    return ", ".join(_equation(step, words) for step in told)


def _equation(step: Step, words: Words) -> str:
    shown = () if meets_one(step) else (*step.results, *step.operands)  # a note says of experts what each row meets
    stacks = [text for operand in shown if (text := stack_text(operand))]
    return " ".join([written(step, say=words.say), *stacks[:1]])


def notes(line: Equation, words: Words) -> str:
    """What else is said of a row."""
    row = line.row
    said = [words.note(note) for step in row.steps for note in step.notes]  # of those beside: their stacks are drawn
    said += [told for step in row.steps if step.transfer for told in talkers(step.transfer, words)]
    said += [shared_with(step, words) for step in row.drawn() if step.tied_to]
    said += notes_of(row, words) if row.folded else []
    said += [words.say("×{n} layers", n=row.repeat)] if row.repeat > 1 else []
    return _SEPARATOR.join(dict.fromkeys(said))


def sum_of(join: Join, words: Words) -> str:
    """``X + O``; in the norm through which it goes on."""
    added = " + ".join(map(called, join.step.operands))
    return f"{words.say(clean(join.norm.title))}({added})" if join.norm is not None else added


def titled(section: Section, words: Words) -> str:
    """What a section is called, and how often it is repeated."""
    title = words.say(clean(section.title))
    return f"{title} ×{section.repeat}" if section.repeat > 1 else title


def closed(line: Closed, words: Words, room_px: float) -> str:
    """What is said of a section in one line: what it is equal to, or what it takes and gives in how many steps."""
    first = [words.say(clean(norm.title)) for norm in line.leads]

    def told(said: Iterator[str]) -> str:
        return " → ".join([*first, words.enumerated(said)])

    if line.above is None:
        return told(_counted(line.section, words))
    name = clean(line.above.spoken) or words.say(clean(line.above.title))
    parts = name.split(".")
    names = (name, *("…" + ".".join(parts[place:]) for place in range(1, len(parts) - 1)))
    tries = [told(_alike(line, name, words)) for name in names]
    return next((said for said in tries if width_px(said, "note") <= room_px), tries[-1])


def _alike(line: Closed, name: str, words: Words) -> Iterator[str]:
    if not line.resized:
        yield words.say("as {name}, above", name=name)
    else:
        yield words.say("as {name}, above, for {sizes}", name=name, sizes=_ends(line.section))
    for own, other in line.times:
        yield words.say("×{n} instead of ×{other}", n=own, other=other)


def _counted(section: Section, words: Words) -> Iterator[str]:
    yield _ends(section)
    yield words.several("{n} steps", sum(1 for _ in section.steps()))


def _ends(section: Section) -> str:
    """What a section reads first, and what it gives."""
    steps = tuple(section.steps())
    made = {step.id for step in steps}
    read = [o for step in steps for o in step.operands if o.role == "data" and o.made_by not in made]
    ends = read[:1] + list(steps[-1].results[:1])
    return "→".join("".join(text for text, _ in shape_pieces(each.shape)).replace(", ", ",") for each in ends)


def described(step: Step, words: Words) -> str:
    """One step for those who cannot see it."""
    return f"{words.say(clean(step.title))}: {written(step, say=words.say)}"
