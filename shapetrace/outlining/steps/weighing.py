"""What is known of the weights of an attention: how they get to the values, what shares in them, their numbers."""

from shapetrace.language import Phrase
from shapetrace.ops.kinds import names_of
from shapetrace.outlining.flow import Flow
from shapetrace.outlining.recognise.attention import Attention


def alone_after(flow: Flow, attention: Attention) -> tuple[int, ...]:
    """What scales, casts or cuts weights before they weigh: up to where they meet other data."""
    meets = (op for op in sorted(attention.after) if sum(map(flow.is_data, flow.trace.ops[op].inputs)) > 1)
    end = next(meets, len(flow.trace.ops))
    return tuple(op for op in attention.after if op < end)


def sinks(flow: Flow, attention: Attention, n_keys: int) -> tuple[Phrase, ...]:
    """What shares in the weights beside the keys: numbers put beside each row of scores."""
    joins = [op for op in attention.between if names_of(flow.trace.ops[op].kernels) == ["cat"]]
    joined = [sum(map(flow.is_data, flow.trace.ops[op].inputs)) for op in joins]  # two: scores of two sorts of keys
    if attention.weighing is None or joined != [1]:
        return ()
    n = flow.facts.tensor(attention.weighing.source).shape[attention.weighing.dim(flow)] - n_keys
    if n == 1:
        return (Phrase("over {n} keys and a sink", {"n": n_keys}),)
    return (Phrase("over {n} keys and {k} sinks", {"n": n_keys, "k": n}),) if n > 1 else ()


def weighed_by(flow: Flow, attention: Attention, shape: tuple[int, ...]) -> tuple[tuple[float, ...], ...]:
    """The numbers of the first head's weights as the product with the values met them; () where nobody knows.

    Args:
        flow: The pass.
        attention: The attention.
        shape: Sizes of one head's weights: rows that hold several heads are none.
    """
    if attention.weighted is None:
        return ()
    by = "inside" if attention.fused else "right" if attention.weights_right else "left"
    op = flow.trace.ops[flow.facts.products[attention.weighted].op]
    made = {value for kernel in op.kernels for value in kernel.outputs}
    kept = [each.rows for each in flow.trace.weighed if each.by == by and each.result in {*made, *op.outputs}]
    found = kept[0] if len(kept) == 1 else ()
    return found if (len(found), *map(len, found[:1])) == shape else ()
