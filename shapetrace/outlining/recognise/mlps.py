"""Feed-forward: gate, up and down; or products with an activation between them, each read by the next one alone."""

from collections.abc import Collection, Container, Iterable, Mapping, Set

from shapetrace.ir import Op
from shapetrace.ops.kinds import work_of
from shapetrace.outlining.drafts import Draft, Graph
from shapetrace.outlining.flow import Flow
from shapetrace.outlining.recognise.hidden import Hidden
from shapetrace.outlining.recognise.turns import is_cell
from shapetrace.outlining.roles import Role

_MOST_STEPS = 24
_LINEAR = frozenset({"clamp", "clamp_min", "clamp_max", "mul", "div", "add", "sub", "neg", "_to_copy"})
_MLPS = ({Role.GATE, Role.UP}, {Role.GATE_UP})
"""What meets in the gate of an MLP."""


def mlp_roles(flow: Flow, graph: Graph, sure_roles: Mapping[int, Role]) -> Mapping[int, Role]:
    """Roles of the products of every MLP, experts included."""
    outputs = {key for key, role in sure_roles.items() if role is Role.OUT_PROJ}
    beside = {key for key, role in sure_roles.items() if role is Role.ADAPTER_DOWN}
    hidden = Hidden(flow, graph, outputs, beside)
    products = {d.key: d for d in graph.drafts if _is_free(flow, d, sure_roles)}
    gated = _gated(_Gates(flow, graph, hidden), hidden, products)
    return {**_plain(graph, hidden, {key: d for key, d in products.items() if key not in gated}), **gated}


def _is_free(flow: Flow, draft: Draft, sure_roles: Container[int]) -> bool:
    """Whether a product may belong to an MLP."""
    return draft.kind == "product" and draft.key not in sure_roles and not is_cell(flow, draft.order)


def _gated(gates: "_Gates", hidden: Hidden, products: Mapping[int, Draft]) -> dict[int, Role]:
    """Roles of the products of gated MLPs and of the steps that gate, and of gates of something else."""
    found: dict[int, Role] = {}
    closed: dict[int, Role] = {}
    for gating, roles in gates.meetings(products.values()):
        way = hidden.way(gating.result.value, bent=True)
        closing = [product.key for product in way.closing if product.key in products]
        if {*roles.values()} in _MLPS and (closing or way.beside_heads):
            found |= {**roles, gating.key: Role.GLU}
            closed |= dict.fromkeys(closing, Role.DOWN)
        else:
            found |= {key: Role.SIDE_GATE for key, role in roles.items() if role in (Role.GATE, Role.SIDE_GATE)}
            if {*roles.values()} in _MLPS and gating.role is Role.GATED_ACTIVATION:
                found[gating.key] = Role.GLU
    return {**closed, **found}


def _plain(graph: Graph, hidden: Hidden, products: Mapping[int, Draft]) -> dict[int, Role]:
    """Roles of the products of MLPs without a gate: chains in which each one's columns lead to the next one.

    What begins one where a loop ends, and none in its other turns, makes a state.
    """
    ways = {key: hidden.way(draft.result.value) for key, draft in products.items()}
    found = {key: Role.EXPAND for key, way in ways.items() if way.beside_heads}
    following = {key: way.closing for key, way in ways.items() if way.closing and way.closing[0].key in products}
    later = {product.key for closing in following.values() for product in closing}
    again = {key: [each.key for each in graph.times(products[key].weight.value)] for key in following}
    for first in (key for key in following if key not in later and following.keys() >= {*again[key]} & ways.keys()):
        chain, closing = [first], following[first]
        while closing[0].key in following:
            chain.append(closing[0].key)
            closing = following[closing[0].key]
        # a hidden layer that more than one product reads is the trunk of several heads; one head may read a result
        ends = [d.key for d in closing if d.key in products and (not ways[d.key].goes_on or ways[d.key].closing)]
        if ends:
            found |= {first: Role.EXPAND, **dict.fromkeys(chain[1:], Role.HIDDEN), **dict.fromkeys(ends, Role.SHRINK)}
    return found


