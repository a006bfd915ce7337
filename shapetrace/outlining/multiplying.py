"""Products with weights, drawn as people write them: one small product a head, rows as the author had them."""

from collections.abc import Sequence
from math import prod

from shapetrace.ir import Op, Role, Tensor
from shapetrace.ops.atoms import Axis
from shapetrace.ops.products import Product
from shapetrace.outlining.columns import TITLES, Columns
from shapetrace.outlining.drafts import Draft, Ref, trimmed
from shapetrace.outlining.flow import Flow
from shapetrace.outlining.structure import Note, StepKind

EACH_ITS_EXPERT = "each row meets the matrix of its own expert"


def product_drafts(flow: Flow, position: int, columns: Sequence[Columns], fused: bool) -> list[Draft]:
    """The steps of one product that is no part of attention itself.

    Args:
        flow: Values and operations.
        position: Position of the product in ``Facts.products``.
        columns: What its columns become; empty if nobody knows.
        fused: True to draw it as the code runs it, with all columns in one.
    """
    product = flow.facts.products[position]
    op = flow.trace.ops[product.op]
    if product.form == "convolution":
        return [_convolution(flow, product, op)]
    if product.form == "grouped":
        return [_grouped(flow, product, op)]
    assert product.left is not None
    choice = chosen_table(flow, product.right)
    if choice is not None:
        return [_chosen(flow, product, op, choice)]
    left, right = (operand_role(flow, value) for value in (product.left, product.right))
    if right == "weight" and (left != "weight" or any(piece.letters for piece in columns)):
        pieces = list(columns) if columns and not fused else [_whole(flow, product, columns)]
        total = sum(piece.count for piece in pieces)
        drafts = [_projection(flow, product, op, piece, total) for piece in pieces]
    else:
        drafts = [_plain(flow, product, op, left, right)]
    if product.times > 1:
        one_more(drafts[0], 0, product.times - 1)
    return drafts


def one_more(draft: Draft, flops: int, times: int = 1) -> None:
    """Count one more equal product of the same call with the same weight: a recurrent layer's next position."""
    times += (draft.operands[0].stack_axes or (1,))[0]
    for ref in (draft.operands[0], *draft.results):
        ref.stack_axes = (times,)
    draft.title = "Recurrent"
    draft.flops = (draft.flops or 0) + flops
    draft.notes = [Note("{n} positions, one after another", {"n": times})]


def chosen_table(flow: Flow, value: int) -> Op | None:
    """The operation that took a factor out of a stack of matrices by computed indices: every row meets its expert."""
    op = flow.op_of(value)
    if op is None or flow.kinds[op.id] not in ("index", "lookup") or not op.inputs:
        return None
    table = flow.facts.tensor(op.inputs[0])
    return op if table.role == "weight" and len(table.shape) >= 3 else None


def _chosen(flow: Flow, product: Product, op: Op, choice: Op) -> Draft:
    """Rows with the matrices that were chosen for them, drawn as the whole stack of experts."""
    assert product.left is not None
    assert product.out is not None
    atoms = flow.facts.atoms
    table = flow.facts.tensor(choice.inputs[0])
    inner, columns = atoms.size(product.k), atoms.size(product.n)
    rows = product.flops // (2 * inner * columns)
    operands = [
        Ref(flow.root(product.left), (rows, inner), flow.facts.tensor(product.left).role),
        Ref(flow.root(table.id), (inner, columns), "weight", (table.shape[0],)),
    ]
    result = Ref(flow.root(product.out), (rows, columns), flow.facts.tensor(product.out).role)
    draft = Draft([choice.id, op.id], "product", "", "×", operands, [result], op.call, order=op.id, inner=(1, 0))
    draft.flops = product.flops
    draft.notes = [Note(EACH_ITS_EXPERT)]
    draft.chosen = (rows, table.shape[0])
    return draft


