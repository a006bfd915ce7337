"""Variations of any module: its inputs at other sizes. Which axes go together is read from what ran, by atoms."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from shapetrace import ir
from shapetrace.api import Trace
from shapetrace.errors import ShapetraceError
from shapetrace.failing import met
from shapetrace.outlining.analysis import analyse
from shapetrace.proving.offering import Offer, with_offer
from shapetrace.running import before
from shapetrace.sizing.variables import Variable

if TYPE_CHECKING:
    import torch

_IDS = frozenset({"int64", "int32"})

Axes = tuple[tuple[str, int], ...]
"""Names of inputs with one of their axes each: they are one size."""


def named(model: "torch.nn.Module", args: Sequence[Any], kwargs: Mapping[str, Any]) -> Trace:
    """A pass of a module with the names of its sizes; one that fails is told with them."""
    from shapetrace.api import note_why
    from shapetrace.api import trace as traced
    from shapetrace.models.resizing import again

    def with_names(found: ir.Trace) -> Trace:
        made = Trace.of(found)
        object.__setattr__(made, "_again", again(model, args, kwargs, found.model))
        return with_offer(made, offer(made))

    try:
        found = traced(model, *args, **kwargs)
    except ShapetraceError:
        raise
    except Exception as error:
        note_why(error, with_names(before(error)))
        raise
    return with_names(found)


def offer(trace: Trace) -> Offer:
    """What can be varied of the inputs of a pass that can run again; nothing of another."""
    again = getattr(trace, "_again", None)
    groups = _named(trace, _Groups(trace)) if again is not None else {}
    variables = [Variable(_key(axes), symbol, size, "input") for symbol, (axes, size) in groups.items()]
    axes_of = {_key(axes): axes for axes, _ in groups.values()}

    def attempt(values: Mapping[str, int], *, shallow: bool) -> ir.Trace:  # noqa: ARG001 - a module is as deep as it is
        if again is None:
            return trace
        try:
            found: ir.Trace = again({place: value for key, value in values.items() for place in axes_of[key]})
        except ShapetraceError:
            raise
        except Exception as error:  # noqa: BLE001 - a model can raise anything
            return before(error)
        return found

    return Offer(variables, attempt, shallow=False)


def _key(axes: Axes) -> str:
    return ", ".join(f"{name}[{axis}]" for name, axis in axes)


class _Groups:
    """Axes of inputs that are one size, by atoms; those of size 1 by their place. What meets a parameter is fixed.

    Attributes:
        sizes: The size of each group.
        told: Names of inputs of which the pass told rows from columns: ids, and what met a parameter. One that failed
            may have ended before.
    """

    def __init__(self, trace: ir.Trace) -> None:
        facts = analyse(trace)
        atoms = facts.atoms
        weights = [tensor.id for tensor in trace.tensors if tensor.origin == "parameter" and tensor.id in facts.axes]
        fixed = {leaf for value in weights for leaf in atoms.flat(facts.axes_of(value))}
        fixed |= {leaf for value, axis in met(trace) for leaf in atoms.leaves(facts.axes_of(value)[axis])}
        groups: dict[object, list[tuple[str, int]]] = {}
        sizes: dict[object, int] = {}
        self.told: set[str] = set()
        for value in trace.inputs:
            tensor, axes = trace.tensors[value], facts.axes_of(value)
            if trace.failure is None or tensor.dtype in _IDS or fixed & set(atoms.flat(axes)):
                self.told.add(tensor.name)
            for axis, size in enumerate(tensor.shape):
                leaves = atoms.leaves(axes[axis])
                if not fixed & set(leaves):
                    group: object = ("one", axis) if size == 1 else leaves
                    groups.setdefault(group, []).append((tensor.name, axis))
                    sizes[group] = size
        self.sizes = {tuple(axes): sizes[group] for group, axes in groups.items()}


def _named(trace: ir.Trace, groups: _Groups) -> dict[str, tuple[Axes, int]]:
    """A symbol for each group: examples come first, then the rows, or the height and width of a picture."""
    shapes = {trace.tensors[value].name: trace.tensors[value] for value in trace.inputs}
    found: dict[str, tuple[Axes, int]] = {}
    for axes, size in groups.sizes.items():
        name, axis = next((each for each in axes if each[0] in groups.told), axes[0])
        usual = _usual(shapes[name], axis) if name in groups.told else []
        options = [*usual, f"{name}_{axis}".replace(".", "_").replace("[", "_").replace("]", "")]
        found[next(option for option in options if option not in found)] = (axes, size)
    return found


def _usual(tensor: ir.Tensor, axis: int) -> list[str]:
    rank = len(tensor.shape)
    if axis == 0 and (rank > 1 or tensor.dtype not in _IDS):
        return ["B"]
    if rank == 4 and axis > 1 and "." not in tensor.name and "[" not in tensor.name:
        return ["H_img" if axis == 2 else "W_img"]
    if "." in tensor.name or "[" in tensor.name:
        return ["P"] if axis == rank - 2 else []
    return ["T", "S"] if axis == min(1, rank - 1) else []
