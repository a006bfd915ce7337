"""Products with weights, drawn as people write them: one small product a head, rows as the author had them."""

from collections.abc import Mapping, Sequence
from math import prod

from msgspec.structs import replace

from shapetrace.ir import Op, Tensor
from shapetrace.ir import Role as Origin
from shapetrace.language import Phrase
from shapetrace.ops.products import Product
from shapetrace.outlining.axis_roles import AxisRoles
from shapetrace.outlining.drafts import Draft, Ref, trimmed
from shapetrace.outlining.flow import Flow
from shapetrace.outlining.recognise.attention import Attention
from shapetrace.outlining.recognise.columns import Columns, own_value
from shapetrace.outlining.recognise.mixing import apart
from shapetrace.outlining.recognise.states import State
from shapetrace.outlining.roles import Part, Role
from shapetrace.outlining.steps.telling import told
from shapetrace.outlining.structure import StepKind

EACH_ITS_EXPERT = "each row meets the matrix of its own expert"


def product_steps(
    flow: Flow,
    axis_roles: AxisRoles,
    attentions: tuple[Attention, ...],
    columns: Mapping[int, Sequence[Columns]],
    states: Mapping[int, State],
    *,
    fused: bool,
) -> tuple[Draft, ...]:
    """The steps of all products that are no part of attention itself.

    An operation with several products is drawn by the step of its first one; equal ones count as one step.
    """
    in_attention = {p for a in attentions for p in (a.scores, a.weighted, *a.others) if p is not None}
    known = told(flow, attentions, states)
    one = _OneProduct(flow, axis_roles, columns, fused=fused)
    found: list[Draft] = []
    first_of: dict[tuple[int, ...], int] = {}
    drawn = {flow.facts.products[position].op for position in in_attention}  # one call may sum and then project
    seen = {*drawn}
    for position, product in enumerate(flow.facts.products):
        if position in in_attention:
            continue
        drafts = one.drafts(position)
        if product.times > 1:
            drafts = [_more_often(drafts[0], product.times - 1, 0)]
        if position in known:
            drafts = [known[position](draft) for draft in drafts]
        if len(flow.facts.of_op[product.op]) > 1 and len(drafts) == 1:
            same = (product.op, flow.root(product.right), product.flops, *drafts[0].result.shape)
            first = first_of.setdefault(same, len(found))
            if first < len(found):
                found[first] = _more_often(found[first], product.times, product.flops)
                continue
            drafts = [replace(drafts[0], weights=())]  # what no other product of the operation claims
        if product.op in seen:
            own = tuple(flow.root(v) for v in (product.right, product.bias) if v is not None)
            drafts = [replace(draft, ops=(), weights=own) for draft in drafts]
        ops = tuple(op for op in drafts[0].ops if op not in drawn)
        drawn.update(ops)
        found += [replace(drafts[0], ops=ops), *(replace(draft, ops=()) for draft in drafts[1:])]
        seen.add(product.op)
    return tuple(found)


def dispatch_steps(flow: Flow, axis_roles: AxisRoles, product_steps: tuple[Draft, ...]) -> tuple[Draft, ...]:
    """Rows copied to the experts that they go to, where a view or a copy does it: (T, d) to (T · k, d)."""
    found: dict[int, Draft] = {}
    for draft in product_steps:
        product = flow.facts.products[flow.facts.of_op[draft.order][0]]
        root = draft.operands[0].value
        if draft.chosen is None or root in found or product.left is None:
            continue
        before = axis_roles.readable(root)
        ops = _growing(flow, root, product.op)
        if ops and prod(before[:-1]) < draft.chosen[0] and before[-1:] == draft.operands[0].shape[-1:]:
            made = Ref(root, draft.operands[0].shape, draft.operands[0].origin)
            found[root] = Draft(tuple(ops), "select", (Ref(root, before, made.origin),), (made,), Role.DISPATCH,
                                call=draft.call, order=ops[-1])  # fmt: skip
    return tuple(found.values())


def _growing(flow: Flow, root: int, reader: int) -> list[int]:
    """The edges between a value and its reader from the first that makes it larger; what turns it before is none."""
    edges = [op for op in flow.edges_of(root) if op.id < reader]
    sizes = [prod(flow.facts.tensor(op.outputs[0]).shape) for op in edges]
    first = next((place for place, n in enumerate(sizes) if n > prod(flow.facts.tensor(root).shape)), len(edges))
    return [op.id for op in edges[first:]]


