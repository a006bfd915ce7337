"""Attention, drawn as it is taught: Q Kᵀ, softmax, A V, the heads side by side."""

import itertools
import math
from collections.abc import Mapping, Sequence

from shapetrace.ir import Op
from shapetrace.ops.kinds import names_of
from shapetrace.outlining.attention import Attention, operands_of
from shapetrace.outlining.columns import Columns
from shapetrace.outlining.drafts import Draft, Ref, trimmed
from shapetrace.outlining.flow import Flow
from shapetrace.outlining.multiplying import is_batch, readable_shape, stack_sizes
from shapetrace.outlining.structure import WINDOW, Note, StepKind


def attention_drafts(flow: Flow, attention: Attention, columns: Mapping[int, Sequence[Columns]]) -> list[Draft]:
    """The steps of one attention, from the split into heads to their concatenation."""
    scores = _scores(flow, attention, columns)
    drafts = [*_splits(flow, attention), scores]
    if attention.fused or attention.weighing is not None:
        drafts.append(_softmax(flow, attention, scores))
    if attention.weighted is not None:
        drafts.append(_weighted(flow, attention, columns, drafts[-1].results[0]))
        drafts += _concat(flow, attention, drafts[-1])
    return drafts


def example_axis(flow: Flow, attentions: Sequence[Attention]) -> str:
    """Which axis of an input attention does not mix: the first, or the second where the length comes first."""
    atoms = flow.facts.atoms
    products = [flow.facts.products[attention.scores] for attention in attentions]
    apart = {atoms.origin(leaf) for product in products for leaf in atoms.flat(product.batch)}
    mixed = {atoms.origin(leaf) for product in products for leaf in atoms.flat((product.m, product.n))}
    names = {origin.name for origin in apart - mixed if origin.rank == 0}
    seq_first = not any(name.endswith("[0]") for name in names) and any(name.endswith("[1]") for name in names)
    return "[1]" if seq_first else "[0]"


def head_leaves(flow: Flow, attentions: Sequence[Attention]) -> set[int]:
    """Atoms that count heads: batch axes of attention that are no examples, and no rows of a projection (windows)."""
    facts = flow.facts
    products = [facts.products[attention.scores] for attention in attentions]
    leaves = {leaf for product in products for leaf in facts.atoms.flat(product.batch)}
    projections = [p for p in facts.products if p.left is not None and facts.tensor(p.right).role == "weight"]
    rows = {leaf for p in projections for leaf in facts.atoms.flat((*p.batch, p.m)) if flow.is_data(p.left or 0)}
    own = {leaf for p in projections for leaf in facts.atoms.flat(facts.axes_of(p.right))}
    return {leaf for leaf in leaves - (rows - own) if not is_batch(flow, leaf)}


def _scores(flow: Flow, attention: Attention, columns: Mapping[int, Sequence[Columns]]) -> Draft:
    product = flow.facts.products[attention.scores]
    op = flow.trace.ops[product.op]
    atoms = flow.facts.atoms
    assert product.left is not None
    queries, keys, rows, lengths = product.left, product.right, product.m, product.n
    if attention.query_right:
        queries, keys, rows, lengths = keys, queries, lengths, rows
    length, width, keys_length = atoms.size(rows), atoms.size(product.k), atoms.size(lengths)
    stack = stack_sizes(flow, product.batch)
    all_keys = Ref(None, (width, keys_length), "data", stack)
    band = _window(attention, keys_length)
    pattern = "band" if band else "causal" if attention.causal else ""
    operands = [
        Ref(flow.root(queries), (length, width), "data", stack, "Q"),
        Ref(flow.root(keys), (width, keys_length), "data", _own_heads(flow, keys, all_keys, columns), "K", True),
    ]
    value = None if product.out is None else flow.root(product.out)
    result = Ref(value, (length, keys_length), "data", stack, "S", pattern=pattern, band=band)
    ops = [*attention.before, op.id, *attention.between]
    draft = Draft(ops, "scores", "Scores", "×", operands, [result], op.call, order=op.id, inner=(1, 0))
    draft.flops = product.flops
    draft.notes = _score_notes(attention, width, band)
    if len(stack) > 1:
        draft.notes.append(Note("per batch and head"))
    return draft


