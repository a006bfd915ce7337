"""Steps in the making: which operations a step draws, with operands that are still values, not names."""

from dataclasses import dataclass, field

from shapetrace.ir import Role
from shapetrace.outlining.structure import Note, StepKind

HAT = "\u0302"
"""What a symbol wears after a norm: a combining circumflex."""


@dataclass(slots=True)
class Ref:
    """An operand in the making.

    Attributes:
        value: Id of the tensor behind all edges; None for what exists only inside a fused call.
        shape: Sizes of one matrix.
        role: data, weight or constant.
        stack_axes: Sizes of the axes over which equal matrices repeat.
        letter: Name that a recognised pass knows: "Q"; "" if none does.
        transposed: Drawn turned.
        pattern: As in `Operand`.
        slices: As in `Operand`.
        band: As in `Operand`.
        dims: As in `Operand`.
    """

    value: int | None
    shape: tuple[int, ...]
    role: Role = "data"
    stack_axes: tuple[int, ...] = ()
    letter: str = ""
    transposed: bool = False
    pattern: str = ""
    slices: int = 0
    band: tuple[int, int] | None = None
    dims: tuple[str, ...] = ()

    @property
    def stack(self) -> int:
        """Number of equal matrices."""
        count = 1
        for size in self.stack_axes:
            count *= size
        return count


@dataclass(slots=True)
class Draft:
    """A step in the making; see `Step` for what the fields become.

    Attributes:
        ops: Operations that it draws.
        call: Id of the module call that it belongs to.
        order: Place in the order of execution.
        share: Part of its operations' parameters that are its own, as (its columns, all columns).
        weights: Ids of the weight tensors that its operations read.
        chosen: For expert products: rows in all, and matrices to choose from.
        adapter: True for a product of a low-rank adapter.
        adapted: Value that the result becomes once adapters are added to it; None without any.
        twins: Equal steps beside it (heads in modules of their own) that it stands for.
    """

    ops: list[int]
    kind: StepKind
    title: str
    operator: str
    operands: list[Ref]
    results: list[Ref]
    call: int = 0
    path: str = ""
    order: int = 0
    notes: list[Note] = field(default_factory=list)
    flops: int | None = None
    inner: tuple[int, int] | None = None
    share: tuple[int, int] = (1, 1)
    weights: list[int] = field(default_factory=list)
    chosen: tuple[int, int] | None = None
    adapter: bool = False
    adapted: int | None = None
    twins: list["Draft"] = field(default_factory=list)


def base_of(symbol: str) -> str:
    """A symbol without hat and index: ``X`` of ``X̂_1``."""
    return symbol.replace(HAT, "").partition("_")[0]


def trimmed(shape: tuple[int, ...], rank: int = 2) -> tuple[int, ...]:
    """A shape as people write it: leading axes of size 1 left out, as long as ``rank`` axes remain."""
    while len(shape) > rank and shape[0] == 1:
        shape = shape[1:]
    return shape
