"""Steps in which ranks talk: what one of them puts in, what comes out, how many bytes it sends."""

from collections.abc import Callable, Mapping
from fractions import Fraction
from math import prod

from shapetrace.ir import Kernel, Op
from shapetrace.ops.kinds import kernel_kind
from shapetrace.ops.registry import Talk, base_name, find
from shapetrace.outlining.axis_roles import AxisRoles
from shapetrace.outlining.drafts import Draft, Ref
from shapetrace.outlining.flow import Flow
from shapetrace.outlining.memory import ITEMSIZE
from shapetrace.outlining.ranks import Transfer
from shapetrace.sizing.formulas import Formula

SENT: Mapping[Talk, Callable[[int, int], int]] = {
    "all_reduce": lambda n, p: 2 * n * (p - 1) // p,
    "all_gather": lambda n, p: n * (p - 1),
    "reduce_scatter": lambda n, p: n * (p - 1) // p,
    "all_to_all": lambda n, p: n * (p - 1) // p,
    "broadcast": lambda n, p: n * (p - 1) // p,
    "reduce": lambda n, p: n * (p - 1) // p,
    "send": lambda n, _: n,
    "receive": lambda *_: 0,
}  # fmt: skip
"""Bytes that a rank sends in a ring of p, by those that it puts in."""


def collective_steps(flow: Flow, axis_roles: AxisRoles) -> tuple[Draft, ...]:
    """What ranks tell each other, with the operation that puts together what they gathered."""
    joined = {
        maker: op
        for op in flow.trace.ops
        if flow.kinds[op.id] == "cat" and flow.edges[op.id] and (maker := flow.talk.gathered_by(op)) is not None
    }
    return tuple(
        _step(flow, axis_roles, op, joined.get(op.id)) for op in flow.trace.ops if flow.kinds[op.id] == "collective"
    )


def _step(flow: Flow, axis_roles: AxisRoles, op: Op, joining: Op | None) -> Draft:
    def ref(value: int) -> Ref:
        return Ref(flow.root(value), axis_roles.readable(value), flow.facts.tensor(value).role)

    def before(value: int) -> int:
        """The form that was made, not the one in which it is sent."""
        root = flow.root(value)
        return root if prod(flow.facts.tensor(root).shape) == prod(flow.facts.tensor(value).shape) else value

    made = [flow.talk.laid_out(value) for value in (joining or op).outputs[:1]] or op.inputs[:1]
    kernel = talking(flow, op) or op.kernels[0]
    ops = (op.id,) if joining is None else (op.id, joining.id)
    word = find(kernel.name).word or base_name(kernel.name).strip("_")
    sent = tuple(ref(before(value)) for value in op.inputs or made)
    return Draft(
        ops, "collective", sent, tuple(map(ref, made)), function=word, call=op.call, order=op.id,
        transfer=transfer_of(flow, kernel),
    )  # fmt: skip


def talking(flow: Flow, op: Op) -> Kernel | None:
    """The kernel of an operation by which ranks talk, if they do."""
    if flow.kinds[op.id] != "collective":
        return None
    return next((kernel for kernel in op.kernels if kernel_kind(kernel.name) == "collective"), None)


def sent_formula(transfer: Transfer, payload: Formula) -> Formula | None:
    """Bytes that a rank sends, by those that it puts in, in named sizes."""
    ranks = transfer.ranks
    factors = {
        "all_reduce": Fraction(2 * (ranks - 1), ranks or 1), "all_gather": Fraction(ranks - 1), "send": Fraction(1),
        "reduce_scatter": Fraction(ranks - 1, ranks or 1), "all_to_all": Fraction(ranks - 1, ranks or 1),
    }  # fmt: skip
    factor = factors.get(transfer.talk)
    return None if factor is None else payload * factor


def axes_of(kernel: Kernel) -> tuple[str, ...]:
    """The axes of meshes along which the ranks of a collective stand."""
    axes = kernel.args.get("axes")
    return tuple(map(str, axes)) if isinstance(axes, list) else ()


def transfer_of(flow: Flow, kernel: Kernel) -> Transfer:
    """What a collective moves."""
    talk, ranks = find(kernel.name).talk, int(str(kernel.args.get("ranks", 0)))
    tensors = [flow.facts.tensor(value) for value in kernel.inputs or kernel.outputs]
    payload = sum(prod(tensor.shape) * ITEMSIZE.get(tensor.dtype, 1) for tensor in tensors)
    sent = SENT[talk](payload, ranks) if ranks > 0 and talk in SENT else 0
    return Transfer(talk, axes_of(kernel), ranks, str(kernel.args.get("members", "")), payload, sent,
                    int(str(kernel.args.get("peer", -1))))  # fmt: skip
