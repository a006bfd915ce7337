"""What a rank has and tells: its part of a matrix, what a collective moves, its place among all ranks."""

from dataclasses import dataclass, field
from typing import Literal

from shapetrace.ops.registry import Talk


@dataclass(frozen=True, slots=True)
class Share:
    """What one rank has of a matrix, along one axis of the mesh. Without one, it has all.

    Attributes:
        axis: Name of the mesh's axis: ``tp``.
        ranks: How many ranks stand along it.
        kind: shard: a part. partial: a summand.
        dim: Of a shard: the axis of the matrix as it is drawn that is cut; -1 for its stack (heads, experts); None if
            that cannot be told.
        place: Which part it is, counted from 0.
        whole: Of a shard: the size of that axis on all ranks together; 0 if that is not known.
        pieces: Of a shard: how many runs of that axis are cut, each by itself.
    """

    axis: str
    ranks: int
    kind: Literal["shard", "partial"]
    dim: int | None = None
    place: int = 0
    whole: int = 0
    pieces: int = 1

    @property
    def placement(self) -> str:
        """As people write it: ``Shard(1)``, ``Partial``."""
        if self.kind == "partial":
            return "Partial"
        return {None: "Shard", -1: "Shard(stack)"}.get(self.dim) or f"Shard({self.dim})"


@dataclass(frozen=True, slots=True)
class Transfer:
    """What a collective moves.

    Attributes:
        talk: How the ranks talk: ``all_reduce``.
        axes: The axes of meshes along which they do: ("tp",); two, where those are the same ranks.
        ranks: How many do.
        members: Which: ``0-7``.
        payload: Bytes of what one rank puts in, or gets.
        sent: Bytes that one rank sends, by the ring that moves the least: an all-reduce of n bytes over p ranks
            takes 2·n·(p−1)/p.
        peer: Of rows between two stages: the other rank; -1 where several talk.
    """

    talk: Talk
    axes: tuple[str, ...]
    ranks: int
    members: str
    payload: int
    sent: int
    peer: int = -1


@dataclass(frozen=True, slots=True)
class Circle:
    """Ranks that talk to each other, this one among them, and all that they do in one pass.

    Attributes:
        axes: The axes of meshes along which they stand.
        ranks: How many they are.
        members: Which: ``0-7``.
        collectives: How often they talk, by how.
        sent: Bytes that one of them sends.
    """

    axes: tuple[str, ...]
    ranks: int
    members: str
    collectives: dict[str, int]
    sent: int


@dataclass(frozen=True, slots=True)
class Ranks:
    """What a pass of one rank is of a pass of all.

    Attributes:
        rank: The rank.
        size: Ranks in all.
        mesh: Names and sizes of the mesh's axes.
        parameters: Elements of all parameters of the model, those of other ranks too; tied ones once.
        sent: Bytes that this rank sends in one pass.
        collectives: How often ranks talk, by how.
        whole: Kinds of sections of whose weights every rank holds all.
        place: Where the rank stands along each axis of the mesh.
        circles: With whom it talks.
    """

    rank: int
    size: int
    mesh: tuple[tuple[str, int], ...]
    parameters: int
    sent: int
    collectives: dict[str, int] = field(default_factory=dict)
    whole: tuple[str, ...] = ()
    place: tuple[tuple[str, int], ...] = ()
    circles: tuple[Circle, ...] = ()

    @property
    def axes(self) -> tuple[tuple[str, int], ...]:
        """The axes that together make all ranks, outermost first; others are further ways to count the same ranks."""
        n_ranks, taken = 1, 0
        while n_ranks < self.size and taken < len(self.mesh):
            n_ranks, taken = n_ranks * self.mesh[taken][1], taken + 1
        return self.mesh[:taken] if n_ranks == self.size else ()
