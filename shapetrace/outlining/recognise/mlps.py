"""Feed-forward: gate, up and down; or a first and a second product with an activation between them."""

from collections.abc import Mapping

from shapetrace.ops.kinds import names_of
from shapetrace.outlining.drafts import Draft, Graph
from shapetrace.outlining.flow import Flow
from shapetrace.outlining.roles import Role

_GATED = frozenset({Role.GATE, Role.UP, Role.GATE_UP})


def mlp_roles(flow: Flow, graph: Graph, sure_roles: Mapping[int, Role]) -> Mapping[int, Role]:
    """Roles of the products of every MLP, experts included."""
    reader = _Reader(flow, graph)
    for draft in graph.drafts:
        if draft.kind == "product" and draft.key not in sure_roles:
            role = reader.role_of(draft)
            if role is not None:
                reader.roles[draft.key] = role
    closed = {Role.EXPAND}
    return {key: role for key, role in reader.roles.items() if role not in closed or key in reader.closed}


class _Reader:
    def __init__(self, flow: Flow, graph: Graph) -> None:
        self._flow = flow
        self._graph = graph
        self.roles: dict[int, Role] = {}
        self.closed: set[int] = set()

    def role_of(self, draft: Draft) -> Role | None:
        """The role of a product, once those before it have theirs."""
        gating = self._gating(draft)
        if gating is not None:
            return Role.GATE if self._is_activated(gating, draft) else Role.UP
        if self._is_cut_in_two(draft):
            return Role.GATE_UP
        before = self._behind_activation(draft.data.value)
        if before is None:
            opens = self._is_activated_alone(draft) and self._feeds_product(draft)
            return Role.EXPAND if opens else None
        if self.roles.get(before.key) in _GATED:
            return Role.DOWN
        if self.roles.get(before.key) is Role.EXPAND:
            self.closed.add(before.key)
            return Role.SHRINK
        return None

    def _after(self, draft: Draft) -> list[Draft]:
        return self._graph.readers(draft.result.value)

    def _gating(self, draft: Draft) -> Draft | None:
        """The element-wise step in which a product's columns meet those of another one."""
        for after in self._after(draft):
            if after.kind in ("activation", "multiply") and len({o.value for o in after.operands}) == 2:
                makers = [self._graph.maker(operand.value) for operand in after.operands]
                products = [maker for maker in makers if maker is not None and maker.kind == "product"]
                one_source = len({product.operands[0].value for product in products}) == 1
                if len(products) == len(makers) and one_source and self._multiplies(after):
                    return after
        return None

    def _multiplies(self, draft: Draft) -> bool:
        """Whether what comes from the two operands of a step meets in a product, as a gate does, and not in a sum."""
        flow = self._flow
        behind: dict[int, set[int]] = {}
        outside = {operand.value for operand in draft.operands}
        for op in (flow.trace.ops[i] for i in sorted(draft.ops)):
            both = set().union(*(behind.get(root, {root} & outside) for root in map(flow.root, op.inputs)))
            if len(both) > 1:
                return names_of(op.kernels) == ["mul"]
            behind.update((value, both) for value in op.outputs)
        return False

    def _is_activated(self, gating: Draft, draft: Draft) -> bool:
        """Whether a gating step's activation takes this product: its first operation reads it."""
        first = self._flow.trace.ops[min(gating.ops)]
        return draft.result.value in {self._flow.root(value) for value in first.inputs}

    def _is_cut_in_two(self, draft: Draft) -> bool:
        """Whether an activation takes half of a product's columns and multiplies it with the other half."""
        return any(
            after.kind == "activation" and len(after.operands) == 1 and 2 * after.result.columns == draft.result.columns
            for after in self._after(draft)
        )

    def _is_activated_alone(self, draft: Draft) -> bool:
        return any(after.kind == "activation" and len(after.operands) == 1 for after in self._after(draft))

    def _feeds_product(self, draft: Draft) -> bool:
        activated = [ref for after in self._after(draft) if after.kind == "activation" for ref in after.results]
        following = [later for ref in activated for later in self._graph.readers(ref.value)]
        return any(later.kind in ("product", "norm", "concat") for later in following)

    def _behind_activation(self, value: int) -> Draft | None:
        """The product whose activated columns a value holds."""
        maker = self._graph.maker(value)
        activated = False
        for _ in range(3):
            if maker is None or maker.kind not in ("activation", "norm", "multiply"):
                break
            activated = activated or maker.kind != "norm"
            maker = self._graph.maker(maker.operands[0].value)
        return maker if activated and maker is not None and maker.kind == "product" else None
