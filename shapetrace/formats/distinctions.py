"""What tells two steps apart whose equations look equal."""

from collections.abc import Iterator, Sequence

from shapetrace.comparing.structure import Change
from shapetrace.drawing.wording import Words
from shapetrace.formats.numbers import exact
from shapetrace.outlining.structure import Operand, Step


def distinctions(change: Change, words: Words) -> tuple[str, str]:
    """Words for each side of a step that both have: (``K ×32``, ``K ×8``); empty if there is nothing to add."""
    left, right = change.steps
    if left is None or right is None or change.left is None or change.right is None:
        return "", ""
    facts = [*_facts(left, right, words)]
    numbers = change.left.parameters, change.right.parameters
    if numbers[0] != numbers[1]:
        facts.append(tuple(words.say("{n} parameters", n=exact(n)) for n in numbers))
    told = list(dict.fromkeys(facts))
    return ", ".join(pair[0] for pair in told), ", ".join(pair[1] for pair in told)


def _facts(left: Step, right: Step, words: Words) -> Iterator[tuple[str, ...]]:
    if left.function != right.function and left.function and right.function:
        yield words.say(left.function), words.say(right.function)
    sides = [(*step.operands, *step.results) for step in (left, right)]
    for place, (a, b) in enumerate(zip(*sides, strict=False)):
        name = a.name or b.name or f"[{','.join(map(str, a.shape))}]"
        if (a.stack, a.stack_axes) != (b.stack, b.stack_axes) and not _told(sides, place):
            yield f"{name} ×{a.stack}", f"{name} ×{b.stack}"
        if a.role != b.role:
            yield tuple(f"{name}: {words.say(side.role)}" for side in (a, b))
        if a.transposed != b.transposed:
            yield tuple(f"{name}: {words.say('turned' if side.transposed else 'as stored')}" for side in (a, b))


def _told(sides: Sequence[Sequence[Operand]], place: int) -> bool:
    """Whether the stack is the largest on both sides: that is written behind the equation."""
    return all(side[place].stack == max(operand.stack for operand in side) for side in sides) and (
        sides[0][place].stack != sides[1][place].stack
    )