def _more_often(draft: Draft, more: int, flops: int) -> Draft:
    """Count further equal products of the same call with the same weight: a recurrent layer's next positions."""
    times = (draft.operands[0].stack_axes or (1,))[0] + more
    return replace(
        draft,
        operands=(replace(draft.operands[0], stack_axes=(times,)), *draft.operands[1:]),
        results=tuple(replace(ref, stack_axes=(times,)) for ref in draft.results),
        role=Role.RECURRENT,
        flops=(draft.flops or 0) + flops,
        notes=(Phrase("{n} positions, one after another", {"n": times}),),
    )


def factor_origin(flow: Flow, value: int) -> Origin:
    """Origin of a factor: a buffer multiplied with data (a quantised weight, also a scaled one) is a weight."""
    tensor = flow.facts.tensor(value)
    if tensor.role != "constant":
        return tensor.role
    made_from = [flow.root(value), *(v for op in flow.ancestors(value) for v in flow.trace.ops[op].inputs)]
    return "weight" if any(_is_matrix_buffer(flow.facts.tensor(v)) for v in made_from) else "constant"


def _is_matrix_buffer(tensor: Tensor) -> bool:
    return tensor.origin == "buffer" and len(tensor.shape) >= 2 and min(tensor.shape) > 1


class _OneProduct:
    """The steps of one product."""

    def __init__(
        self, flow: Flow, axis_roles: AxisRoles, columns: Mapping[int, Sequence[Columns]], *, fused: bool
    ) -> None:
        self._flow = flow
        self._axis_roles = axis_roles
        self._columns: Mapping[int, Sequence[Columns]] = {} if fused else columns
        self._all_columns = columns
        self._apart = {} if fused else apart(flow)

    def drafts(self, position: int) -> list[Draft]:
        """One step, or one for each piece of its columns: of a product in ``Facts.products``."""
        flow, product = self._flow, self._flow.facts.products[position]
        columns = self._all_columns.get(position, ())
        op = flow.trace.ops[product.op]
        if product.form == "convolution":
            return [self._convolution(product, op)]
        if product.form == "grouped":
            return [self._grouped(product, op)]
        assert product.left is not None
        choice = flow.chosen_table(product.right)
        if choice is not None:
            return [self._chosen(product, op, choice)]
        left, right = (factor_origin(flow, value) for value in (product.left, product.right))
        is_row = left != "weight" or any(piece.parts for piece in columns) or self._is_looked_up(product.left)
        if right == "weight" and is_row:
            pieces = list(self._columns.get(position, ())) or [self._whole(position, product, columns)]
            total = sum(piece.count for piece in pieces)
            return [self._projection(product, op, piece, total) for piece in pieces]
        return [self._plain(product, op, left, right)]

    def _is_looked_up(self, value: int) -> bool:
        """Whether a factor is rows of a table, also where their ids are fixed: the word that a loop begins with."""
        op = self._flow.op_of(value)
        return op is not None and self._flow.kinds[op.id] == "lookup"

    def _whole(self, position: int, product: Product, columns: Sequence[Columns]) -> Columns:
        """All columns as one piece; where each of several matrices reads some of them later, in as many as those."""
        parts = frozenset(part for piece in columns for part in piece.parts)
        atoms, whole = self._flow.facts.atoms, self._flow.facts.atoms.leaves(product.n)
        first = tuple(leaf for leaf in whole if leaf in self._apart.get(position, ()))
        among = atoms.size(first) if not parts and first == whole[: len(first)] != whole else 1
        return Columns(parts, among, atoms.size(product.n) // among)

    def _origin(self, value: int | None) -> Origin:
        return "data" if value is None else self._flow.facts.tensor(value).role

    def _root(self, value: int | None) -> int:
        return -1 if value is None else own_value(self._flow, self._columns, value)

    def _projection(self, product: Product, op: Op, piece: Columns, total: int) -> Draft:
        assert product.left is not None
        rows, stack = self._axis_roles.rows(product)
        inner = self._flow.facts.atoms.size(product.k)
        heads = (piece.heads,) if piece.heads > 1 else ()
        data = Ref(self._root(product.left), (*rows, inner), factor_origin(self._flow, product.left), stack)
        weight = Ref(self._root(product.right), (inner, piece.width), "weight", (*stack, *heads), Part.WEIGHT)
        made = piece.value if piece.value >= 0 else self._root(product.out)
        result = Ref(made, (*rows, piece.width), self._origin(product.out), (*stack, *heads), piece.part)  # fmt: skip
        return Draft(
            (op.id,), "product", (data, weight), (result,), piece.role, call=op.call, order=op.id,
            flops=product.flops * piece.count // total, inner=(len(data.shape) - 1, 0), share=(piece.count, total),
            weights=tuple(op.inputs),
        )  # fmt: skip

    def _plain(self, product: Product, op: Op, left: Origin, right: Origin) -> Draft:
        """Data × data that is no attention, weight × data, constants: a batch of small matrices."""
        assert product.left is not None
        m, k, n = (self._flow.facts.atoms.size(axis) for axis in (product.m, product.k, product.n))
        stack = self._axis_roles.stack(product.batch)
        operands = (
            Ref(self._root(product.left), (m, k), left, stack),
            Ref(self._root(product.right), (k, n), right, stack),
        )
        kind: StepKind = "product" if "weight" in (left, right) else "contraction"
        result = Ref(self._root(product.out), (m, n), self._origin(product.out or 0), stack)
        return Draft(
            (op.id,), kind, operands, (result,), call=op.call, order=op.id, flops=product.flops or None, inner=(1, 0)
        )

    def _convolution(self, product: Product, op: Op) -> Draft:
        tensor = self._flow.facts.tensor
        assert product.left is not None
        assert product.out is not None
        data, weight, out = tensor(product.left), tensor(product.right), tensor(product.out)
        operands = (
            Ref(self._root(data.id), trimmed(data.shape), data.role),
            Ref(self._root(weight.id), weight.shape, factor_origin(self._flow, weight.id), part=Part.WEIGHT),
        )
        kernel = weight.shape[2:]
        notes = (Phrase("kernel {size}", {"size": "×".join(map(str, kernel))}),) if prod(kernel) > 1 else ()
        result = Ref(self._root(out.id), trimmed(out.shape), out.role)
        turned = any(kernel.args.get("transposed") for kernel in op.kernels)
        return Draft((op.id,), "convolution", operands, (result,), function="transposed convolution" if turned else "",
                     call=op.call, order=op.id, notes=notes, flops=product.flops)  # fmt: skip

    def _grouped(self, product: Product, op: Op) -> Draft:
        """Rows sorted by expert, each group with the expert's own matrix."""
        atoms = self._flow.facts.atoms
        experts = atoms.size(product.batch[0]) if product.batch else 1
        rows = atoms.size(product.m)
        origin = factor_origin(self._flow, product.right)
        return self._by_expert(product, op, (op.id,), (rows, experts), (product.right, origin))

    def _chosen(self, product: Product, op: Op, choice: Op) -> Draft:
        """Rows with the matrices that were chosen for them, drawn as the whole stack of experts."""
        atoms = self._flow.facts.atoms
        table = self._flow.facts.tensor(choice.inputs[0])
        rows = product.flops // (2 * atoms.size(product.k) * atoms.size(product.n))
        return self._by_expert(product, op, (choice.id, op.id), (rows, table.shape[0]), (table.id, "weight"))

    def _by_expert(
        self, product: Product, op: Op, ops: tuple[int, ...], chosen: tuple[int, int], table: tuple[int, Origin]
    ) -> Draft:
        rows, experts = chosen
        inner, columns = (self._flow.facts.atoms.size(axis) for axis in (product.k, product.n))
        operands = (
            Ref(self._root(product.left), (rows, inner), self._origin(product.left)),
            Ref(self._root(table[0]), (inner, columns), table[1], (experts,), Part.WEIGHT),
        )
        result = Ref(self._root(product.out), (rows, columns), self._origin(product.out))
        return Draft(
            ops, "product", operands, (result,), call=op.call, order=op.id, notes=(Phrase(EACH_ITS_EXPERT),),
            flops=product.flops, inner=(1, 0), chosen=chosen,
        )  # fmt: skip