class _Gates:
    """Where columns of products meet in a gate."""

    def __init__(self, flow: Flow, graph: Graph, hidden: Hidden) -> None:
        self._flow = flow
        self._graph = graph
        self._hidden = hidden

    def meetings(self, products: Iterable[Draft]) -> Collection[tuple[Draft, dict[int, Role]]]:
        """Every step that gates, with what each product is that meets another one there, or that it cuts in two."""
        found: dict[int, tuple[Draft, dict[int, Role]]] = {}
        for draft in products:
            gating = self._gating(draft)
            step, role = (gating, self._role(gating, draft)) if gating else (self._cut_in_two(draft), Role.GATE_UP)
            if step is not None:
                found.setdefault(step.key, (step, {}))[1][draft.key] = role
        return found.values()

    def _role(self, gating: Draft, draft: Draft) -> Role:
        """What a product is where it meets another one."""
        if draft.result.columns < gating.result.columns:
            return Role.SIDE_GATE  # a number a row
        if gating.kind == "multiply":  # nothing is activated: the first of the two gates
            return Role.GATE if gating.operands[0].value == self._whole(draft) else Role.UP
        return Role.GATE if self._is_gate(gating, draft) else Role.UP

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
            return all(ref.columns == columns for ref in draft.operands if self._hidden.is_columns(ref))
        return draft.kind == "norm" or self._is_depthwise(draft) or self._is_linear(draft)

    def _is_depthwise(self, draft: Draft) -> bool:
        """Whether a step is a convolution of every channel by itself."""
        return draft.kind == "convolution" and len(draft.weight.shape) > 2 and draft.weight.shape[1] == 1

    def _is_linear(self, draft: Draft) -> bool:
        """Whether an element-wise step of one value only bounds or scales it."""
        if draft.kind != "pointwise" or sum(ref.origin == "data" for ref in draft.operands) != 1:
            return False
        return self._hidden.kernels(draft) <= _LINEAR

    def _gating(self, draft: Draft) -> Draft | None:
        """The element-wise step in which a product's columns meet those of another one."""
        for after in self._after(draft):
            operands = [*after.operands]
            if len(operands) > 2:  # a number a row weighs what two others make
                operands = [ref for ref in operands if ref.columns > 1]
            if self._may_gate(after) and len({ref.value for ref in operands}) == 2:
                makers = [self._graph.maker(operand.value) for operand in operands]
                products = [maker for maker in makers if maker is not None and maker.kind == "product"]
                one_source = len({product.operands[0].value for product in products}) == 1
                narrow = {product.result.columns for product in products} != {after.result.columns}
                if narrow and draft.result.columns == after.result.columns:
                    continue
                closes = after.kind != "multiply" or self._closes(after)
                if (
                    len(products) == len(makers)
                    and one_source
                    and closes
                    and self._multiplies(after, {ref.value for ref in after.operands})
                ):
                    return after
        return None

    def _may_gate(self, draft: Draft) -> bool:
        return draft.kind in ("activation", "multiply") or (draft.kind == "pointwise" and self._hidden.bends(draft))

    def _closes(self, draft: Draft) -> bool:
        """Whether one product alone reads what a step makes."""
        return bool(self._hidden.way(draft.result.value, bent=True).closing)

    def _multiplies(self, draft: Draft, outside: Set[int]) -> bool:
        """Whether what comes from two values that a step reads meets in a product, as a gate does, and not in a sum."""
        flow = self._flow
        behind: dict[int, Set[int]] = {}
        for op in (flow.trace.ops[i] for i in sorted(draft.ops)):
            met = [self._among(value, outside | behind.keys()) for value in op.inputs]
            both = set[int]().union(*(behind.get(value, {value} & outside) for value in met))
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
        return self._reads(bent[0], {self._whole(draft)})

    def _whole(self, draft: Draft) -> int:
        """What a product made, with what adapters added to it."""
        return self._graph.becomes.get(draft.result.value, draft.result.value)

    def _reads(self, op: Op, values: Container[int]) -> bool:
        return any(self._among(value, values) in values for value in op.inputs)

    def _among(self, value: int, known: Container[int]) -> int:
        """A value as some step reads it: what is known, a piece of a product too, or else what is behind all edges."""
        return next((form for form in self._flow.forms(value) if form in known), self._flow.root(value))

    def _cut_in_two(self, draft: Draft) -> Draft | None:
        """The step in which an activation takes half of a product's columns and multiplies it with the other half."""
        for after in self._after(draft):
            if len(after.operands) != 1 or 2 * after.result.columns != draft.result.columns:
                continue
            if after.role is Role.GATED_ACTIVATION or after.function == "GLU" or self._multiplies_halves(after):
                return after
        return None

    def _multiplies_halves(self, draft: Draft) -> bool:
        """Whether a step bends halves of the columns that it reads, and multiplies one with the other."""
        flow = self._flow
        read = {value for op in draft.ops for value in flow.trace.ops[op].inputs}
        halves = {
            form
            for value in read
            for form in flow.forms(value)
            if draft.operands[0].value == flow.root(form) != form
            and flow.facts.tensor(form).shape[-1:] == (draft.result.columns,)
        }
        bends = draft.kind == "pointwise" and self._hidden.bends(draft)
        return bends and self._multiplies(draft, halves)
