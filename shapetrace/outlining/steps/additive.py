"""Attention with one score a key: softmax, and a weighted sum that is written out."""

from collections.abc import Mapping
from math import prod

from msgspec.structs import replace

from shapetrace.outlining.axis_roles import AxisRoles
from shapetrace.outlining.drafts import Draft, Ref
from shapetrace.outlining.flow import Flow
from shapetrace.outlining.recognise.additive import Additive
from shapetrace.outlining.roles import Part, Role
from shapetrace.outlining.steps.masking import mask_notes

_PARTS = {Role.QUERY: Part.QUERY, Role.KEY: Part.KEY}


def additive_steps(
    flow: Flow, axis_roles: AxisRoles, product_steps: tuple[Draft, ...], additives: tuple[Additive, ...]
) -> tuple[Draft, ...]:
    """All steps of products, those of additive attention as what they are in it, with its softmax and its sum."""
    reader = _Reader(flow, axis_roles)
    within = _by_position(additives)
    found = []
    for draft in product_steps:
        position = flow.facts.of_op[draft.order][0]
        found.append(reader.product(draft, position, within[position]) if position in within else draft)
    return (*found, *map(reader.softmax, additives), *(reader.sum(each) for each in additives if each.sum))


def _by_position(additives: tuple[Additive, ...]) -> Mapping[int, Additive]:
    """Additive attentions by the positions of the products in them."""
    found: dict[int, Additive] = {}
    for additive in additives:
        found |= dict.fromkeys((*additive.scores, *additive.roles), additive)
        if additive.weighted is not None:
            found[additive.weighted] = additive
    return found


class _Reader:
    def __init__(self, flow: Flow, axis_roles: AxisRoles) -> None:
        self._flow = flow
        self._axis_roles = axis_roles

    def product(self, draft: Draft, position: int, additive: Additive) -> Draft:
        """A product, with what it is for."""
        if position in additive.roles:
            role = additive.roles[position]
            return replace(draft, role=role, results=(replace(draft.result, part=_PARTS[role]),))
        if position in additive.scores and len(additive.scores) > 1:  # their sum is a step of its own
            return replace(draft, role=Role.SCORES, results=(replace(draft.result, part=Part.SCORES),))
        if position in additive.scores:
            result = replace(draft.result, value=self._flow.root(additive.weighing.source), part=Part.SCORES)
            notes = (*draft.notes, *mask_notes(additive.mask))
            return replace(draft, ops=(*draft.ops, *additive.between), role=Role.SCORES, results=(result,), notes=notes)
        weights = self._flow.root(additive.weights)
        parts = [Part.ATTENTION_WEIGHTS if ref.value == weights else Part.VALUE for ref in draft.operands]
        operands = tuple(replace(ref, part=part) for ref, part in zip(draft.operands, parts, strict=True))
        results = (replace(draft.result, part=Part.ATTENTION),)
        return replace(draft, kind="weighted_sum", role=Role.WEIGHTED_SUM, operands=operands, results=results)

    def softmax(self, additive: Additive) -> Draft:
        """Scores made weights along the keys."""
        last = self._flow.trace.ops[additive.weighing.ops[-1]]
        before = self._ref(additive.weighing.source, Part.SCORES)
        after = self._ref(last.outputs[0], Part.ATTENTION_WEIGHTS)
        return Draft(additive.weighing.ops, "softmax", (before,), (after,), Role.ATTENTION_WEIGHTS, "softmax",
                     call=last.call, order=last.id)  # fmt: skip

    def sum(self, additive: Additive) -> Draft:
        """Rows of values, each as often as its weight says."""
        last = self._flow.trace.ops[additive.sum[-1]]
        values = self._ref(additive.values, Part.VALUE)
        result = self._ref(last.outputs[0], Part.ATTENTION)
        weights = self._ref(additive.weights, Part.ATTENTION_WEIGHTS)
        if len(values.shape) > 2 and prod(weights.shape) == prod(values.shape[:-1]):
            stack, (rows, columns) = values.shape[:-2], values.shape[-2:]
            weights, values, result = (
                replace(ref, shape=shape, stack_axes=stack)
                for ref, shape in ((weights, (1, rows)), (values, (rows, columns)), (result, (1, columns)))
            )
        return Draft(additive.sum, "weighted_sum", (weights, values), (result,), Role.WEIGHTED_SUM, call=last.call,
                     order=last.id)  # fmt: skip

    def _ref(self, value: int, part: Part) -> Ref:
        root = self._flow.root(value)
        return Ref(root, self._axis_roles.readable(value), self._flow.facts.tensor(root).role, part=part)
