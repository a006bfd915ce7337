"""How many ranks there are, and along which axes they stand. Checked before torch is imported."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import prod

from shapetrace.errors import UsageError

_MOST = 1 << 20
"""Ranks of a simulated world: more than any machine has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Degrees:
    """How a model is spread over ranks.

    Attributes:
        tp: Ranks that share each matrix (tensor parallelism).
        ep: Ranks that share the experts.
        dp: Replicas, each with a batch of its own; None for as many as the world has room for.
        pp: Stages of layers.
        fsdp: Ranks that keep parts of all weights and gather each layer's when it runs.
        sp: Whether rows between the matrices are shared too (sequence parallelism).
        world: Ranks in all; 0 for as many as the others make.
        rank: The rank whose pass is traced.
    """

    tp: int = 1
    ep: int = 1
    dp: int | None = None
    pp: int = 1
    fsdp: int = 1
    sp: bool = False
    world: int = 0
    rank: int = 0

    @property
    def width(self) -> int:
        """Ranks along ``tp``: experts alone are shared by as many."""
        return max(self.tp, self.ep)

    @property
    def mesh(self) -> tuple[tuple[str, int], ...]:
        """Names and sizes of the axes, outermost first; ranks next to each other share matrices."""
        inner = self.pp * self.fsdp * self.width
        replicas = self.dp or max(1, self.world // inner)
        return (("pp", self.pp), ("dp", replicas), ("fsdp", self.fsdp), ("tp", self.width))

    @property
    def size(self) -> int:
        """Ranks in all."""
        return prod(size for _, size in self.mesh)

    @property
    def place(self) -> tuple[tuple[str, int], ...]:
        """Where the rank stands along each axis of the mesh."""
        found, rest = [], self.rank
        for name, size in reversed(self.mesh):
            found.append((name, rest % size))
            rest //= size
        return tuple(reversed(found))

    def check(self) -> "Degrees":
        """These degrees, if they fit together.

        Raises:
            UsageError: At the first that does not.
        """
        for fault in self._faults():
            raise UsageError(fault)
        return self

    def _faults(self) -> Iterator[str]:
        for name in ("tp", "ep", "dp", "pp", "fsdp"):
            value = getattr(self, name)
            if value is not None and value < 1:
                yield f"--{name} is {value}: give 1 or more."
        inner = self.pp * self.fsdp * self.width
        if self.fsdp > 1 and (self.width > 1 or self.pp > 1 or self.sp):
            yield f"--fsdp {self.fsdp}: alone so far, without --tp, --ep, --pp and --sp."
        if self.ep > 1 and self.tp > 1 and self.ep != self.tp:
            yield (
                f"--ep {self.ep} and --tp {self.tp}: experts on more ranks than share a batch are reached by an "
                "all-to-all, whose sizes follow from values that a simulated group has not: give as many of both."
            )
        if self.world and (self.world % inner or (self.dp is not None and self.dp * inner != self.world)):
            product = f"tp·fsdp·pp = {inner}" if self.dp is None else f"dp·tp·fsdp·pp = {self.dp * inner}"
            yield f"--world {self.world} is no multiple of {product}: the ranks cannot be shared out."
        if self.size > _MOST:
            yield f"a world of {self.size:,} ranks: give at most {_MOST:,}."
        if not 0 <= self.rank < self.size:
            yield f"--rank {self.rank}: of {self.size:,} ranks, give one from 0 to {self.size - 1:,}."
