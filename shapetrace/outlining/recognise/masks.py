"""What is added to scores or hides some of them: a mask, or a bias that the model learned for relative positions."""

from collections.abc import Sequence

from shapetrace.ops.kinds import names_of
from shapetrace.outlining.flow import Flow

_HIDING = frozenset({"masked_fill", "where", "tril", "triu"})
_PARAMETER = 1
_MOST_OPERATIONS = 64


def parts(flow: Flow, values: Sequence[int]) -> tuple[bool, bool]:
    """Whether some of these operands mask the scores, and whether some are learned: one may be the sum of both."""
    masks = learned = False
    queue = list(dict.fromkeys(values))
    for value in queue:
        if len(queue) > _MOST_OPERATIONS:
            break
        tensor, maker = flow.facts.tensor(value), flow.op_of(value)
        from_weights = tensor.role == "weight"
        learned = learned or from_weights
        if not from_weights:
            masks = True
        elif maker is not None and not _is_table(flow, maker.id):
            masks = masks or bool(_HIDING & set(names_of(maker.kernels)))
            queue += [v for v in maker.inputs if flow.is_floating(v) and _is_matrix(flow, v)]
    return masks, learned


def differs_by_window(flow: Flow, mask: int) -> bool:
    """Whether a mask is another one for each part of an example: a shifted window's is no triangle.

    An axis of examples comes from an input, one of heads from the columns of a projection, one of windows from neither.
    """
    atoms = flow.facts.atoms
    return any(atoms.origin(leaf).rank > _PARAMETER for leaf in atoms.flat(flow.facts.axes_of(mask)[:-2]))


def _is_table(flow: Flow, op: int) -> bool:
    """Whether a bias was looked up or multiplied: what it was made of is no mask."""
    return flow.kinds[op] in ("lookup", "index", "product", "softmax", "norm")


def _is_matrix(flow: Flow, value: int) -> bool:
    shape = flow.facts.tensor(value).shape
    return len(shape) > 1 and max(shape[-2:]) > 1
