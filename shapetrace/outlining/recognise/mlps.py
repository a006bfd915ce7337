"""Feed-forward: gate, up and down; or a first and a second product with an activation between them."""

from collections import defaultdict
from collections.abc import Container, Mapping
from heapq import heappop, heappush

from shapetrace.ir import Op
from shapetrace.ops.kinds import names_of, work_of
from shapetrace.outlining.drafts import Draft, Graph, Ref
from shapetrace.outlining.flow import Flow
from shapetrace.outlining.roles import Role

_MOST_STEPS = 24
_LINEAR = frozenset({"clamp", "clamp_min", "clamp_max", "mul", "div", "add", "sub", "neg", "_to_copy"})
_BETWEEN = frozenset(
    {
        "activation",
        "norm",
        "multiply",
        "pointwise",
        "convolution",
        "concat",
        "select",
        "route",
        "reduce",
        "residual",
        "add",
    }
)
"""Kinds of steps between the two products of an MLP."""
_BENDING = frozenset(
    "relu gelu silu sigmoid tanh exp expm1 softplus where pow elu maximum minimum abs sqrt log erf".split()
)
_GATED = frozenset({Role.GATE, Role.UP, Role.GATE_UP})


def mlp_roles(flow: Flow, graph: Graph, sure_roles: Mapping[int, Role]) -> Mapping[int, Role]:
    """Roles of the products of every MLP, experts included."""
    reader = _Reader(flow, graph, {key for key, role in sure_roles.items() if role is Role.OUT_PROJ})
    for draft in graph.drafts:
        if draft.kind == "product" and draft.key not in sure_roles:
            role = reader.role_of(draft)
            if role is not None:
                reader.roles[draft.key] = role
    found = {key: role for key, role in reader.roles.items() if role is not Role.EXPAND or key in reader.closed}
    found |= dict.fromkeys(reader.cuttings, Role.GLU)
    for gating, keys in reader.gatings.items():
        roles = {found.get(key) for key in keys}
        if roles == {Role.GATE, Role.UP}:
            found[gating] = Role.GLU
        else:
            found |= {key: Role.SIDE_GATE for key in keys if found.get(key) is Role.GATE}
            found = {key: role for key, role in found.items() if key not in keys or role is not Role.UP}
    return found


