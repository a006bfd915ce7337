"""What a box of a map says of itself in a line: heads, experts, activations, weights, and whose weights it reads."""

from collections.abc import Iterator
from math import inf

from shapetrace.drawing.mapping.arranging import Spot
from shapetrace.drawing.mapping.chart import Node
from shapetrace.drawing.mapping.counting import turns
from shapetrace.drawing.mapping.weights import weight_note
from shapetrace.drawing.metrics import clean, width_px
from shapetrace.drawing.wording import Words
from shapetrace.ir import Trace
from shapetrace.language import Phrase
from shapetrace.outlining.equation import equation
from shapetrace.outlining.roles import Role
from shapetrace.outlining.structure import WINDOW, Operand, Step


def notes(spot: Spot, trace: Trace | None, room: float, words: Words) -> list[str]:
    """What tells a box from others: heads, experts, activations, its weight and module, or what it multiplies."""
    node = spot.node
    said = [*_turns(spot, words), *_sizes(node, words)]
    names = [step.function or step.title for step in node.steps if step.kind == "activation"]
    said += [words.say(clean(name)) for name in dict.fromkeys(names)]
    weight = next((o for step in node.steps for o in step.operands if o.role == "weight" and o.source), None)
    if not said and weight is not None:
        said.append(weight_note(weight, trace, room))
    said += dict.fromkeys(words.say(clean(step.title)) for step in node.steps if step.kind == "collective")
    path = clean(node.section.module) if node.section else ""
    return [*said, path] if path else said or [equation(step, say=words.say) for step in node.steps[:1]]


def tie_of(node: Node, words: Words, room: float = inf) -> str:
    """Whose weights a node reads that owns none; of a long path the end alone."""
    tied = next((step.tied_to for step in node.steps if step.tied_to), "")
    if tied:
        ends = [clean(tied).split(".")[start:] for start in range(tied.count(".") + 1)]
        said = [words.say("tied to {name}", name=".".join(end)) for end in ends]
        return next((each for each in said if width_px(each, "note") <= room), said[-1])
    reads = any(operand.role == "weight" for step in node.steps for operand in step.operands)
    return words.say("the same weights") if reads else ""


def heads_of(node: Node, scores: Step) -> int:
    """How many heads an attention has; of scores that run in pieces, the pieces are none."""
    made = (step.results[0] for step in node.steps if step.role is Role.QUERY and step.results)
    return heads_in(next(made, scores.operands[0]))


def heads_in(stack: Operand) -> int:
    """How many heads a stack has: the innermost of what it is made of, batch and heads, say."""
    return stack.stack_axes[-1] if stack.stack_axes else stack.stack


def chosen_of(steps: tuple[Step, ...]) -> tuple[int, int] | None:
    """How many experts each row goes through, and of how many; None where nobody knows."""
    said = (note.values for step in steps if step.role is Role.CHOOSE_EXPERTS for note in step.notes)
    counts = ((values.get("k"), values.get("n")) for values in said)
    return next(((k, n) for k, n in counts if isinstance(k, int) and isinstance(n, int)), None)


def _turns(spot: Spot, words: Words) -> Iterator[str]:
    """How often a part of a box runs that runs more often than the rest."""
    if turns(spot) is None:
        most = max(step.repeat for step in spot.node.steps) * spot.node.repeat // spot.times
        yield words.say("in a loop ×{n}", n=most)


def _sizes(node: Node, words: Words) -> Iterator[str]:
    scores = [step for step in node.steps if step.kind == "scores"]
    if node.sublayer == "attention" and scores:
        yield f"{words.several('{n} heads', heads_of(node, scores[0]))} × {scores[0].operands[0].shape[-1]}"
        yield from map(words.note, sorted(scores[0].notes, key=lambda note: note.template != WINDOW))
    if node.sublayer == "experts":
        stacks = [o.stack for step in node.steps for o in step.operands if o.role == "weight" and o.stack > 1]
        chosen = chosen_of(node.steps)
        if chosen is not None:
            yield words.note(Phrase("{k} of {n} experts", dict(zip("kn", chosen, strict=True))))
        elif stacks:
            yield words.several("{n} experts", max(stacks))