def operand_role(flow: Flow, value: int) -> Role:
    """Role of a factor: a buffer multiplied with data (a quantised weight, also a scaled one) is a weight."""
    tensor = flow.facts.tensor(value)
    if tensor.role != "constant":
        return tensor.role
    made_from = [flow.root(value), *(v for op in flow.ancestors(value) for v in flow.trace.ops[op].inputs)]
    return "weight" if any(_is_matrix_buffer(flow.facts.tensor(v)) for v in made_from) else "constant"


def _is_matrix_buffer(tensor: Tensor) -> bool:
    return tensor.origin == "buffer" and len(tensor.shape) >= 2 and min(tensor.shape) > 1


def is_batch(flow: Flow, atom: int) -> bool:
    """Whether an atom is the axis of an input that counts independent examples."""
    origin = flow.facts.atoms.origin(atom)
    return origin.rank == 0 and origin.name.endswith(flow.example_axis)


def stack_sizes(flow: Flow, axes: Sequence[Axis]) -> tuple[int, ...]:
    """Batch axes as sizes: the examples first, everything else (heads, groups, windows) as one number."""
    atoms = flow.facts.atoms
    leaves = [leaf for axis in axes for leaf in atoms.leaves(axis)]
    examples = atoms.size(tuple(leaf for leaf in leaves if is_batch(flow, leaf)))
    rest = atoms.size(tuple(leaf for leaf in leaves if not is_batch(flow, leaf)))
    return tuple(size for size in (examples, rest) if size > 1)


def _whole(flow: Flow, product: Product, columns: Sequence[Columns]) -> Columns:
    letters = "".join(sorted({letter for piece in columns for letter in piece.letters}, key="QKV".index))
    return Columns(letters, 1, flow.facts.atoms.size(product.n))


def _projection(flow: Flow, product: Product, op: Op, piece: Columns, total: int) -> Draft:
    assert product.left is not None
    atoms = flow.facts.atoms
    rows, stack = _rows(flow, product)
    inner = atoms.size(product.k)
    heads = (piece.heads,) if piece.heads > 1 else ()
    data = Ref(flow.root(product.left), (*rows, inner), stack_axes=stack, role=operand_role(flow, product.left))
    letters = piece.letters if piece.letters in (*TITLES, "QKV", "KV") else ""
    letter = f"W_{letters}" if letters else ""
    weight = Ref(flow.root(product.right), (inner, piece.width), "weight", (*stack, *heads), letter)
    value = None if product.out is None else flow.root(product.out)
    result = Ref(value, (*rows, piece.width), flow.facts.tensor(product.out or 0).role, (*stack, *heads), letters)
    title = {**TITLES, "KV": "Key, Value", "QKV": "Query, Key, Value"}.get(letters, "")
    draft = Draft([op.id], "product", title, "×", [data, weight], [result], op.call, order=op.id)
    draft.inner = (len(data.shape) - 1, 0)
    draft.flops = product.flops * piece.count // total
    draft.share = (piece.count, total)
    draft.weights = list(op.inputs)
    return draft


