"""What each part of a model owns and costs: embedding, attention, MLP, experts, unembedding, and the rest."""

from collections.abc import Iterator
from dataclasses import dataclass

from shapetrace.outlining.structure import Outline, Section, SectionKind, Step

_TITLES: dict[SectionKind, str] = {
    "embedding": "Embedding",
    "attention": "Attention",
    "mlp": "MLP",
    "experts": "Mixture of experts",
    "unembedding": "Unembedding",
}
_OTHER = "other"


@dataclass(frozen=True, slots=True)
class Share:
    """What all parts of one kind own and cost.

    Attributes:
        title: The kind, for people.
        parameters: Of all layers, each counted once.
        flops: Of all layers.
    """

    title: str
    parameters: int
    flops: int


def shares_of(outline: Outline) -> tuple[Share, ...]:
    """The shares of each kind of part, in the order of a model; those of kinds that there are. They add up."""
    parameters: dict[str, int] = {}
    flops: dict[str, int] = {}
    for title, step in _titled(outline.root, ""):
        parameters[title] = parameters.get(title, 0) + step.parameters_in_all
        flops[title] = flops.get(title, 0) + step.flops_in_all
    shares = (Share(title, parameters.get(title, 0), flops.get(title, 0)) for title in (*_TITLES.values(), _OTHER))
    return tuple(share for share in shares if share.parameters or share.flops)


def _titled(section: Section, title: str) -> Iterator[tuple[str, Step]]:
    """Every step with the kind of the outermost part that it is in."""
    title = title or _TITLES.get(section.kind, "")
    for item in section.items:
        if isinstance(item, Step):
            yield title or _OTHER, item
        else:
            yield from _titled(item, title)