def _window(attention: Attention, keys_length: int) -> tuple[int, int] | None:
    """The band of scores that is no whole triangle: a row sees some columns near its own."""
    if attention.band is None:
        return None
    below, above = attention.band
    ends = below < keys_length - 1 if above <= 0 else above < keys_length - 1
    return (below, above) if ends else None


def _score_notes(attention: Attention, width: int, band: tuple[int, int] | None) -> list[Note]:
    notes = []
    scale = attention.scale
    default = attention.fused and scale is None
    if default or (scale and math.isclose(scale, width**-0.5, rel_tol=1e-3)) or attention.before:
        notes.append(Note("Q Kᵀ ⁄ √{width}", {"width": width}))
    elif scale and scale != 1:
        notes.append(Note("Q Kᵀ · {scale}", {"scale": f"{scale:.4g}"}))
    if attention.causal:
        notes.append(Note("causal mask"))
    elif attention.masked and not band:
        notes.append(Note("masked"))
    if attention.biased:
        notes.append(Note("plus a learned bias"))
    if band:
        notes.append(Note(WINDOW, {"n": sum(band) + 1}))
    if attention.fused:
        notes.append(Note("one fused call"))
    return notes


def _own_heads(flow: Flow, value: int, whole: Ref, columns: Mapping[int, Sequence[Columns]]) -> tuple[int, ...]:
    """Stack of keys or values: with grouped queries they have fewer heads than the queries.

    Args:
        flow: Values and operations.
        value: The keys or values as the product reads them.
        whole: Them with one matrix for each head of the queries.
        columns: What the columns of projections become.
    """
    stack = whole.stack_axes
    sizes = [math.prod(flow.facts.tensor(form).shape) for form in flow.forms(value)]
    repeated = any(after > before for after, before in itertools.pairwise(sizes))
    if not repeated and sizes[0] == whole.stack * math.prod(whole.shape):
        return stack  # each has its own: nothing was repeated on the way
    heads = [
        piece.heads
        for product in flow.facts.sources.get(value, {})
        for piece in columns.get(product, ())
        if set(piece.letters) & set("KV")
    ]
    if not heads or not stack or stack[-1] <= max(heads) or stack[-1] % max(heads):
        return stack
    return tuple(size for size in (*stack[:-1], max(heads)) if size > 1)


def _softmax(flow: Flow, attention: Attention, scores: Draft) -> Draft:
    before, weighing = scores.results[0], attention.weighing
    ops = [] if weighing is None else [*weighing.ops, *attention.after]
    value = None if weighing is None else flow.root(flow.trace.ops[weighing.ops[-1]].outputs[0])
    result = Ref(value, before.shape, "data", before.stack_axes, "A", pattern=before.pattern, band=before.band)
    order = scores.order if weighing is None else weighing.ops[-1]
    name = "softmax" if weighing is None else weighing.name
    kind: StepKind = "softmax" if name == "softmax" else "activation"
    return Draft(ops, kind, name[:1].upper() + name[1:], name, [before], [result], scores.call, order=order)


def _weighted(flow: Flow, attention: Attention, columns: Mapping[int, Sequence[Columns]], weights: Ref) -> Draft:
    assert attention.weighted is not None
    product = flow.facts.products[attention.weighted]
    op = flow.trace.ops[product.op]
    atoms = flow.facts.atoms
    values, width = product.right, product.n
    if attention.weights_right:
        assert product.left is not None
        values, width = product.left, product.m
    stack = stack_sizes(flow, product.batch)
    rows, length = (product.n, product.k) if attention.weights_right else (product.m, product.k)
    shape = (atoms.size(rows), atoms.size(length))
    # between softmax and product the weights may be cut anew: overlapping chunks
    if (shape, math.prod(stack)) != (weights.shape, weights.stack):
        cut = product.right if attention.weights_right else product.left
        weights = Ref(None if cut is None else flow.root(cut), shape, "data", stack, "A")
    all_values = Ref(None, (shape[1], atoms.size(width)), "data", stack)
    value_stack = _own_heads(flow, values, all_values, columns)
    operands = [weights, Ref(flow.root(values), all_values.shape, "data", value_stack, "V")]
    result_value = None if product.out is None else flow.root(product.out)
    result = Ref(result_value, (shape[0], atoms.size(width)), "data", stack, "Z")
    ops = [] if attention.fused else [op.id]
    draft = Draft(ops, "weighted_sum", "Weighted sum", "×", operands, [result], op.call, order=op.id, inner=(1, 0))
    draft.flops = product.flops
    draft.notes = [Note("A V")]
    return draft