class _Reader:
    def __init__(self, flow: Flow, graph: Graph, outputs: set[int]) -> None:
        self._flow = flow
        self._graph = graph
        self._outputs = outputs
        self.roles: dict[int, Role] = {}
        self.closed: set[int] = set()
        self.cuttings: set[int] = set()
        self.gatings: dict[int, set[int]] = defaultdict(set)

    def role_of(self, draft: Draft) -> Role | None:
        """The role of a product, once those before it have theirs."""
        gating = self._gating(draft)
        if gating is not None and draft.result.columns < gating.result.columns:
            return Role.SIDE_GATE  # a number a row
        if gating is not None:
            self.gatings[gating.key].update(
                maker.key for ref in gating.operands if (maker := self._graph.maker(ref.value)) is not None
            )
            if gating.kind == "multiply":  # nothing is activated: the first of the two gates
                return Role.GATE if gating.operands[0].value == draft.result.value else Role.UP
            return Role.GATE if self._is_gate(gating, draft) else Role.UP
        cutting = self._cut_in_two(draft)
        if cutting is not None:
            self.cuttings.add(cutting.key)
            return Role.GATE_UP
        before = self._behind_activation(draft.data.value)
        roles = {self.roles.get(each.key) for each in before}
        if roles and roles <= _GATED:
            return Role.DOWN
        if roles == {Role.EXPAND}:
            self.closed.update(each.key for each in before)
            return Role.SHRINK
        return Role.EXPAND if self._opens(draft) else None

    def _after(self, draft: Draft) -> list[Draft]:
        """The steps that read a product's columns, also behind what only picks, joins or bounds rows of them."""
        queue = list(self._graph.readers(draft.result.value))
        for after in queue:
            if len(queue) < _MOST_STEPS and self._keeps_columns(after, draft.result.columns):
                queue += [later for later in self._graph.readers(after.result.value) if later not in queue]
        return queue

    def _keeps_columns(self, draft: Draft, columns: int) -> bool:
        """Whether a step hands on rows with the same columns: joined, picked, bounded, normalised, convolved each."""
        if draft.result.columns != columns and draft.kind != "convolution":
            return False
        if draft.kind in ("concat", "select", "route"):
            return all(ref.columns == columns for ref in draft.operands if self._is_columns(ref))
        return draft.kind == "norm" or self._is_depthwise(draft) or self._is_linear(draft)

    def _is_columns(self, ref: Ref) -> bool:
        """Whether an operand holds real data, no indices."""
        return ref.origin == "data" and (ref.value < 0 or self._flow.is_floating(ref.value))

    def _columns_of(self, draft: Draft) -> list[Ref]:
        """The operands that hold real data, without those that are one number a row beside others."""
        data = [ref for ref in draft.operands if self._is_columns(ref)]
        return [ref for ref in data if ref.columns > 1] or data

    def _is_depthwise(self, draft: Draft) -> bool:
        """Whether a step is a convolution of every channel by itself."""
        return draft.kind == "convolution" and len(draft.weight.shape) > 2 and draft.weight.shape[1] == 1

    def _is_linear(self, draft: Draft) -> bool:
        """Whether an element-wise step of one value only bounds or scales it."""
        if draft.kind != "pointwise" or sum(ref.origin == "data" for ref in draft.operands) != 1:
            return False
        return self._kernels(draft) <= _LINEAR

    def _gating(self, draft: Draft) -> Draft | None:
        """The element-wise step in which a product's columns meet those of another one."""
        for after in self._after(draft):
            if after.kind in ("activation", "multiply") and len({o.value for o in after.operands}) == 2:
                makers = [self._graph.maker(operand.value) for operand in after.operands]
                products = [maker for maker in makers if maker is not None and maker.kind == "product"]
                one_source = len({product.operands[0].value for product in products}) == 1
                narrow = {product.result.columns for product in products} != {after.result.columns}
                if narrow and draft.result.columns == after.result.columns:
                    continue
                closes = after.kind != "multiply" or self._is_closed(after)
                if len(products) == len(makers) and one_source and closes and self._multiplies(after):
                    return after
        return None

    def _is_closed(self, draft: Draft) -> bool:
        """Whether products alone read what a step makes."""
        readers = self._graph.readers(draft.result.value)
        return bool(readers) and all(reader.kind == "product" for reader in readers)

    def _multiplies(self, draft: Draft) -> bool:
        """Whether what comes from the two operands of a step meets in a product, as a gate does, and not in a sum."""
        flow = self._flow
        behind: dict[int, set[int]] = {}
        outside = {operand.value for operand in draft.operands}
        for op in (flow.trace.ops[i] for i in sorted(draft.ops)):
            met = [self._among(value, outside | behind.keys()) for value in op.inputs]
            both = set().union(*(behind.get(value, {value} & outside) for value in met))
            if len(both) > 1:
                return work_of(op) == ["mul"]
            behind.update((value, both) for value in op.outputs)
        return False

    def _is_gate(self, gating: Draft, draft: Draft) -> bool:
        """Whether a gating step's activation takes this product; of two that are activated, its sigmoid."""
        ops = [self._flow.trace.ops[op] for op in sorted(gating.ops)]
        sigmoids = [op for op in ops if work_of(op) == ["sigmoid"]]
        bent = sigmoids if len(sigmoids) == 1 and len(gating.operands) == 2 else ops
        bent = bent if self._reads(bent[0], {ref.value for ref in gating.operands}) else ops
        return self._reads(bent[0], {draft.result.value})

    def _reads(self, op: Op, values: Container[int]) -> bool:
        return any(self._among(value, values) in values for value in op.inputs)

    def _among(self, value: int, known: Container[int]) -> int:
        """A value as some step reads it: what is known, a piece of a product too, or else what is behind all edges."""
        return next((form for form in self._flow.forms(value) if form in known), self._flow.root(value))

    def _cut_in_two(self, draft: Draft) -> Draft | None:
        """The step in which an activation takes half of a product's columns and multiplies it with the other half."""
        for after in self._after(draft):
            gated = after.role is Role.GATED_ACTIVATION or after.function == "GLU"
            halves = gated and len(after.operands) == 1
            if halves and 2 * after.result.columns == draft.result.columns:
                return after
        return None

    def _kernels(self, draft: Draft) -> set[str]:
        return {name for op in draft.ops for name in names_of(self._flow.trace.ops[op].kernels)}

    def _bends(self, draft: Draft) -> bool:
        """Whether a step makes more of two products than one product could be: an activation, named or written out."""
        return draft.kind == "activation" or (draft.kind == "pointwise" and bool(self._kernels(draft) & _BENDING))

    def _is_between(self, draft: Draft) -> bool:
        """Whether a step may stand between the two products of an MLP: row by row, or in a convolution of channels."""
        return draft.kind in _BETWEEN and not any(name.startswith("_fft") for name in self._kernels(draft))

    def _opens(self, draft: Draft) -> bool:
        """Whether a product's columns, and they alone, go through an activation and on to another product."""
        reached = {draft.result.value, self._graph.becomes.get(draft.result.value, draft.result.value)}
        waiting = [(after.key, after) for after in self._graph.readers(draft.result.value)]
        bent = False
        seen: set[int] = set()
        while waiting and len(seen) < _MOST_STEPS:
            key, after = heappop(waiting)
            if key in seen:
                continue
            seen.add(key)
            if after.kind == "product" and bent and after.data.value in reached:
                return all(reader.kind == "product" for reader in self._graph.readers(after.data.value))
            if bent and after.kind == "concat" and self._is_beside_heads(after):
                self.closed.add(draft.key)
                return True
            if not self._is_between(after) or {ref.value for ref in self._columns_of(after)} - reached:
                continue
            bent = bent or self._bends(after)
            reached |= {ref.value for ref in after.results}
            for ref in after.results:
                for later in self._graph.readers(ref.value):
                    heappush(waiting, (later.key, later))
        return False

    def _is_beside_heads(self, draft: Draft) -> bool:
        """Whether columns are joined with those of heads, and one product closes both: parallel layers."""
        readers = self._graph.readers(draft.result.value)
        return bool(readers) and all(reader.key in self._outputs for reader in readers)

    def _behind_activation(self, value: int) -> list[Draft]:
        """The products whose activated columns a value holds; none if it holds anything else."""
        found: list[Draft] = []
        bent = False
        queue = [value]
        for current in queue:
            maker = self._graph.maker(current)
            if maker is None or len(queue) > _MOST_STEPS:
                return []
            if maker.kind == "product":
                found.append(maker)
                continue
            data = [ref.value for ref in self._columns_of(maker)]
            if not self._is_between(maker) or not data:
                return []
            bent = bent or self._bends(maker) or maker.kind == "multiply"
            queue += [value for value in data if value not in queue]
        return found if bent else []
