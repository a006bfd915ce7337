"""Where a value came from: whether an earlier pass kept it, and what moved it since."""

from collections.abc import Container, Sequence
from typing import NamedTuple

from shapetrace.ir import Op
from shapetrace.ops.kinds import OpKind, is_factory, names_of
from shapetrace.ops.written import AT_INDICES
from shapetrace.outlining.flow import Flow
from shapetrace.outlining.recognise.regions import region

MOVING = (AT_INDICES - {"index_add"}) | {
    "copy", "_index_put_impl_", "roll", "slice", "index", "index_select", "narrow", "clone", "where", "zero",
}  # fmt: skip
IDLE = frozenset({"view", "expand", "unsqueeze", "squeeze", "select", "alias", "arange", "detach", "_to_copy"})
_KINDS: frozenset[OpKind] = frozenset({"layout", "cast", "index"})


class Origin(NamedTuple):
    """Where a value came from.

    Attributes:
        is_kept: Whether nothing in this pass made it but an earlier append.
        value: What it was, as far back as it was only moved.
        passed: The operations that moved it since.
        grown: What it was before it was put into a larger tensor of this pass; None if it was not.
    """

    is_kept: bool
    value: int
    passed: Sequence[Op] = ()
    grown: int | None = None


def kept_by(flow: Flow, value: int, earlier: Container[int]) -> Origin:
    """Whether a value was kept, and how it came to where it is."""
    root, grown = flow.root(value), None
    passed: list[Op] = []
    for _ in range(8):
        tensor, op = flow.facts.tensor(root), flow.op_of(root)
        if op is None:
            return Origin(tensor.role != "weight", root, passed, grown)
        if op.id in earlier:
            return Origin(True, root, passed, grown)
        names = set(names_of(op.kernels))
        larger = _larger(flow, op, names)
        moves = flow.kinds[op.id] in _KINDS or (names & MOVING and flow.kinds[op.id] != "product")
        if larger is None and not (op.inputs and moves):
            break
        passed.append(op)
        root = flow.root(op.inputs[0] if larger is None else larger)
        grown = root if larger is not None and grown is None else grown
    return Origin(False, root)


def _larger(flow: Flow, op: Op, names: Container[str]) -> int | None:
    """What an operation puts into a larger tensor whose other places are empty; None if it does not."""
    if "constant_pad_nd" in names:
        return op.inputs[0]
    found = region(flow, op)
    made = None if found is None else flow.op_of(found.target)
    return found.source if found is not None and made is not None and is_factory(made) else None


def is_own(flow: Flow, value: int, earlier: Container[int]) -> bool:
    """Whether this pass made an empty tensor, or has put rows into a kept one before."""
    made = flow.op_of(value)
    return made is not None and (is_factory(made) or made.id in earlier)
