"""Parameters of every step, and the costs of the whole pass."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from math import prod

from shapetrace.outlining.counts import Totals
from shapetrace.outlining.drafts import Draft
from shapetrace.outlining.flow import Flow
from shapetrace.outlining.memory import activation_sizes
from shapetrace.outlining.roles import Role

_NOT_WORK = ("cast", "layout", "dropout", "read", "product", "cat", "lookup", "index", "collective")


class Accounts:
    """Which step a parameter belongs to: the first that reads it; later ones are tied to it.

    Steps that read different slices of one parameter (a matrix that holds W_Q, W_K and W_V) own a part each.

    Attributes:
        read: Names of the parameters that some step reads.
    """

    def __init__(self, flow: Flow, drafts: Sequence[Draft]) -> None:
        """Give every parameter to its first reader, or its slices to theirs, in the order of execution."""
        self._flow = flow
        self._parameters = {p.name: p for p in flow.trace.parameters if not p.buffer}
        self._size = {name: prod(parameter.shape) for name, parameter in self._parameters.items()}
        self._read: dict[str, dict[int, int]] = defaultdict(dict)
        self._owned: dict[str, dict[int, int]] = {}
        self._behind: dict[int, dict[str, int]] = {}
        self._running = {call.path for call in flow.trace.calls if call.path}
        self._pieces = _pieces(drafts)
        makers = (draft for draft in drafts if draft.flops or draft.kind == "lookup")
        self._computed = {result.value for draft in makers for result in draft.results}
        for draft in sorted(drafts, key=lambda draft: draft.order):
            for value in dict.fromkeys(draft.weights):
                for name, amount in self._named(value).items():
                    before = self._read[name].get(draft.order, 0)
                    self._read[name][draft.order] = max(before, amount)
        for name, amounts in self._read.items():
            left, self._owned[name] = self._size[name], {}
            for order, amount in amounts.items():
                self._owned[name][order] = min(amount, left)
                left -= min(amount, left)
            self._owned[name][next(iter(amounts))] += left  # rows of a table that no slice takes
        self._twice = _again_in_one_call(drafts)
        self.read = frozenset(self._read)

    def names(self, draft: Draft) -> list[str]:
        """Names of the parameters that a step reads, through whatever prepares them."""
        found: dict[str, None] = {}
        for value in draft.weights:
            found.update(dict.fromkeys(sorted(self._named(value))))
        return list(found)

    def owned(self, draft: Draft) -> int:
        """Elements of the parameters that are this step's own: its part of a fused projection's."""
        return sum(self._part(draft).values())

    def owned_bytes(self, draft: Draft) -> int:
        """Bytes of the same."""
        return sum(n * self._parameters[name].itemsize for name, n in self._part(draft).items())

    def _part(self, draft: Draft) -> dict[str, int]:
        """How much of each parameter is its own; those of all pieces add up to all of it."""
        (start, stop), total = self._pieces.get(draft.key, (0, draft.share[0])), draft.share[1]
        return {name: n * stop // total - n * start // total for name, n in self._own(draft).items()}

    def _own(self, draft: Draft) -> dict[str, int]:
        if draft.key in self._twice:
            return dict.fromkeys(self.names(draft), 0)
        return {name: self._owned.get(name, {}).get(draft.order, 0) for name in self.names(draft)}

    def local(self, draft: Draft) -> int:
        """Elements of the parameters that are the step's own, or its own module's, used once more."""
        own = [
            name
            for name in self.names(draft)
            if self._owned.get(name, {}).get(draft.order) or self._is_of_module(name, draft)
        ]
        return sum(self._read[name].get(draft.order, self._size[name]) for name in own)

    def _is_of_module(self, name: str, draft: Draft) -> bool:
        """Whether a parameter is that of the module that runs a step; the model has those that no other one runs."""
        calls = self._flow.trace.calls
        path = calls[draft.call].path if calls else ""
        return name.startswith(f"{path}.") if path else name.rpartition(".")[0] not in self._running

    def tied_to(self, draft: Draft) -> str:
        """Name of the parameter that an earlier step owns already, where that is most of what this one reads."""
        mine = self._own(draft)
        for name in mine:
            if not mine[name] and len(self._parameters[name].shape) > 1 and self._size[name] > sum(mine.values()):
                return name
        return ""

    def _named(self, value: int) -> dict[str, int]:
        """Parameters behind a value, up to products that steps draw, with how many of their elements it can hold."""
        known = self._behind.get(value)
        if known is None:
            tensor = self._flow.facts.tensor(value)
            if tensor.origin == "parameter":
                known = {tensor.name: self._size[tensor.name]} if tensor.name in self._size else {}
            else:
                self._behind[value] = known = {}
                if self._flow.root(value) in self._computed:
                    return known
                most = self._most(value)
                for source in self._sources(value):
                    for name, amount in self._named(source).items():
                        known[name] = max(known.get(name, 0), amount if most is None else min(amount, most))
            self._behind[value] = known
        return known

    def _most(self, value: int) -> int | None:
        """Elements of a value that was cut out of another; None for what was computed."""
        producer = self._flow.facts.producer.get(value)
        is_view = producer is not None and self._flow.kinds[producer] == "layout"
        return prod(self._flow.facts.tensor(value).shape) if is_view else None

    def _sources(self, value: int) -> Iterable[int]:
        producer = self._flow.facts.producer.get(value)
        if producer is not None:
            return [v for v in self._flow.trace.ops[producer].inputs if v != value]
        before = self._flow.facts.tensor(value).alias_of
        return [] if before is None else [before]


def _again_in_one_call(drafts: Sequence[Draft]) -> frozenset[int]:
    """Products with a weight that an earlier one of the same operation multiplied with: steps of a recurrent layer."""
    seen, found = set[tuple[int, int, int]](), set[int]()
    for draft in drafts:
        if draft.kind == "product" and draft.share[0] == draft.share[1]:
            what = (draft.order, draft.weight.value, draft.weight.columns)
            found.update({draft.key} if what in seen else ())
            seen.add(what)
    return frozenset(found)


def _pieces(drafts: Sequence[Draft]) -> dict[int, tuple[int, int]]:
    """Where the columns of each piece of a projection start and stop, by key."""
    every = [each for draft in drafts for each in (draft, *draft.twins) if each.share[0] < each.share[1]]
    found, before = dict[int, tuple[int, int]](), Counter[tuple[int, int]]()
    for piece in every:
        count, total = piece.share
        start = before[piece.order, total]
        before[piece.order, total] = start + count
        found[piece.key] = (start, start + count)
    return found


def accounts(flow: Flow, drafts: tuple[Draft, ...]) -> Accounts:
    """Which step each parameter belongs to."""
    return Accounts(flow, drafts)


def _inactive_parameters(drafts: Sequence[Draft], accounts: Accounts, roles: Mapping[int, Role]) -> int:
    """Parameters of experts that one token does not pass.

    Of E matrices a token meets k: as many as its router's rows are repeated in the expert products.
    """
    tokens, total = 0, 0
    for draft in drafts:
        if roles.get(draft.key) is Role.ROUTER:
            tokens = prod(draft.result.shape[:-1])
        if draft.chosen is not None and tokens:
            rows, experts = draft.chosen
            chosen = min(rows / tokens, experts)
            total += round(accounts.owned(draft) * (experts - chosen) / experts)
    return total


def totals(flow: Flow, accounts: Accounts, drafts: tuple[Draft, ...], roles: Mapping[int, Role]) -> Totals:
    """Costs of the whole pass, from recorded shapes."""
    trace = flow.trace
    parameters = [p for p in trace.parameters if not p.buffer]
    matmul = sum(p.flops for p in flow.facts.products if p.form != "convolution")
    convolutions = sum(p.flops for p in flow.facts.products if p.form == "convolution")
    count = sum(prod(p.shape) for p in parameters)
    return Totals(
        parameters=count,
        active_parameters=count - _inactive_parameters(drafts, accounts, roles),
        buffers=sum(prod(p.shape) for p in trace.parameters if p.buffer),
        unused_parameters=sum(prod(p.shape) for p in parameters if p.name not in accounts.read),
        parameter_bytes=sum(prod(p.shape) * p.itemsize for p in parameters),
        matmul_flops=matmul,
        flops=matmul + convolutions,
        activation_bytes=sum(activation_sizes(flow).values()),
        uncounted=_uncounted(flow),
    )


def _adds_nothing_up(flow: Flow, op: int) -> bool:
    """Whether the products of an operation ran as multiplications, which nobody counts."""
    found = flow.facts.of_op.get(op, ())
    return bool(found) and not any(flow.facts.products[place].flops for place in found)


def _uncounted(flow: Flow) -> dict[str, int]:
    working = (op for op in flow.trace.ops if flow.kinds[op.id] not in _NOT_WORK or _adds_nothing_up(flow, op.id))
    names = Counter(
        op.name.removeprefix("aten.")
        for op in working
        if op.outputs and flow.is_data(op.outputs[0]) and flow.is_floating(op.outputs[0])
    )
    return dict(names.most_common())
