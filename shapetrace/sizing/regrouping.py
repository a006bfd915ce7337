"""What a view makes of axes that it puts together: as large as all of them."""

from collections.abc import Callable, Iterator, Sequence

from shapetrace.ir import Kernel, Tensor
from shapetrace.ops.registry import base_name
from shapetrace.sizing.formulas import Formula, product

_VIEWS = frozenset({"view", "_unsafe_view", "reshape", "_reshape_alias"})


def regrouped(
    kernel: Kernel, tensors: Sequence[Tensor], formulas: Callable[[int], list[Formula | None]]
) -> Iterator[Formula]:
    """Formulas of the axes of a view that are several of what it shows: (B, H, W, C) as (B·H·W, C).

    Args:
        kernel: What ran.
        tensors: All values of the pass.
        formulas: Those of a value's axes that are known.
    """
    if base_name(kernel.name) not in _VIEWS or not kernel.inputs or not kernel.outputs:
        return
    before, after = (tensors[value].shape for value in (kernel.inputs[0], kernel.outputs[0]))
    if 0 in before:
        return
    start = 0
    for size in after:
        end, reached = start, 1
        while end < len(before) and reached < size:
            reached *= before[end]
            end += 1
        if reached != size:
            return
        sizes = formulas(kernel.inputs[0])[start:end] if end - start > 1 else []
        if sizes and all(each is not None for each in sizes):
            yield product(each for each in sizes if each is not None)
        start = end
