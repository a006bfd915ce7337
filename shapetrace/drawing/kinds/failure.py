"""The figure of a failure: the last steps that ran, then the operation whose sizes clash, its edges in red."""

from collections.abc import Iterator, Sequence

from shapetrace.drawing.content.emphasis import Emphasis
from shapetrace.drawing.content.rows import Row
from shapetrace.drawing.content.subject import Subject
from shapetrace.drawing.look import Look
from shapetrace.drawing.metrics import clean
from shapetrace.drawing.wording import Words
from shapetrace.failing import Explanation, Part
from shapetrace.language import joined, say
from shapetrace.outlining.structure import Operand, Outline, Step, StepKind

FAILURE = "failure"
"""What this figure is called, where others are called by a section."""

_STEPS_BEFORE = 3
FAILED_STEP = "failed-step"
"""Id of the row that did not run."""


def failure_subject(outline: Outline, explained: Explanation, look: Look, words: Words) -> Subject:
    """The rows of the figure: at most three steps that ran, and the one that did not."""
    steps = [step for step in outline.steps() if step.kind not in look.hidden_kinds][-_STEPS_BEFORE:]
    failed = _step(explained)
    title = look.title or words.say("{model}: where the pass failed", model=clean(explained.model))
    facts = tuple(fact for fact in (words.told(explained.title), clean(explained.line)) if fact)
    rows = [Row((step,)) for step in steps]
    return Subject(
        FAILURE, title, facts, (*rows, *([Row((failed,), emphasis=_clash(explained))] if failed.operands else ()))
    )


def _clash(explained: Explanation) -> Emphasis:
    """The sizes that do not fit; one before the last two is drawn as a stack."""
    parts = _in_order(explained)
    stacks = (place for place, part in enumerate(parts) if any(axis < len(part.shape) - 2 for axis in part.clashing))
    return Emphasis("clash", tuple(frozenset(part.clashing) for part in parts), frozenset(stacks))


def _step(explained: Explanation) -> Step:
    """The failed operation as a step without a result; operands that clash come first."""
    parts = _in_order(explained)
    kind: StepKind = "product" if explained.operator == "×" else "contraction"
    axes = [part.clashing[-1] if part.clashing else None for part in parts[:2]]
    shown = [axis for axis in axes if axis is not None]
    return Step(
        id=FAILED_STEP, section="", kind=kind, title=explained.op, path=explained.path,
        operator=explained.operator or explained.op, operands=tuple(map(_operand, parts)), results=(),
        inner=(shown[0], shown[-1]) if shown and explained.kind == "shape" else None,
    )  # fmt: skip


def _in_order(explained: Explanation) -> Sequence[Part]:
    """The parts as they are drawn: arguments of a function that clash come first."""
    if explained.operator:
        return explained.parts
    return sorted(explained.parts, key=lambda part: not part.clashing)


def _operand(part: Part) -> Operand:
    name = "W" if part.role == "weight" and len(part.shape) > 1 else ""
    return Operand(name, part.role, part.shape, source=str(part.name))


def clash_notes(explained: Explanation, words: Words) -> Iterator[tuple[str, str]]:
    """What stands below the rows: the numbers, the reason, what would fit."""
    said = " — ".join(words.told(text) for text in (explained.clash, explained.reason) if text)
    if said:
        yield "warning", said
    for place, part in enumerate(_in_order(explained)):
        if part.clashing:
            yield "caption", f"{place + 1}: {words.told(part.origin)}"
    if explained.fits:
        ways = joined(*explained.fits, by="{first}; or {second}")
        yield "caption", words.told(say("would fit: {fits}", fits=ways))