def _rows(flow: Flow, product: Product) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Rows of the data operand as the author had them, and the stack over which the weight has a matrix of its own."""
    assert product.left is not None
    atoms = flow.facts.atoms
    weight_leaves = set(atoms.flat(flow.facts.axes_of(flow.root(product.right))))
    batch = [leaf for axis in product.batch for leaf in atoms.leaves(axis)]
    own = tuple(leaf for leaf in batch if leaf in weight_leaves)
    stack = (atoms.size(own),) if own else ()
    rows = [leaf for leaf in batch if leaf not in weight_leaves] + list(atoms.leaves(product.m))
    shape = flow.facts.tensor(product.left).shape
    as_written = (prod(shape[:-1]), shape[-1:]) == (atoms.size(tuple(rows)), (atoms.size(product.k),))
    if not own and len(shape) > 2 and as_written:
        kept = without_idle_axes(shape[:-1])
        one_example = not any(is_batch(flow, leaf) for leaf in rows)  # (T, 1) of a batch of one is T
        return (tuple(size for size in kept if size > 1) or (1,) if one_example else kept), stack
    return apart(flow, rows), stack


def apart(flow: Flow, leaves: Sequence[int]) -> tuple[int, ...]:
    """Sizes of a flattened axis with the batch kept apart: (B·T) is (B, T) again."""
    sizes: list[int] = []
    before: bool | None = None
    for leaf in leaves:
        size, batch = flow.facts.atoms.size((leaf,)), is_batch(flow, leaf)
        if batch == before:
            sizes[-1] *= size
        else:
            sizes.append(size)
        before = batch
    return tuple(sizes) or (1,)


def without_idle_axes(rows: tuple[int, ...]) -> tuple[int, ...]:
    """Rows without axes of size 1: all leading ones, and those between two others."""
    rows = trimmed(rows, 1)
    return tuple(size for size in rows if size > 1) if sum(size > 1 for size in rows) > 1 else rows


def readable_shape(flow: Flow, value: int) -> tuple[int, ...]:
    """A value's shape as people write it: batch of 1 left out, flattened rows with the batch apart."""
    shape = flow.facts.tensor(value).shape
    axes = flow.facts.axes_of(value)
    if len(shape) == 2:
        return (*apart(flow, flow.facts.atoms.leaves(axes[0])), shape[1])
    rows = trimmed(shape)[:-1]
    if len(rows) > 1 and not any(is_batch(flow, leaf) for leaf in flow.facts.atoms.flat(axes[:-1])):
        rows = tuple(size for size in rows if size > 1) or (1,)
    return (*rows, *shape[-1:])


def _plain(flow: Flow, product: Product, op: Op, left: Role, right: Role) -> Draft:
    """Data × data that is no attention, weight × data, constants: a batch of small matrices."""
    assert product.left is not None
    atoms = flow.facts.atoms
    m, k, n = (atoms.size(axis) for axis in (product.m, product.k, product.n))
    stack = stack_sizes(flow, product.batch)
    operands = [
        Ref(flow.root(product.left), (m, k), left, stack),
        Ref(flow.root(product.right), (k, n), right, stack),
    ]
    value = None if product.out is None else flow.root(product.out)
    kind: StepKind = "product" if "weight" in (left, right) else "contraction"
    role = flow.facts.tensor(product.out or 0).role
    draft = Draft([op.id], kind, "", "×", operands, [Ref(value, (m, n), role, stack)], op.call, order=op.id)
    draft.inner = (1, 0)
    draft.flops = product.flops
    return draft


def _convolution(flow: Flow, product: Product, op: Op) -> Draft:
    tensor = flow.facts.tensor
    assert product.left is not None
    assert product.out is not None
    data, weight, out = tensor(product.left), tensor(product.right), tensor(product.out)
    operands = [
        Ref(flow.root(data.id), trimmed(data.shape), data.role),
        Ref(flow.root(weight.id), weight.shape, operand_role(flow, weight.id)),
    ]
    result = Ref(flow.root(out.id), trimmed(out.shape), out.role)
    draft = Draft([op.id], "convolution", "Convolution", "∗", operands, [result], op.call, order=op.id)
    draft.flops = product.flops
    kernel = weight.shape[2:]
    draft.notes = [Note("kernel {size}", {"size": "×".join(map(str, kernel))})] if prod(kernel) > 1 else []
    return draft


def _grouped(flow: Flow, product: Product, op: Op) -> Draft:
    """Rows sorted by expert, each group with the expert's own matrix."""
    assert product.left is not None
    assert product.out is not None
    atoms = flow.facts.atoms
    experts = atoms.size(product.batch[0]) if product.batch else 1
    rows, inner, columns = (atoms.size(axis) for axis in (product.m, product.k, product.n))
    operands = [
        Ref(flow.root(product.left), (rows, inner), flow.facts.tensor(product.left).role),
        Ref(flow.root(product.right), (inner, columns), operand_role(flow, product.right), (experts,)),
    ]
    result = Ref(flow.root(product.out), (rows, columns), flow.facts.tensor(product.out).role)
    draft = Draft([op.id], "product", "", "×", operands, [result], op.call, order=op.id, inner=(1, 0))
    draft.flops = product.flops
    draft.notes = [Note(EACH_ITS_EXPERT)]
    draft.chosen = (rows, experts)
    return draft
