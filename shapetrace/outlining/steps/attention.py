"""Attention, drawn as it is taught: Q Kᵀ, softmax, A V, the heads side by side."""

import itertools
import math
from collections.abc import Mapping, Sequence

from msgspec.structs import replace

from shapetrace.ir import Op, Pattern
from shapetrace.language import Phrase
from shapetrace.ops.kinds import names_of
from shapetrace.outlining.axis_roles import AxisRoles
from shapetrace.outlining.drafts import UNSEEN, Draft, Ref, trimmed
from shapetrace.outlining.flow import Flow
from shapetrace.outlining.recognise.attention import Attention, operands_of
from shapetrace.outlining.recognise.columns import Columns
from shapetrace.outlining.recognise.masks import NO_MASK
from shapetrace.outlining.roles import Part, Role
from shapetrace.outlining.steps.masking import mask_notes
from shapetrace.outlining.steps.weighing import alone_after, sinks, weighed_by
from shapetrace.outlining.structure import StepKind

_Pieces = Mapping[int, Sequence[Columns]]


def attention_steps(
    flow: Flow,
    axis_roles: AxisRoles,
    attentions: tuple[Attention, ...],
    columns: _Pieces,
) -> tuple[Draft, ...]:
    """The steps of every attention, from the split into heads to their concatenation.

    What several attentions read is split once.
    """
    found: list[Draft] = []
    split: set[int] = set()
    for attention in attentions:
        one = _OneAttention(flow, axis_roles, attention, columns)
        others = [
            replace(attention, scores=other, before=(), between=(), mask=NO_MASK, absorbed=None)
            for other in attention.others
        ]
        drafts = [*one.drafts(), *(_OneAttention(flow, axis_roles, other, columns).added() for other in others)]
        found += [draft for draft in drafts if draft.kind != "split" or not split & {*draft.ops}]
        split.update(op for draft in drafts if draft.kind == "split" for op in draft.ops)
    return tuple(found)


