"""Costs as expressions in proved names: parameters, FLOPs, bytes; each gives the number that was counted."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from math import prod

from shapetrace.ir import Kernel
from shapetrace.ops.products import Product
from shapetrace.outlining.accounts import Accounts
from shapetrace.outlining.counts import Totals
from shapetrace.outlining.drafts import Draft
from shapetrace.outlining.expressions import Formulas
from shapetrace.outlining.flow import Flow
from shapetrace.outlining.kept import Cache
from shapetrace.outlining.memory import ITEMSIZE, activation_sizes
from shapetrace.outlining.proof import Proof
from shapetrace.outlining.proved import Proved
from shapetrace.outlining.roles import Part
from shapetrace.outlining.sections import Node
from shapetrace.outlining.steps.collectives import sent_formula, talking, transfer_of
from shapetrace.outlining.symbol_rules import Symbol
from shapetrace.outlining.symbols import Place
from shapetrace.sizing.formulas import Formula, product, total

_KEPT = (Part.KEY, Part.VALUE, Part.KEY_VALUE, Part.LATENT_KEY_VALUE)


def costs(
    flow: Flow, accounts: Accounts, folded: Node, proof: Proof | None, proved: Mapping[Place, Proved]
) -> Mapping[int, Formulas]:
    """Parameters and FLOPs of every step, in proved names; nothing without a proof."""
    if proof is None:
        return {}
    counting = _Counting(flow, accounts, proof, proved)
    return {draft.key: counting.of_step(draft) for draft in folded.drafts()}


def model_costs(
    flow: Flow,
    proof: Proof | None,
    proved: Mapping[Place, Proved],
    symbols: Mapping[Place, Symbol],
    totals: Totals,
    cache: Cache | None,
) -> Formulas | None:
    """Parameters, FLOPs and bytes of the whole pass, in proved names; None without a proof."""
    if proof is None:
        return None
    parameters = [proof.of_parameter(i) for i, p in enumerate(flow.trace.parameters) if not p.buffer]
    told = [kernel for op in flow.trace.ops if (kernel := talking(flow, op)) is not None]
    sent = total([_sent(flow, proof, kernel) for kernel in told]) if told and proof.is_counted else None
    return Formulas(
        proof.holds(total(parameters), totals.parameters),
        proof.holds(total(_flops(flow, proof)), totals.flops) if proof.is_counted else None,
        proof.holds(_activation_bytes(flow, proof), totals.activation_bytes) if proof.is_counted else None,
        _cache_bytes(proof, proved, symbols, cache),
        proof.holds(sent, sum(transfer_of(flow, kernel).sent for kernel in told)),
    )


def _sent(flow: Flow, proof: Proof, kernel: Kernel) -> Formula | None:
    """Bytes that a rank sends in a collective."""
    sizes = [_times(proof.elements(value), ITEMSIZE.get(flow.facts.tensor(value).dtype, 1)) for value in kernel.inputs]
    payload = total(sizes) if sizes else Formula()
    return None if payload is None else sent_formula(transfer_of(flow, kernel), payload)


class _Counting:
    """Costs of steps."""

    def __init__(self, flow: Flow, accounts: Accounts, proof: Proof, proved: Mapping[Place, Proved]) -> None:
        self._flow, self._accounts, self._proof, self._proved = flow, accounts, proof, proved
        parameters = [(i, p) for i, p in enumerate(flow.trace.parameters) if not p.buffer]
        self._axes = {p.name: proof.axes_of_parameter(i) for i, p in parameters}

    def of_step(self, draft: Draft) -> Formulas:
        """Those of one layer's step."""
        owned = sum(self._accounts.owned(member) for member in (draft, *draft.twins))
        parameters = self._proof.holds(self._parameters(draft), owned)
        return Formulas(parameters or (Formula() if owned == 0 else None),
                        self._proof.holds(self._flops(draft), draft.flops), sent_bytes=self._sent(draft))  # fmt: skip

    def _sent(self, draft: Draft) -> Formula | None:
        kernel = None if draft.transfer is None else talking(self._flow, self._flow.trace.ops[draft.order])
        if kernel is None or draft.transfer is None:
            return None
        return self._proof.holds(_sent(self._flow, self._proof, kernel), draft.transfer.sent)

    def _parameters(self, draft: Draft) -> Formula | None:
        """Of a part of a fused projection, the columns that are its own in place of all."""
        members = 1 + len(draft.twins)
        share, whole = draft.share
        columns = None
        if share != whole:
            found = self._proved.get((draft.key, True, 0))
            columns = None if found is None else product_of([*found.stack, *found.shape[-1:]])
            if self._proof.holds(columns, share) is None:
                return None
        sizes = []
        for name in self._accounts.names(draft):
            axes = self._axes.get(name, (None,))
            if columns is not None:
                places = [i for i, axis in enumerate(axes) if self._proof.holds(axis, whole) is not None]
                axes = tuple(columns if i == places[0] else axis for i, axis in enumerate(axes)) if places else (None,)
            sizes.append(product_of(axes))
        found_all = total(sizes)
        return None if found_all is None else found_all * members

    def _flops(self, draft: Draft) -> Formula | None:
        """2 · elements of the result · the inner axis."""
        result, operand = self._proved.get((draft.key, True, 0)), self._proved.get((draft.key, False, 0))
        if (
            not self._proof.is_counted
            or draft.flops is None
            or draft.inner is None
            or result is None
            or operand is None
        ):
            return None
        whole = self._products(draft)
        if draft.share[0] == draft.share[1] and self._proof.holds(whole, draft.flops) is not None:
            return whole
        lead = result.lead if draft.results[0].value >= 0 else operand.lead
        sizes = [*lead, *result.stack, *result.shape, operand.shape[draft.inner[0]]]
        found = product_of(sizes)
        ones = self._proof.ones
        if found is None or whole is None or found.degrees(ones) != whole.degrees(ones):
            return None
        return found * 2

    def _products(self, draft: Draft) -> Formula | None:
        """FLOPs of all products that the operations of a step make, whatever part of them is its own."""
        facts = self._flow.facts
        places = [
            place
            for member in (draft, *draft.twins)
            for op in {*member.ops, member.order}
            for place in facts.of_op.get(op, ())
        ]
        return total([_of_product(self._proof, facts.products[place]) for place in places]) if places else None


