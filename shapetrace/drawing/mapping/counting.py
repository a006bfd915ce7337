"""What a box of a map says of its steps: how often they run, how many parameters they have, what they are part of."""

from collections.abc import Iterator, Sequence

from shapetrace.drawing.mapping.arranging import Spot
from shapetrace.drawing.mapping.chart import Node
from shapetrace.drawing.metrics import shortened, width_px
from shapetrace.drawing.wording import short
from shapetrace.language import Phrase
from shapetrace.outlining.recognise.columns import ATTENTION_INPUTS
from shapetrace.outlining.roles import Role
from shapetrace.outlining.structure import Step

_LEAST_PX = 60.0
"""How much room what is shortened takes at least."""


def counted(steps: Sequence[Step], times: int) -> str:
    """``12 × 2.36 M``: parameters of steps that stand for so many layers; weights that layers share count once."""
    whole = sum(step.parameters_in_all for step in steps)
    sets = {step.parameters_in_all / step.parameters for step in steps if step.parameters}
    n_sets = times
    if any(step.shared_parameters for step in steps):
        n_sets = int(sets.pop()) if len(sets) == 1 else 1
    n_sets = n_sets if n_sets and whole % n_sets == 0 else 1
    return "" if not whole else short(whole) if n_sets == 1 else f"{n_sets} × {short(whole // n_sets)}"


def turns(spot: Spot) -> int | None:
    """How often all that is in a box runs each time that its layer does; None if that differs in it."""
    around = spot.times // spot.node.repeat
    found = {step.repeat // around for step in spot.node.steps} or {1}
    return found.pop() if len(found) == 1 else None


def other_notes(steps: Sequence[Step], like: Sequence[Step]) -> tuple[list[Phrase], list[Phrase]]:
    """What is said of scores and of none of those that are alike otherwise; and what is said of those alone."""
    own, others = ([note for step in each if step.kind == "scores" for note in step.notes] for each in (steps, like))
    return [note for note in own if note not in others], [note for note in others if note not in own]


def is_mixer(steps: Sequence[Step]) -> bool:
    """Whether scores are weighed by no softmax and made of no queries, keys or values: a state-space model, say."""
    roles = {step.role for step in steps}
    return roles.isdisjoint({Role.ATTENTION_WEIGHTS, Role.SPLIT_HEADS, *ATTENTION_INPUTS}) and not roles.isdisjoint(
        {Role.SCORES, Role.STATE, Role.READ_STATE}
    )


def inner_names(node: Node) -> Iterator[str]:
    """Titles of what is in a closed frame: of its sections, or of its steps where it has none."""
    if node.section is None:
        return
    inner = [part.title for part in node.section.sections() if part is not node.section and part.kind != "other"]
    yield from inner or (step.title for step in node.steps)


def common_module(paths: list[list[str]]) -> str:
    """Name of the innermost module that all of several paths lie in; "" if it is a number or there is none."""
    shared = [parts[0] for parts in zip(*paths, strict=False) if len({*parts}) == 1]
    return shared[-1] if len(paths) > 1 and shared and not shared[-1].isdigit() else ""


def fitting(parts: list[str], room: float) -> str:
    """As many parts as there is room for, what follows instead of a first that has none; of the only one an excerpt.

    Nothing where that would be a crumb of it.
    """
    fits = [part for part in parts if width_px(part, "note") <= room] or parts[:1]
    while len(fits) > 1 and width_px(" · ".join(fits), "note") > room:
        fits = fits[:-1]
    said = " · ".join(fits)
    return shortened(said, "note", room) if room >= _LEAST_PX or width_px(said, "note") <= room else ""
