"""Variations of any module: its inputs at other sizes. Which axes go together is read from what ran, by atoms."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from shapetrace import ir
from shapetrace.api import Trace
from shapetrace.outlining.analysis import analyse
from shapetrace.proving.offering import Offer, with_offer
from shapetrace.sizing.variables import Variable

if TYPE_CHECKING:
    import torch

Axes = tuple[tuple[str, int], ...]
"""Names of inputs with one of their axes each: they are one size."""


def named(model: "torch.nn.Module", args: Sequence[Any], kwargs: Mapping[str, Any]) -> Trace:
    """A pass of a module with the names of its sizes."""
    from shapetrace.api import trace as traced
    from shapetrace.models.resizing import again

    found = traced(model, *args, **kwargs)
    object.__setattr__(found, "_again", again(model, args, kwargs, found.model))
    return with_offer(found, offer(found))


def offer(trace: Trace) -> Offer:
    """What can be varied of the inputs of a pass that can run again; nothing of another."""
    again = getattr(trace, "_again", None)
    groups = _named(trace, list(_groups(trace))) if again is not None else {}
    variables = [Variable(_key(axes), symbol, size, "input") for symbol, (axes, size) in groups.items()]
    axes_of = {_key(axes): axes for axes, _ in groups.values()}

    def attempt(values: Mapping[str, int], *, shallow: bool) -> ir.Trace:  # noqa: ARG001 - a module is as deep as it is
        if again is None:
            return trace
        found: ir.Trace = again({place: value for key, value in values.items() for place in axes_of[key]})
        return found

    return Offer(variables, attempt, shallow=False)


def _key(axes: Axes) -> str:
    return ", ".join(f"{name}[{axis}]" for name, axis in axes)


def _groups(trace: ir.Trace) -> Iterator[tuple[Axes, int]]:
    """Axes of inputs that are one size, by atoms; those of size 1 by their place. What meets a parameter is fixed."""
    facts = analyse(trace)
    atoms, found = facts.atoms, {}
    weights = [tensor.id for tensor in trace.tensors if tensor.origin == "parameter" and tensor.id in facts.axes]
    fixed = {leaf for value in weights for leaf in atoms.flat(facts.axes_of(value))}
    groups: dict[object, list[tuple[str, int]]] = {}
    for value in trace.inputs:
        tensor = trace.tensors[value]
        for axis, size in enumerate(tensor.shape):
            leaves = atoms.leaves(facts.axes_of(value)[axis])
            if fixed & set(leaves):
                continue
            group: object = ("one", axis) if size == 1 else leaves
            groups.setdefault(group, []).append((tensor.name, axis))
            found[group] = size
    for group, axes in groups.items():
        yield tuple(axes), found[group]


def _named(trace: ir.Trace, groups: list[tuple[Axes, int]]) -> dict[str, tuple[Axes, int]]:
    """A symbol for each group: examples come first, then the rows, or the height and width of a picture."""
    shapes = {trace.tensors[value].name: trace.tensors[value] for value in trace.inputs}
    found: dict[str, tuple[Axes, int]] = {}
    for axes, size in groups:
        name, axis = axes[0]
        options = [*_usual(shapes[name], axis), f"{name}_{axis}".replace(".", "_").replace("[", "_").replace("]", "")]
        found[next(option for option in options if option not in found)] = (axes, size)
    return found


def _usual(tensor: ir.Tensor, axis: int) -> list[str]:
    rank = len(tensor.shape)
    if axis == 0 and (rank > 1 or tensor.dtype not in {"int64", "int32"}):
        return ["B"]
    if rank == 4 and axis > 1 and "." not in tensor.name and "[" not in tensor.name:
        return ["H_img" if axis == 2 else "W_img"]
    if "." in tensor.name or "[" in tensor.name:
        return ["P"] if axis == rank - 2 else []
    return ["T", "S"] if axis == min(1, rank - 1) else []
