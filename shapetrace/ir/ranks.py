"""How a pass lies on the ranks that it is one of."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Placement:
    """How a tensor lies along one axis of a mesh of ranks.

    Attributes:
        axis: Name of the mesh's axis: ``tp``; its number where it has none.
        ranks: How many ranks stand along it.
        kind: shard: each has a part. replicate: each has all. partial: each has a summand, and nobody the sum.
        dim: Of a shard: the axis of the tensor that is cut; -1 elsewhere.
        pieces: Of a shard: how many runs of that axis are cut, each by itself: 2 where gate and up are stacked.
    """

    axis: str
    ranks: int
    kind: Literal["shard", "replicate", "partial"]
    dim: int = -1
    pieces: int = 1


@dataclass(frozen=True, slots=True)
class Layout:
    """How a tensor lies on the ranks. The trace holds the part of one rank.

    Attributes:
        value: Tensor id; -1 for a parameter that the pass never met.
        name: Of a parameter or buffer: its first name; empty for what was made.
        shape: Sizes of the whole tensor.
        placements: One an axis of the mesh that it lies on.
    """

    value: int
    name: str
    shape: tuple[int, ...]
    placements: tuple[Placement, ...]


@dataclass(frozen=True, slots=True)
class World:
    """The ranks that a pass was one of.

    Attributes:
        rank: The rank whose part was recorded.
        size: Ranks in all.
        mesh: Names and sizes of the mesh's axes, outermost first.
        layouts: How its parameters and values lie on the ranks, as the engine says.
        place: Where the rank stands along each axis of the mesh, counted from 0.
        parameters: Elements of all parameters of the model, where a rank has a stage of its layers; 0 elsewhere.
    """

    rank: int
    size: int
    mesh: tuple[tuple[str, int], ...] = ()
    layouts: tuple[Layout, ...] = ()
    place: tuple[tuple[str, int], ...] = ()
    parameters: int = 0