def product_of(formulas: Sequence[Formula | None]) -> Formula | None:
    """All of them multiplied; None if one is unknown."""
    known = [formula for formula in formulas if formula is not None]
    return product(known) if len(known) == len(formulas) else None


def _flops(flow: Flow, proof: Proof) -> list[Formula | None]:
    counts: Counter[tuple[object, ...]] = Counter()
    first: dict[tuple[object, ...], Product] = {}
    sizes = proof.places
    for each in flow.facts.products:
        key = (sizes(each.left), sizes(each.right), sizes(each.out), each.flops, each.form, each.k, each.n)
        counts[key] += 1
        first.setdefault(key, each)
    return [_times(_of_product(proof, first[key]), count) for key, count in counts.items()]


def _times(formula: Formula | None, count: int) -> Formula | None:
    return None if formula is None else formula * count


def _of_product(proof: Proof, each: Product) -> Formula | None:
    """2·times·batch·m·k·n, by the elements of one operand and the axis that it has not."""
    left, right, out = each.left, each.right, each.out
    outs = [(out, proof.along(each.k, left, right)), (left, proof.along(each.n, right, out)),
            (right, proof.along(each.m, left, out))]  # fmt: skip
    ways: list[Callable[[], Formula | None]] = [
        *(lambda value=value, axis=axis: product_of([proof.elements(value), axis]) for value, axis in outs),
        lambda: _by_weight(proof, each),
    ]
    for way in ways:
        found = proof.holds(_times(way(), 2 * each.times), each.flops)
        if found is not None:
            return found
    return None


def _by_weight(proof: Proof, each: Product) -> Formula | None:
    """Of a convolution: elements of the result times those of one filter."""
    made, weight, columns = proof.elements(each.out), proof.elements(each.right), proof.of_axis(each.n)
    if made is None or weight is None or columns is None or len(columns.terms) != 1:
        return None
    one = weight.over(columns)
    return None if one is None else made * one


def _activation_bytes(flow: Flow, proof: Proof) -> Formula | None:
    counts: Counter[tuple[tuple[int, ...] | None, int]] = Counter()
    for value, n_bytes in activation_sizes(flow).items():
        counts[proof.places(value), n_bytes // max(1, prod(flow.facts.tensor(value).shape))] += 1
    sizes = [_times(None if places is None else proof.of_places(places), n * size)
             for (places, size), n in counts.items()]  # fmt: skip
    return total(sizes)


def _cache_bytes(
    proof: Proof, proved: Mapping[Place, Proved], symbols: Mapping[Place, Symbol], cache: Cache | None
) -> Formula | None:
    """Bytes of what all layers keep of all tokens of all examples."""
    if cache is None or any(group.tokens_per_row != 1 for group in cache.layers):
        return None
    options = {(_one_stack(each), each.shape[-1]) for place, each in proved.items()
               if symbols[place].part in _KEPT and each.shape}  # fmt: skip
    kept: list[Formula | None] = []
    for group in cache.layers:
        for heads, width in group.parts:
            fitting = {(str(one), str(other)): (one, other) for one, other in options
                       if proof.holds(one, heads) and proof.holds(other, width)}  # fmt: skip
            sizes = next(iter(fitting.values())) if len(fitting) == 1 else (None, None)
            kept.append(_times(product_of(sizes), group.n_layers * cache.itemsize))
    tokens = [Formula.of(name) for name in ("B", "T") if name in proof.values]
    found = total(kept)
    return None if found is None else product([*tokens, found])


def _one_stack(each: Proved) -> Formula | None:
    return each.stack[-1] if each.stack else Formula.of(1)
