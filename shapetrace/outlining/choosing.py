"""What a step does with the columns of a product: picks the best of them, or multiplies them with those of another."""

from shapetrace.ops.kinds import names_of
from shapetrace.outlining.drafts import Draft
from shapetrace.outlining.flow import Flow

_PICKING = frozenset({"topk", "sort", "argsort", "kthvalue", "multinomial"})
_BEST = frozenset({"max", "argmax"})
_FINDING = frozenset({"nonzero", "index", "gather"})
_COMPARING = frozenset({"eq", "_to_copy", "view", "unsqueeze"})
_MOST_READERS = 12


def chooses(flow: Flow, draft: Draft) -> bool:
    """Whether a step takes the best columns of each row: top-k, or the largest where its place sends rows on.

    Writing rows into a larger tensor is no choice, nor is the largest value by itself.
    """
    if any(_PICKING & set(names_of(flow.trace.ops[op].kernels)) for op in draft.ops):
        return True
    places = [
        value
        for op in draft.ops
        if _BEST & set(names_of(flow.trace.ops[op].kernels))
        for value in flow.trace.ops[op].outputs
        if not flow.is_floating(value)
    ]
    return any(_sorts_rows(flow, place) for place in places)


def _sorts_rows(flow: Flow, place: int) -> bool:
    """Whether whole numbers become the rows that each of several matrices gets: compared with a number, then found."""
    queue = [flow.root(place)]
    for value in queue:
        for reader in flow.readers[value][:_MOST_READERS]:
            op = flow.trace.ops[reader]
            names = set(names_of(op.kernels))
            if names & _FINDING:
                return True
            if names <= _COMPARING and not any(map(flow.is_floating, op.outputs)):
                queue += [flow.root(v) for v in op.outputs]
    return False


def multiplies(flow: Flow, draft: Draft) -> bool:
    """Whether what comes from the two operands of a step meets in a product, as a gate does, and not in a sum."""
    behind: dict[int, set[int]] = {}
    outside = {operand.value for operand in draft.operands}
    for op in (flow.trace.ops[i] for i in sorted(draft.ops)):
        read = [behind.get(root, {root} & outside) for root in map(flow.root, op.inputs)]
        both = set().union(*read)
        if len(both) > 1:
            return names_of(op.kernels) == ["mul"]
        behind.update((value, both) for value in op.outputs)
    return False
