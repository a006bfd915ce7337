"""The words on the left of a row: its title, where it is in the model, a few words that teach."""

import math

from shapetrace.drawing.content.ranking import talkers
from shapetrace.drawing.content.rows import Row
from shapetrace.drawing.layout.names import joined_path
from shapetrace.drawing.metrics import clean
from shapetrace.drawing.wording import Words, counted, flops_text, short
from shapetrace.outlining.equation import equation
from shapetrace.outlining.structure import Step


def title_of(row: Row, words: Words) -> str:
    """What a row is called: its section, or its steps."""
    if row.folded:
        title = words.say(clean(row.folded.title))
        return f"{title} ×{row.repeat}" if row.repeat > 1 else title
    step = row.steps[0]
    chained = [words.say(clean(other.title)) for other in row.steps[1:] if len(other.operands) > 1]
    title = " → ".join([words.say(clean(step.title)) or clean(step.operator), *chained])
    return f"⊕ {title}" if step.kind == "residual" and not title.startswith("⊕") else title


def path_of(row: Row) -> str:
    """Where a row is in the model; empty where the frame around it says so."""
    paths = (row.folded.spoken,) if row.folded else tuple(step.path for step in (row.steps[0], *row.alike))
    path = clean(joined_path(paths))
    return "" if path == row.inside else path


def notes_of(row: Row, words: Words) -> tuple[str, ...]:
    """A few words that teach."""
    notes: list[str] = []
    if row.folded:
        n_steps = len(row.steps)
        return (words.say("{n} steps", n=n_steps),) if n_steps > 1 else ()
    if row.alike:
        shown = {result.name for result in row.steps[0].results}
        names = tuple(clean(_alike_name(step, shown)) for step in row.alike)
        notes.append(words.say("{names} alike", names=words.listed(tuple(dict.fromkeys(names)))))
    notes += [words.note(note) for step in row.steps for note in step.notes]
    notes += [told for step in row.steps if step.transfer for told in talkers(step.transfer, words)]
    notes += [shared_with(step, words) for step in row.steps if step.tied_to]
    if row.repeat > 1:
        notes.append(words.say("×{n} layers", n=row.repeat))
    return tuple(dict.fromkeys(note for note in notes if note))


def shared_with(step: Step, words: Words) -> str:
    """``38.6 M shared with wte``: weights that are counted elsewhere; ``tied to wte`` of those that are not drawn."""
    n_shared = sum(math.prod(operand.shape) * operand.stack for operand in step.operands if operand.role == "weight")
    if not n_shared:
        return words.say("tied to {name}", name=clean(step.tied_to))
    return words.say("{n} shared with {name}", n=short(n_shared), name=clean(step.tied_to))


def _alike_name(step: Step, shown: set[str]) -> str:
    """``V``; the title where the result is called as that of the step that is shown."""
    return next((result.name for result in step.results if result.name and result.name not in shown), step.title)


def row_title(row: Row, words: Words) -> str:
    """One line for tooltips and screen readers: every step, its shapes and what it costs."""
    if row.folded:
        return f"{title_of(row, words)} {clean(row.folded.path)}: {words.say('{n} steps', n=len(row.steps))}"
    return "; ".join(_described(step, words) for step in row.drawn())


def _described(step: Step, words: Words) -> str:
    parts = [f"{words.say(clean(step.title))} {clean(step.path)}".strip() + f": {equation(step, say=words.say)}"]
    if stack := max((operand.stack for operand in (*step.operands, *step.results)), default=1) - 1:
        parts[0] += f" ×{stack + 1}"
    if step.parameters:
        parts.append(words.say("{n} parameters", n=counted(step.parameters)))
    if step.flops:
        parts.append(flops_text(step.flops))
    return ", ".join(parts)