class _OneAttention:
    """The steps of one attention."""

    def __init__(self, flow: Flow, axis_roles: AxisRoles, attention: Attention, columns: _Pieces) -> None:
        self._flow = flow
        self._axis_roles = axis_roles
        self._attention = attention
        self._columns = columns
        self._product = flow.facts.products[attention.scores]
        self._op = flow.trace.ops[self._product.op]

    def drafts(self) -> list[Draft]:
        """Split, scores, weights, weighted sum, concatenation: those that are there."""
        attention = self._attention
        drafts = [*self._splits(), scores := self._scores()]
        weights = scores.result
        if attention.fused or attention.weighing is not None:
            drafts.append(self._weights(scores))
            weights = drafts[-1].result
        if attention.weighted is not None:
            drafts.append(self._weighted(weights))
            drafts += self._concat(drafts[-1])
        return drafts

    def added(self) -> Draft:
        """A further product of queries and keys, as what is added to the scores."""
        return replace(self._scores(), kind="contraction", notes=(Phrase("added to the scores"),))

    def _scores(self) -> Draft:
        flow, product, attention, atoms = self._flow, self._product, self._attention, self._flow.facts.atoms
        assert product.left is not None
        queries, keys, rows, lengths = product.left, product.right, product.m, product.n
        if attention.query_right:
            queries, keys, rows, lengths = keys, queries, lengths, rows
        positions, among = self._axis_roles.split(rows)
        length, width, keys_length = atoms.size(positions), atoms.size(product.k), atoms.size(lengths)
        stack = self._axis_roles.stack((*product.batch, among))
        all_keys = Ref(UNSEEN, (width, keys_length), stack_axes=stack)
        pattern, band = _pattern(attention.mask.seen, keys_length)
        operands = (
            Ref(flow.root(queries), (length, width), "data", stack, Part.QUERY),
            Ref(
                flow.root(keys),
                (width, keys_length),
                "data",
                self._own_heads(keys, all_keys),
                self._read_as(Part.KEY),
                True,
            ),
        )
        result = Ref(self._value(product.out, 0), (length, keys_length), "data", stack, Part.SCORES, pattern=pattern,
                     band=band, seen=attention.mask.seen,
                     veiled=attention.mask.hides and attention.mask.seen is None)  # fmt: skip
        notes = _score_notes(attention, width, length)
        if len(stack) > 1 and self._axis_roles.has_examples(product.batch):
            notes.append(Phrase("per batch and head"))
        return Draft(
            (*attention.before, self._op.id, *attention.between), "scores", operands, (result,), Role.SCORES,
            call=self._op.call, order=self._op.id, notes=tuple(notes), flops=product.flops or None, inner=(1, 0),
        )  # fmt: skip

    def _read_as(self, part: Part) -> Part:
        """Keys or values as they are read: a latent where each head has absorbed what would make them of it."""
        return part if self._attention.absorbed is None else Part.LATENT_KEY_VALUE

    def _value(self, out: int | None, place: int) -> int:
        """The value behind all edges; a number of its own for what exists only inside a fused call."""
        return self._flow.root(out) if out is not None else -2 - 2 * self._attention.scores - place

    def _own_heads(self, value: int, whole: Ref) -> tuple[int, ...]:
        """Stack of keys or values: with grouped queries they have fewer heads than the queries.

        Args:
            value: The keys or values as the product reads them.
            whole: Them with one matrix for each head of the queries.
        """
        stack, flow = whole.stack_axes, self._flow
        sizes = [math.prod(flow.facts.tensor(form).shape) for form in flow.forms(value)]
        repeated = any(after > before for after, before in itertools.pairwise(sizes))
        if not repeated and sizes[0] == whole.stack * math.prod(whole.shape):
            return stack  # each has its own: nothing was repeated on the way
        heads = [
            piece.heads
            for product in flow.facts.sources.get(value, {})
            for piece in self._columns.get(product, ())
            if piece.parts & {Part.KEY, Part.VALUE}
        ]
        if not heads or not stack or stack[-1] <= max(heads) or stack[-1] % max(heads):
            return stack
        return tuple(size for size in (*stack[:-1], max(heads)) if size > 1)

    def _weights(self, scores: Draft) -> Draft:
        before, weighing = scores.result, self._attention.weighing
        alone = () if weighing is None else alone_after(self._flow, self._attention)
        ops = () if weighing is None else (*weighing.ops, *alone)
        value = None if weighing is None else self._flow.trace.ops[max(weighing.ops[-1], *ops)].outputs[0]
        weighed = (
            weighed_by(self._flow, self._attention, before.shape) if len(alone) == len(self._attention.after) else ()
        )
        result = replace(before, value=self._value(value, 1), part=Part.ATTENTION_WEIGHTS, weighed=weighed)
        function = "softmax" if weighing is None else weighing.name
        kind: StepKind = "softmax" if function == "softmax" else "activation"
        order = scores.order if weighing is None else weighing.ops[-1]
        return Draft(ops, kind, (before,), (result,), Role.ATTENTION_WEIGHTS, function, call=scores.call, order=order,
                     notes=sinks(self._flow, self._attention, before.columns))  # fmt: skip

    def _weighted(self, weights: Ref) -> Draft:
        flow, attention, atoms = self._flow, self._attention, self._flow.facts.atoms
        assert attention.weighted is not None
        product = flow.facts.products[attention.weighted]
        op = flow.trace.ops[product.op]
        values, width, cut = product.right, product.n, product.left
        rows, length = product.m, product.k
        if attention.weights_right:
            assert product.left is not None
            values, width, rows, cut = product.left, product.m, product.n, product.right
        positions, among = self._axis_roles.split(rows)
        stack = self._axis_roles.stack((*product.batch, among))
        shape = (atoms.size(positions), atoms.size(length))
        # between softmax and product the weights may be cut anew: overlapping chunks
        met = len(alone_after(flow, attention)) < len(attention.after)
        if met or (shape, math.prod(stack)) != (weights.shape, weights.stack):
            weights = Ref(UNSEEN if cut is None else flow.root(cut), shape, "data", stack, Part.ATTENTION_WEIGHTS)
        whole = Ref(UNSEEN, (shape[1], atoms.size(width)), stack_axes=stack)
        operands = (
            weights,
            Ref(flow.root(values), whole.shape, "data", self._own_heads(values, whole), self._read_as(Part.VALUE)),
        )
        result = Ref(self._value(product.out, 0), (shape[0], atoms.size(width)), "data", stack, Part.HEADS)
        return Draft(
            () if attention.fused else (op.id,), "weighted_sum", operands, (result,), Role.WEIGHTED_SUM,
            call=op.call, order=op.id, notes=(Phrase("A V"),), flops=product.flops or None, inner=(1, 0),
        )  # fmt: skip

    def _splits(self) -> list[Draft]:
        """How an author turned [B, T, h·d] into [B, h, T, d]: shown where there is a batch to keep apart."""
        if not self._axis_roles.has_examples(self._product.batch):
            return []
        drafts: list[Draft] = []
        for part, value, _ in operands_of(self._flow, self._attention):
            op = self._turning_op(value)
            if op is not None and all(op.id not in draft.ops for draft in drafts):
                drafts.append(self._split(op, part))
        return drafts

    def _split(self, op: Op, part: Part) -> Draft:
        tensor, root = self._flow.facts.tensor, self._flow.root(op.inputs[0])
        before, after = tensor(op.inputs[0]), tensor(op.outputs[0])
        return Draft(
            (op.id,), "split", (Ref(root, trimmed(before.shape), before.role, part=part),),
            (Ref(root, trimmed(after.shape), after.role, part=part),), Role.SPLIT_HEADS, call=op.call, order=op.id,
        )  # fmt: skip

    def _turning_op(self, value: int) -> Op | None:
        """The transpose behind an operand that brings the heads to the front: the first after the product."""
        flow = self._flow
        found: Op | None = None
        for _ in range(24):
            producer = flow.facts.producer.get(value)
            if producer is None or flow.facts.of_op.get(producer):
                return found
            op = flow.trace.ops[producer]
            turned = {"transpose", "permute"} & set(names_of(op.kernels))
            if turned and flow.edges[op.id] and self._brings_heads(op):
                found = op
            data = [v for v in op.inputs if flow.is_data(v)]
            if not data:
                return found
            value = data[0]
        return found

    def _brings_heads(self, op: Op) -> bool:
        """Whether the axis before the columns goes before the rows: it was cut off the columns."""
        before, after = (self._flow.facts.axes_of(values[0]) for values in (op.inputs, op.outputs))
        return len(before) == len(after) == 4 and before[-2] not in after[-2:]

    def _concat(self, weighted: Draft) -> list[Draft]:
        """The heads side by side, if a view puts them there."""
        result, flow, atoms = weighted.result, self._flow, self._flow.facts.atoms
        place, turned = self._attention.weighted or 0, self._attention.weights_right
        if self._attention.absorbed is not None:
            place, turned = self._attention.absorbed.value, False
        product = flow.facts.products[place]
        if product.out is None:
            return []
        result = replace(
            result,
            value=flow.root(product.out),
            shape=(result.shape[0], atoms.size(product.m if turned else product.n)),
        )
        heads = self._axis_roles.heads_among((*product.batch, product.n if turned else product.m))
        if not heads or result.stack == 1:
            return []
        edges = flow.edges_of(flow.root(product.out))
        for op in edges:
            shape = flow.facts.tensor(op.outputs[0]).shape
            leaves = atoms.leaves(flow.facts.axes_of(op.outputs[0])[-1]) if shape else ()
            if len(leaves) > len(heads) and set(heads) <= set(leaves):
                turning = tuple(e.id for e in edges if e.id <= op.id)
                return [self._concatenated(result, op, atoms.size(heads), turning)]
        return []

    def _concatenated(self, result: Ref, op: Op, count: int, ops: tuple[int, ...]) -> Draft:
        joined = Ref(result.value, self._axis_roles.readable(op.outputs[0]), part=Part.HEADS, pattern="slices",
                     slices=count)  # fmt: skip
        before = Ref(result.value, (*joined.shape[:-1], result.shape[-1]), stack_axes=(count,), part=Part.HEADS)
        if math.prod(before.shape) * count != math.prod(joined.shape):  # a head's columns hold rows too
            before = Ref(result.value, result.shape, stack_axes=result.stack_axes, part=Part.HEADS)
        return Draft(ops, "concat", (before,), (joined,), Role.CONCAT_HEADS, call=op.call, order=op.id)


def _pattern(seen: Pattern | None, columns: int) -> tuple[str, tuple[int, int] | None]:
    """How scores under a mask are drawn: a triangle, or a band of which a row sees some columns near its own."""
    if seen is None or seen.differs:
        return "", None
    if seen.kind == "window" and seen.below is not None and seen.above is not None:
        is_triangle = seen.above == 0 and seen.below >= columns - 1
        return ("causal", None) if is_triangle else ("band", (seen.below, seen.above))
    return ("causal" if seen.kind == "causal" and seen.rows is None and seen.columns is None else ""), None


def _score_notes(attention: Attention, width: int, queries: int) -> list[Phrase]:
    notes = []
    scale = attention.scale
    if scale and math.isclose(scale, width**-0.5, rel_tol=1e-3):
        notes.append(Phrase("Q Kᵀ ⁄ √{width}", {"width": width}))
    elif scale and scale != 1:
        notes.append(Phrase("Q Kᵀ · {scale}", {"scale": f"{scale:.4g}"}))
    if attention.cap:
        notes.append(Phrase("capped at ±{cap}", {"cap": f"{attention.cap:.4g}"}))
    notes += mask_notes(attention.mask, queries)
    if attention.fused:
        notes.append(Phrase("one fused call"))
    return notes
