"""What a run of operations that multiplies no matrices computes: a norm, an activation, RoPE, a slice, plain words."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

from shapetrace.ir import Op
from shapetrace.ops.activations import activation_of, gate_of
from shapetrace.ops.kinds import has, names_of
from shapetrace.ops.norms import norm_of
from shapetrace.outlining.axis_roles import AxisRoles
from shapetrace.outlining.flow import Flow
from shapetrace.outlining.recognise.rotations import rotates
from shapetrace.outlining.roles import Role
from shapetrace.outlining.structure import StepKind
from shapetrace.outlining.usage import is_masking

_SOFTMAX = frozenset({"exp", "sum", "div", "sub", "amax", "max"})


@dataclass(frozen=True, slots=True)
class Function:
    """What a step computes.

    Attributes:
        kind: Sort of step.
        name: Its own name, if it has one: ``GELU``, ``LayerNorm``.
        role: What it is for, where that is known.
        calls: The operations' names that tell, where it has no name.
    """

    kind: StepKind
    name: str = ""
    role: Role = Role.OTHER
    calls: tuple[str, ...] = ()


def function_of(
    flow: Flow, axis_roles: AxisRoles, ops: Sequence[Op], data: Sequence[int], constants: Sequence[int]
) -> Function:
    """What a run of element-wise operations computes.

    Args:
        flow: Values and operations.
        axis_roles: Which axes count heads.
        ops: The run.
        data: Values with data that it reads from outside.
        constants: Weights and constants that it reads from outside.
    """
    kernels = [name for op in ops for name in names_of(op.kernels)]
    kinds = {flow.kinds[op.id] for op in ops}
    known = _recognised(flow, ops, kernels, (data, constants))
    if known is not None and not (known.kind == "activation" and "reduce" in kinds):  # ReLU and a pool are no ReLU
        return known
    if set(kernels) <= {"cat", "stack", "copy"}:
        return Function("concat", calls=("cat",))
    scalings = [op for op in ops if set(names_of(op.kernels)) <= {"mul", "div"} and len(op.inputs) == 1]
    plain = {name for op in ops if op not in scalings or len(ops) == len(scalings) for name in names_of(op.kernels)}
    if plain == {"im2col"}:
        return Function("select", role=Role.PATCHES)
    if plain == {"constant_pad_nd"}:
        return Function("pointwise", calls=("pad",))
    if plain == {"add"} and len(data) + len(constants) > 1:
        read = [v for op in ops for v in op.inputs]  # as it is read, cut and turned
        added_to = [v for v in read if flow.root(v) in data]
        tables = [
            v
            for v in read
            if flow.root(v) in constants
            and not _is_per_head(flow, axis_roles, v)
            and (flow.is_table(v) or (_is_kept(flow, v) and any(_is_looked_up(flow, rows) for rows in added_to)))
            and all(_counts_rows(flow, axis_roles, v, rows) for rows in added_to)
        ]
        embeds = tables or any(_is_looked_up(flow, v) for v in read if flow.root(v) in constants)
        role = Role.POSITION if len(tables) == 1 else Role.ADD_EMBEDDINGS if embeds else Role.OTHER
        return Function("add", role=role, calls=("add",))
    if len(ops) == 1 and len(data) + len(constants) == 2 and plain == {"mul"}:
        return Function("multiply", calls=("mul",))
    calls = tuple(dict.fromkeys(op.name for op in ops))
    by_numbers = all(sum(bool(flow.facts.tensor(v).shape) for v in op.inputs) < 2 for op in ops)
    scales = plain <= {"mul", "div"} and by_numbers
    kind: StepKind = "reduce" if kinds == {"reduce"} else "pointwise"
    return Function(kind, role=Role.SCALE if scales else Role.OTHER, calls=calls)


def _is_looked_up(flow: Flow, value: int) -> bool:
    """Whether a value is rows of a table, at most scaled: tokens before anything looked at them."""
    op = flow.op_of(value)
    while op is not None and set(names_of(op.kernels)) <= {"mul", "div"} and len(op.inputs) == 1:
        op = flow.op_of(op.inputs[0])
    return op is not None and flow.kinds[op.id] == "lookup"


def _is_kept(flow: Flow, value: int) -> bool:
    """Whether a value is rows of a parameter or a buffer that has several."""
    kept, rank = flow.facts.tensor(flow.root(value)), len(flow.facts.tensor(value).shape)
    return kept.origin in ("parameter", "buffer") and rank > 1 and set(kept.shape[:-1]) - {1} != set()


def _is_per_head(flow: Flow, axis_roles: AxisRoles, value: int) -> bool:
    """Whether a weight has a row for each head, the same for all positions."""
    rows = set(flow.facts.atoms.flat(flow.facts.axes_of(value)[:-1]))
    return bool(rows) and rows <= axis_roles.heads


def _counts_rows(flow: Flow, axis_roles: AxisRoles, table: int, data: int) -> bool:
    """Whether a table has a row for each of the rows of some data: not one for all of them, and no more than there are.

    Examples are no rows: labels have one for each of them.
    """
    axes, sizes = flow.facts.axes_of(data), flow.facts.tensor(data).shape[:-1]
    own = flow.facts.tensor(table).shape[:-1]
    own = (1,) * (len(sizes) - len(own)) + own
    if len(own) != len(sizes) or any(mine > size for mine, size in zip(own, sizes, strict=True)):
        return False
    examples = [axis_roles.has_examples((axis,)) for axis in axes[:-1]]
    rows = [pair for pair, is_example in zip(zip(own, sizes, strict=True), examples, strict=True) if not is_example]
    return any(mine == size > 1 for mine, size in rows) or all(size == 1 for _, size in rows)


def _recognised(
    flow: Flow, ops: Sequence[Op], kernels: Sequence[str], read: tuple[Sequence[int], Sequence[int]]
) -> Function | None:
    """Norms, softmax written out, position encodings and activations, by what is computed."""
    data, constants = read
    norm, activation, gate = named(flow, ops)
    if norm:
        norm = "Instance norm" if norm == "LayerNorm" and _is_put_back(flow, ops, data) else norm
        return Function("norm", norm, Role.NORM)
    if {"exp", "sum", "div"} <= set(kernels) <= _SOFTMAX:
        return Function("softmax", "softmax")
    if rotates(flow, ops):
        return Function("position", "RoPE", Role.POSITION)
    if any(flow.is_trigonometric(v) for v in constants) or (len(data) > 1 and any(map(flow.is_angle, data))):
        if "mul" in kernels and any(has(op, "rotates") for op in ops):
            return Function("position", "RoPE", Role.POSITION)
        if set(kernels) <= {"add"}:
            return Function("add", role=Role.POSITION, calls=("add",))
    if activation:
        # a state of zeros that an activation weighs, in the first turn of a loop
        weighs = "mul" in kernels and len(data) > 1 and any(flow.facts.tensor(v).role == "constant" for v in data)
        return Function("activation", activation, Role.GATED_ACTIVATION if weighs else Role.ACTIVATION)
    return Function("activation", gate, Role.GATED_ACTIVATION) if gate else None


def _is_put_back(flow: Flow, ops: Sequence[Op], data: Sequence[int]) -> bool:
    """Whether a mean or a deviation that a norm takes off comes back in later on: a series is scaled."""
    last = max(op.id for op in ops)
    later = (
        flow.trace.ops[reader]
        for value in data[1:]
        for reader in flow.readers[flow.root(value)]
        if reader > last and flow.facts.tensor(value).shape[-1:] == (1,)
    )
    return any({"mul", "add", "addcmul"} & set(names_of(op.kernels)) for op in later)


def named(flow: Flow, ops: Sequence[Op]) -> tuple[str, str, str]:
    """The norm, the activation and the gate that operations compute; equal layers are asked once."""
    form = _form(flow, ops)
    if form not in flow.named:
        norm = norm_of(ops, flow.trace)
        activation = "" if norm else activation_of(ops, flow.trace)
        flow.named[form] = (norm, activation, "" if norm or activation else gate_of(ops, flow.trace))
    return flow.named[form]


def _form(flow: Flow, ops: Sequence[Op]) -> Hashable:
    """What two runs that compute the same have in common: kernels, arguments, and which value is read where."""
    places: dict[int, int] = {}
    found: list[Hashable] = []
    for op in ops:
        for kernel in op.kernels:
            for value in (*kernel.inputs, *kernel.outputs):
                if value not in places:
                    places[value] = len(places)
                    tensor = flow.facts.tensor(value)
                    made = flow.facts.producer.get(value)
                    found.append((tensor.shape, tensor.role, tensor.dtype, made is not None and flow.kinds[made]))
            numbers = tuple(places[value] for value in (*kernel.inputs, *kernel.outputs))
            found.append((kernel.name, repr(kernel.args), numbers))
    return tuple(found)


def lone_function(flow: Flow, axis_roles: AxisRoles, op: Op) -> Function:
    """What an operation that stands alone computes."""
    found = flow.kinds[op.id]
    if found == "softmax":
        return Function("softmax", "log-softmax" if "_log_softmax" in names_of(op.kernels) else "softmax")
    if found == "layout" and "unfold" in names_of(op.kernels):
        return Function("select", role=Role.PATCHES)
    if found == "layout":
        return Function("select", _selection(flow, axis_roles, op), Role.SELECT)
    if found == "index":
        return Function("select", "rows", Role.SELECT)
    if is_masking(flow.facts, op):
        return Function("pointwise", calls=("masked_fill",))
    if found == "route":
        is_top = "topk" in names_of(op.kernels)
        return Function("route", "top-k" if is_top else "", calls=(op.name,))
    if found == "unknown":
        return Function("unknown", op.name)
    kind: StepKind = "algebra" if found == "algebra" else "reduce" if found == "reduce" else "pointwise"
    return Function(kind, calls=(op.name,))


def _selection(flow: Flow, axis_roles: AxisRoles, op: Op) -> str:
    """What is taken: the first or last of an axis, and what that axis counts; "" for anything else."""
    if not op.outputs or not op.inputs:
        return ""
    axes = flow.facts.axes_of(op.inputs[0])
    before, after = flow.facts.tensor(op.inputs[0]).shape, flow.facts.tensor(op.outputs[0]).shape
    for kernel in op.kernels:
        dim, index = kernel.args.get("dim", 0), kernel.args.get("index", kernel.args.get("start"))
        if not isinstance(dim, int) or not isinstance(index, int) or not -len(before) <= dim < len(before):
            continue
        size = before[dim]
        one = "index" in kernel.args or (len(after) == len(before) and after[dim] == 1)
        if one and size > 1:
            counted = _counted(flow, axis_roles, axes[dim])
            of_pair = counted == "head" and axis_roles.heads_among([axis for axis in axes if axis is not axes[dim]])
            if not counted or of_pair:  # one of a pair of heads, of each pair
                return ""
            return f"last {counted}" if index in (-1, size - 1) else f"first {counted}" if index == 0 else "row"
    return ""


def _counted(flow: Flow, axis_roles: AxisRoles, axis: tuple[int, ...]) -> str:
    """What an axis counts: heads, examples, or positions, as all other rows; "" for pieces of columns."""
    leaves = set(flow.facts.atoms.leaves(axis))
    if leaves <= axis_roles.heads:
        return "head"
    if leaves & flow.columns:
        return ""
    return "example" if leaves <= axis_roles.examples else "position"
