"""What a run of operations that multiplies no matrices is called: a norm, an activation, RoPE, a slice, plain words."""

from collections.abc import Sequence

from shapetrace.ir import Op
from shapetrace.ops.kinds import activation_name, names_of, norm_name
from shapetrace.ops.words import title_of
from shapetrace.outlining.flow import Flow
from shapetrace.outlining.structure import StepKind

_SOFTMAX = frozenset({"exp", "sum", "div", "sub", "amax", "max"})
_ROTATING = frozenset({"cat", "neg", "complex", "view_as_complex", "sub", "stack", "roll", "flip"})


def named(
    flow: Flow, ops: Sequence[Op], kernels: Sequence[str], data: Sequence[int], constants: Sequence[int]
) -> tuple[StepKind, str]:
    """Kind and title of a run of element-wise operations."""
    known = _recognised(flow, kernels, constants)
    if known == ("activation", "Sigmoid"):
        known = "activation", _gated_by_itself(flow, ops) or known[1]
    kinds = {flow.kinds[op.id] for op in ops}
    if known is not None and not (known[0] == "activation" and "reduce" in kinds):  # ReLU and a pool are no ReLU
        return known
    if set(kernels) <= {"cat", "stack", "copy"}:
        return "concat", "Concat"
    scalings = [op for op in ops if set(names_of(op.kernels)) <= {"mul", "div"} and len(op.inputs) == 1]
    plain = {name for op in ops if op not in scalings or len(ops) == len(scalings) for name in names_of(op.kernels)}
    if plain == {"constant_pad_nd"}:
        return "pointwise", "Pad"
    if plain == {"add"} and len(data) + len(constants) > 1:
        tables = [v for v in constants if flow.is_table(v) and not flow.is_per_head(v)]
        return "add", "Position" if len(tables) == 1 else "Add embeddings" if tables else "Add"
    if len(ops) == 1 and len(data) + len(constants) == 2 and plain == {"mul"}:
        return "multiply", "Multiply"
    title = title_of(op.name for op in ops)
    if plain <= {"mul", "div"} and not [v for v in constants if flow.facts.tensor(v).shape]:
        title = "Scale"
    return ("reduce" if kinds == {"reduce"} else "pointwise"), title


def _recognised(flow: Flow, kernels: Sequence[str], constants: Sequence[int]) -> tuple[StepKind, str] | None:
    """Norms, softmax written out, position encodings and activations, by their kernels."""
    norm = norm_name(kernels)
    if norm:
        return "norm", norm
    if {"exp", "sum", "div"} <= set(kernels) <= _SOFTMAX:
        return "softmax", "Softmax"
    turned = "neg" in kernels and kernels.count("mul") > 1 and {"add", "cat", "stack"} & set(kernels)
    if turned and len(constants) > 1 and set(kernels) <= {"mul", "neg", "add", "cat", "stack"}:
        return "position", "RoPE"
    if any(flow.is_trigonometric(value) for value in constants):
        if "mul" in kernels and set(kernels) & _ROTATING:
            return "position", "RoPE"
        if set(kernels) <= {"add"}:
            return "add", "Position"
    activation = activation_name(kernels)
    return ("activation", activation) if activation else None


def _gated_by_itself(flow: Flow, ops: Sequence[Op]) -> str:
    """``x·sigmoid(x)`` is SiLU, ``x·sigmoid(1.702·x)`` the quick form of GELU; "" is neither."""
    for op in ops:
        if names_of(op.kernels) != ["sigmoid"]:
            continue
        source, gate = op.inputs[0], op.outputs[0]
        scaling = flow.op_of(source)
        scaled = (
            [v for v in scaling.inputs if flow.is_data(v)] if scaling and names_of(scaling.kernels) == ["mul"] else []
        )
        for other in (o for o in ops if names_of(o.kernels) == ["mul"]):
            if set(other.inputs) == {gate, source}:
                return "SiLU"
            if len(scaled) == 1 and set(other.inputs) == {gate, scaled[0]}:
                return "Quick GELU"
    return ""


def plain_kind(flow: Flow, op: Op) -> tuple[StepKind, str]:
    """Kind and title of an operation that stands alone."""
    found = flow.kinds[op.id]
    if found == "softmax":
        return "softmax", "Softmax"
    if found == "layout":
        return "select", _selection(flow, op)
    if found == "index":
        return "select", "Select rows"
    if found == "route":
        names = names_of(op.kernels)
        return "route", "Top-k" if "topk" in names else title_of([op.name])
    if found == "unknown":
        return "unknown", op.name
    kind: StepKind = "algebra" if found == "algebra" else "reduce" if found == "reduce" else "pointwise"
    return kind, title_of([op.name])


def _selection(flow: Flow, op: Op) -> str:
    """``Last position`` if the rows taken are the end of an axis, ``First position`` if they are its start."""
    if not op.outputs:
        return "Select"
    before, after = flow.facts.tensor(op.inputs[0]).shape, flow.facts.tensor(op.outputs[0]).shape
    for kernel in op.kernels:
        dim, index = kernel.args.get("dim", 0), kernel.args.get("index", kernel.args.get("start"))
        if not isinstance(dim, int) or not isinstance(index, int) or dim >= len(before):
            continue
        size = before[dim]
        one = "index" in kernel.args or (len(after) == len(before) and after[dim] == 1)
        if one and size > 1:
            return "Last position" if index in (-1, size - 1) else "First position" if index == 0 else "Select row"
    return "Select"
