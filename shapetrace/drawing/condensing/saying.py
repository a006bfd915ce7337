"""The words of an overview: titles, equations as text, costs, and what sums and repeated blocks give."""

from shapetrace.drawing.compact.equations import multiplies
from shapetrace.drawing.condensing.lines import Equation, Join, Like
from shapetrace.drawing.content.ranking import sending, talkers
from shapetrace.drawing.content.rows import Row
from shapetrace.drawing.layout.captions import notes_of, shared_with, title_of
from shapetrace.drawing.layout.names import joined_path, shape_pieces, stack_text
from shapetrace.drawing.metrics import clean
from shapetrace.drawing.wording import Words, flops_text, short
from shapetrace.outlining.structure import Step

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
    steps = tuple(row.drawn())
    parameters = sum(step.parameters for step in steps)
    flops = sum(step.flops or 0 for step in steps)
    told = [words.say("{n} parameters", n=short(parameters))] if parameters else []
    sent = [text for step in steps if step.transfer and (text := sending(step.transfer, words))]
    return _SEPARATOR.join([*told, *([flops_text(flops)] if flops else []), *sent])


def equation(row: Row) -> str:
    """Its products as text, with the number of their heads."""
    told = [] if row.folded else [row.steps[0], *(step for step in row.steps[1:] if multiplies(step))]
    return ", ".join(map(_equation, told))


def _equation(step: Step) -> str:
    stacks = [text for operand in (*step.results, *step.operands) if (text := stack_text(operand))]
    return f"{step.equation} {stacks[0]}" if stacks else step.equation


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
    added = " + ".join(clean(_name(step_operand)) for step_operand in join.step.operands)
    return f"{words.say(clean(join.norm.title))}({added})" if join.norm is not None else added


def _name(operand: object) -> str:
    return str(getattr(operand, "name", "")) or "·"


def alike(line: Like, words: Words) -> str:
    """That a section is equal to one above, and what it takes and gives where its sizes are others."""
    above = clean(line.above.spoken) or words.say(clean(line.above.title))
    first = [words.say(clean(norm.title)) for norm in line.leads]
    if not line.resized:
        return " → ".join([*first, words.say("as {name}, above", name=above)])
    steps = tuple(line.section.steps())
    ends = [operand for operand in steps[0].operands if operand.role == "data"][:1] + list(steps[-1].results[:1])
    sizes = "→".join("".join(text for text, _ in shape_pieces(each.shape)).replace(", ", ",") for each in ends)
    return " → ".join([*first, words.say("as {name}, above, for {sizes}", name=above, sizes=sizes)])


def described(step: Step, words: Words) -> str:
    """One step for those who cannot see it."""
    return f"{words.say(clean(step.title))}: {step.equation}"
