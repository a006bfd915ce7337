"""What a decoder keeps of each token: the width of the key/value cache, read from the shapes of attention."""

from dataclasses import dataclass

from shapetrace.outlining.structure import Operand, Outline, Section, Step


@dataclass(frozen=True, slots=True)
class Cache:
    """What one layer keeps of one token.

    Attributes:
        parts: Heads and width of each thing kept: ((4, 64), (4, 64)) for the K and V of 4 heads.
        latent: Of a latent, the width that becomes keys and values; 0 for plain keys and values.
        value_bytes: Bytes of one value, those of a weight.
        n_layers: Layers that keep as much.
    """

    parts: tuple[tuple[int, int], ...]
    latent: int
    value_bytes: int
    n_layers: int

    @property
    def values(self) -> int:
        """Numbers that one layer keeps of one token."""
        return sum(heads * width for heads, width in self.parts)

    @property
    def layer_bytes(self) -> int:
        """Bytes that one layer keeps of one token."""
        return self.values * self.value_bytes


def cache_of(outline: Outline) -> Cache | None:
    """Read the cache of the first attention with a softmax; None if there is none.

    Keys and values are kept as (heads, width) each. If the products that make them start from a product of the
    same attention (the latent of multi-head latent attention), that one is kept in their place: its result
    [T, 160] is a latent of 128 and a rotated part of 32.
    """
    pairs = ((part, pair) for part in outline.root.sections() if part.kind == "attention" and (pair := _pair(part)))
    section, (scores, weighted) = next(pairs, (None, (None, None)))
    if section is None or scores is None or weighted is None:
        return None
    steps = {step.id: step for step in section.steps()}
    queries = _made(scores.operands[0], steps)
    kept = _made(scores.operands[1], steps) | _made(weighted.operands[1], steps)
    below = {name: _made(step.operands[0], steps) for name, step in kept.items()}
    latents = {name: step for found in below.values() for name, step in found.items()}
    totals = outline.totals
    facts = (round(totals.parameter_bytes / totals.parameters) if totals.parameters else 4, scores.repeat)
    if latents:
        alone = {name: step for name, step in kept.items() if not below[name]}
        inner = next(step.operands[0].shape[-1] for name, step in kept.items() if below[name])
        return Cache(tuple(_part(step.results[0]) for step in (latents | alone).values()), inner, *facts)
    if len(kept) == 2 and not kept.keys() & queries.keys():
        return Cache(tuple(_part(step.results[0]) for step in kept.values()), 0, *facts)
    key, value = scores.operands[1], weighted.operands[1]  # one product for all: as attention reads them
    return Cache(((_heads(key), key.shape[-2]), (_heads(value), value.shape[-1])), 0, *facts)


def _pair(section: Section) -> tuple[Step, Step] | None:
    """The scores and the weighted sum of an attention."""
    found = {step.kind: step for step in reversed(list(section.steps())) if len(step.operands) > 1}
    scores, weighted = found.get("scores"), found.get("weighted_sum")
    if scores is None or weighted is None or len(scores.operands[1].shape) < 2:
        return None
    return scores, weighted


def _made(operand: Operand, steps: dict[str, Step]) -> dict[str, Step]:
    """The products of a section that an operand comes from, through whatever is no product; by id."""
    step = steps.get(operand.made_by)
    if step is None:
        return {}
    if step.kind == "product":
        return {step.id: step}
    earlier = {name: other for name, other in steps.items() if name != step.id}
    return {name: made for before in step.operands for name, made in _made(before, earlier).items()}


def _part(result: Operand) -> tuple[int, int]:
    return _heads(result), result.shape[-1] if result.shape else 1


def _heads(operand: Operand) -> int:
    """Heads of a stack; a batch around them does not count."""
    return operand.stack_axes[-1] if operand.stack_axes else operand.stack
