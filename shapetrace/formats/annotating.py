"""Inputs and outputs of modules as people annotate them with jaxtyping: ``Float[Tensor, "B T d_model"]``."""

from shapetrace.formats.grid import Column, Grid
from shapetrace.ir import Call, Tensor, Trace

_SORTS = {"int": "Int", "uint": "UInt", "bool": "Bool", "complex": "Complex"}


def annotations(trace: Trace, path: str = "") -> Grid:
    """One row for each module that runs: what it takes and what it gives.

    Args:
        trace: A pass; sizes without names are numbers.
        path: Only this module and what is in it.
    """
    columns = (Column("module", "module"), Column("type", "type"), Column("inputs", "inputs"),
               Column("outputs", "outputs"))  # fmt: skip
    seen: dict[str, tuple[str, str, str, str]] = {}
    for call in trace.calls:
        if call.kind == "module" and (call.path == path or call.path.startswith(f"{path}.") or not path):
            seen.setdefault(call.path, _row(trace, call))
    return Grid(columns, tuple(seen.values()), trace.model.name)


def _row(trace: Trace, call: Call) -> tuple[str, str, str, str]:
    inputs, outputs = (
        ", ".join(annotation(trace, trace.tensors[value]) for value in values) for values in (call.inputs, call.outputs)
    )
    return call.path, call.type, inputs, outputs


def annotation(trace: Trace, tensor: Tensor) -> str:
    """One tensor: ``Float[Tensor, "B T d_model"]``; formulas of several terms have no blanks in them."""
    sort = next((name for start, name in _SORTS.items() if tensor.dtype.startswith(start)), "Float")
    names = [""] * len(tensor.shape)
    if trace.sizes is not None:
        names = ["" if place < 0 else trace.sizes.formulas[place] for place in trace.sizes.axes[tensor.id]]
    sizes = [_plain(name) or str(size) for name, size in zip(names, tensor.shape, strict=True)]
    return f'{sort}[Tensor, "{" ".join(sizes)}"]'


def _plain(formula: str) -> str:
    """A formula in the characters of Python, where it is one of sums and products; else a number will do."""
    if any(character in formula for character in "⌈⌊²³"):
        return ""
    return formula.replace("·", "*").replace("−", "-")