def _splits(flow: Flow, attention: Attention) -> list[Draft]:
    """How an author turned [B, T, h·d] into [B, h, T, d]: shown where there is a batch to keep apart."""
    product = flow.facts.products[attention.scores]
    if not any(is_batch(flow, leaf) for leaf in flow.facts.atoms.flat(product.batch)):
        return []
    drafts: list[Draft] = []
    for letter, value, _ in operands_of(flow, attention):
        op = _turning_op(flow, value)
        if op is not None and all(op.id not in draft.ops for draft in drafts):
            drafts.append(_split(flow, op, letter))
    return drafts


def _split(flow: Flow, op: Op, letter: str) -> Draft:
    tensor = flow.facts.tensor
    root = flow.root(op.inputs[0])
    before = Ref(root, trimmed(tensor(op.inputs[0]).shape), tensor(op.inputs[0]).role, letter=letter)
    after = Ref(root, trimmed(tensor(op.outputs[0]).shape), tensor(op.outputs[0]).role, letter=letter)
    notes = [Note("{name}", {"name": letter})]
    return Draft([op.id], "split", "Split heads", "split", [before], [after], op.call, order=op.id, notes=notes)


def _turning_op(flow: Flow, value: int) -> Op | None:
    """The transpose behind an operand of attention that brings the heads to the front: the first after the product."""
    found: Op | None = None
    for _ in range(24):
        producer = flow.facts.producer.get(value)
        if producer is None or flow.facts.of_op.get(producer):
            return found
        op = flow.trace.ops[producer]
        turned = {"transpose", "permute"} & set(names_of(op.kernels))
        if turned and flow.edges[op.id] and len(flow.facts.tensor(op.outputs[0]).shape) == 4:
            found = op
        data = [v for v in op.inputs if flow.is_data(v)]
        if not data:
            return found
        value = data[0]
    return found


def _concat(flow: Flow, attention: Attention, weighted: Draft) -> list[Draft]:
    """The heads side by side, if a view puts them there."""
    result = weighted.results[0]
    product = flow.facts.products[attention.weighted or 0]
    heads = {leaf for leaf in flow.facts.atoms.flat(product.batch) if not is_batch(flow, leaf)}
    if product.out is None or not heads or result.stack == 1:
        return []
    edges = flow.edges_of(flow.root(product.out))
    atoms = flow.facts.atoms
    for op in edges:
        shape = flow.facts.tensor(op.outputs[0]).shape
        leaves = atoms.leaves(flow.facts.axes_of(op.outputs[0])[-1]) if shape else ()
        if len(leaves) > 1 and heads <= set(leaves):
            count = atoms.size(tuple(heads))
            readable = readable_shape(flow, op.outputs[0])
            joined = Ref(result.value, readable, "data", (), "Z", pattern="slices", slices=count)
            before = Ref(result.value, (*joined.shape[:-1], result.shape[-1]), "data", (count,), "Z")
            if math.prod(before.shape) * count != math.prod(joined.shape):  # a head's columns hold rows too
                before = Ref(result.value, result.shape, "data", result.stack_axes, "Z")
            turning = [e.id for e in edges if e.id <= op.id]
            return [Draft(turning, "concat", "Concat heads", "concat", [before], [joined], op.call, order=op.id)]
    return []
