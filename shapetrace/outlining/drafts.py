"""Steps in the making: which operations a step draws, with operands that are still values, not names.

Structs of msgspec, as the facts of a trace are: a pass has thousands of them, made and changed at each stage.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from math import prod
from types import MappingProxyType

import msgspec

from shapetrace.ir import Pattern
from shapetrace.ir import Role as Origin
from shapetrace.language import Phrase
from shapetrace.outlining.ranks import Transfer
from shapetrace.outlining.roles import Part, Role
from shapetrace.outlining.structure import StepKind

UNSEEN = -1
"""The value of what no operation of the pass made."""


class Ref(msgspec.Struct, frozen=True, gc=False):
    """An operand in the making.

    Attributes:
        value: Id of the tensor behind all edges; below -1 what exists only inside a fused call.
        shape: Sizes of one matrix.
        origin: data, weight or constant.
        stack_axes: Sizes of the axes over which equal matrices repeat.
        part: What a recogniser of facts knows it to be.
        transposed: Drawn turned.
        pattern: As in `Operand`.
        slices: As in `Operand`.
        band: As in `Operand`.
        seen: Of scores: which of them a mask lets through.
        veiled: Of scores: whether a mask may hide some, and nobody knows which.
        picks: As in `Operand`.
        weighed: As in `Operand`.
    """

    value: int
    shape: tuple[int, ...]
    origin: Origin = "data"
    stack_axes: tuple[int, ...] = ()
    part: Part = Part.OTHER
    transposed: bool = False
    pattern: str = ""
    slices: int = 0
    band: tuple[int, int] | None = None
    seen: Pattern | None = None
    veiled: bool = False
    picks: tuple[tuple[int, int], ...] = ()
    weighed: tuple[tuple[float, ...], ...] = ()

    @property
    def stack(self) -> int:
        """Number of equal matrices."""
        return prod(self.stack_axes)

    @property
    def columns(self) -> int:
        """Size of the last axis; 1 for a scalar."""
        return self.shape[-1] if self.shape else 1


class Draft(msgspec.Struct, frozen=True, gc=False):
    """A step in the making; see `Step` for what the fields become.

    Attributes:
        ops: Operations that it draws.
        kind: What sort of step it is.
        operands: Left to right.
        results: Usually one.
        role: What it is for, where the operations alone tell.
        function: What it computes, where that has a name: ``GELU``, ``RMSNorm``, ``softmax``.
        calls: Names of the operations of a step that has no other name.
        call: Id of the module call that it belongs to.
        order: Place in the order of execution.
        key: Its number among all drafts: what mappings are keyed by.
        share: Part of its operations' parameters that are its own, as (its columns, all columns).
        weights: Ids of the weight tensors that its operations read.
        chosen: For expert products: rows in all, and matrices to choose from.
        twins: Equal steps beside it (heads in modules of their own) that it stands for.
        also: Values that it reads besides its operands: further pieces of a stack, what is not shown.
        transfer: Of a collective: what it moves.
    """

    ops: tuple[int, ...]
    kind: StepKind
    operands: tuple[Ref, ...]
    results: tuple[Ref, ...]
    role: Role = Role.OTHER
    function: str = ""
    calls: tuple[str, ...] = ()
    call: int = 0
    order: int = 0
    key: int = -1
    notes: tuple[Phrase, ...] = ()
    flops: int | None = None
    inner: tuple[int, int] | None = None
    share: tuple[int, int] = (1, 1)
    weights: tuple[int, ...] = ()
    chosen: tuple[int, int] | None = None
    twins: tuple["Draft", ...] = ()
    also: tuple[int, ...] = ()
    transfer: Transfer | None = None

    @property
    def data(self) -> Ref:
        """Of a product: the operand that holds data."""
        return self.operands[-1] if self._weight_is_first else self.operands[0]

    @property
    def weight(self) -> Ref:
        """Of a product: the operand that holds weights."""
        return self.operands[0] if self._weight_is_first else self.operands[-1]

    @property
    def result(self) -> Ref:
        """The first result."""
        return self.results[0]

    @property
    def _weight_is_first(self) -> bool:
        return self.operands[0].origin == "weight" and self.operands[-1].origin != "weight"


class Graph:
    """Who makes and who reads a value, among drafts. A collective is neither: what it hands on is the same to all."""

    def __init__(self, drafts: Iterable[Draft], becomes: Mapping[int, int] = MappingProxyType({})) -> None:
        """Index drafts.

        Args:
            drafts: In the order of execution.
            becomes: What a value is read as, if something small was added to it first (`adapters`).
        """
        self.drafts = tuple(draft for draft in drafts if draft.kind != "collective")
        self.becomes = becomes
        self._readers: dict[int, list[Draft]] = defaultdict(list)
        self._makers: dict[int, Draft] = {}
        for draft in self.drafts:
            for value in dict.fromkeys((*(operand.value for operand in draft.operands), *draft.also)):
                self._readers[value].append(draft)
            for result in draft.results:
                self._makers.setdefault(result.value, draft)
                if result.value in becomes:
                    self._makers[becomes[result.value]] = draft
        self._makers.pop(UNSEEN, None)
        self._by_order: dict[int, list[Draft]] = defaultdict(list)
        self._with_weight: dict[int, list[Draft]] = defaultdict(list)
        for draft in self.drafts:
            self._by_order[draft.order].append(draft)
            if draft.kind == "product":
                self._with_weight[draft.weight.value].append(draft)

    def drafts_of(self, ops: Iterable[int]) -> list[Draft]:
        """The steps that draw operations, also those that share one operation."""
        return [draft for op in ops for draft in self._by_order.get(op, ())]

    def times(self, weight: int) -> list[Draft]:
        """The products that multiply with a weight, in order."""
        return self._with_weight.get(weight, []) if weight != UNSEEN else []

    def maker(self, value: int) -> Draft | None:
        """The step that made a value; None for inputs, weights and constants."""
        return self._makers.get(value)

    def readers(self, value: int) -> list[Draft]:
        """The steps that read a value, in order."""
        return self._readers.get(self.becomes.get(value, value), []) if value != UNSEEN else []

    def onward(self, value: int, through: Iterable[StepKind] | None = None, most: int = 8) -> Iterator[Draft]:
        """The steps that a value reaches, nearest first, a few; behind those of some kinds alone, if named."""
        queue = list(self.readers(value))
        passed = None if through is None else frozenset(through)
        for place in range(most):
            if place == len(queue):
                return
            after = queue[place]
            yield after
            if passed is None or after.kind in passed:
                queue += [later for made in after.results for later in self.readers(made.value)]


def trimmed(shape: tuple[int, ...], rank: int = 2) -> tuple[int, ...]:
    """A shape as people write it: leading axes of size 1 left out, as long as ``rank`` axes remain."""
    while len(shape) > rank and shape[0] == 1:
        shape = shape[1:]
    return shape


def drawn_by(*groups: Iterable[Draft]) -> set[int]:
    """Operations that these drafts draw."""
    return {op for drafts in groups for draft in drafts for op in draft.ops}
