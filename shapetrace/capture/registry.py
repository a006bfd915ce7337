"""Tensor objects of a running pass, told apart without keeping one alive."""

import functools
import weakref
from collections.abc import Iterable

import torch
from msgspec.structs import replace

from shapetrace.capture.leaving import Left
from shapetrace.capture.plain import innermost
from shapetrace.capture.sharded import Ranks
from shapetrace.ir import Origin, Pattern, Role, Tensor, Weighed
from shapetrace.ops.masks import band

Geometry = tuple[torch.dtype, int, tuple[int, ...], tuple[int, ...]]
"""What tells apart the tensors of one memory: dtype, offset, sizes, strides."""


class Names:
    """Origin and name of the parameters and buffers of a model, which keeps them alive while it runs.

    A weight may be used through another object that was made before: ``self.table = self.wte.weight.detach()``.
    """

    def __init__(self) -> None:
        self._objects: dict[int, tuple[Origin, str]] = {}
        self._memories: dict[int, tuple[Origin, str]] = {}

    def add(self, tensor: torch.Tensor, origin: Origin, name: str) -> None:
        """Learn a name; the first of an object is its own."""
        found = self._objects.setdefault(id(tensor), (origin, name))
        if not torch.nn.parameter.is_lazy(tensor) and self._memories.setdefault(_memory(tensor), found) != found:
            self._memories[_memory(tensor)] = _UNNAMED  # several lie there: which one is meant nobody knows

    def update(self, others: "Names") -> None:
        """Learn those of another model; what is known already stays."""
        self._objects = others._objects | self._objects
        self._memories = others._memories | self._memories

    def of(self, tensor: torch.Tensor) -> tuple[Origin, str]:
        """Of an object, or of what lies in its memory."""
        return self._objects.get(id(tensor)) or self._memories.get(_memory(tensor), _UNNAMED)


_UNNAMED: tuple[Origin, str] = ("made", "")


class Registry:
    """Gives every tensor object that the pass touches the id of the value it holds.

    A tensor that is changed in place, and every other object that shares its memory, is bound to a new
    id: values are never overwritten. Objects are held weakly: an ``id()`` that Python uses again is noticed.

    Attributes:
        tensors: The values so far; position is id.
        examined: Values whose contents have been looked at: masks.
        weighted: Values made from weights, alone or with data.
        by_chance: Values that chance had a part in: what is left behind dropout.
        ranks: How values lie on the ranks, where the pass is one of several.
        kept: Values that an earlier pass left, with a number for what they hold.
        numbers: What the matrices of very small products hold, row by row.
        weighed: By which numbers products weigh rows, by the value that they make and which operand held them.
    """

    def __init__(self, names: Names, left: Left | None = None) -> None:
        """Start empty.

        Args:
            names: Those of the model's parameters and buffers.
            left: What earlier passes of the same loop left.
        """
        self.tensors: list[Tensor] = []
        self.examined: set[int] = set()
        self.weighted: set[int] = set()
        self.by_chance: set[int] = set()
        self.kept: dict[int, int] = {}
        self.numbers: dict[int, tuple[float, ...]] = {}
        self.weighed: dict[tuple[int, str], Weighed] = {}
        self._names, self._left = names, Left() if left is None else left
        self._bound: dict[int, tuple[weakref.ref[torch.Tensor], int]] = {}
        self._sharing: dict[int, list[weakref.ref[torch.Tensor]]] = {}
        self._passing: dict[int, dict[Geometry, int]] = {}
        self.ranks = Ranks()

    def known(self, tensor: torch.Tensor) -> int | None:
        """Id of the value that this object holds, or None if the pass has not met it."""
        bound = self._bound.get(id(tensor))
        if bound is not None and bound[0]() is tensor:
            return bound[1]
        inner = innermost(tensor)
        return None if inner is tensor else self.known(inner)

    def read(self, tensor: torch.Tensor) -> int:
        """Id of an operand's value; an object never met is a parameter, a buffer or a constant."""
        bound = self._bound.get(id(tensor))
        if bound is not None and bound[0]() is tensor:
            return self._as_it_is(tensor, bound[1])
        inner = innermost(tensor)
        if inner is not tensor:
            value = self.read(inner)
            self.ranks.note(tensor, value)
            return value
        passing = self._passed(tensor)
        if passing is not None:
            return self._bind(tensor, passing)
        origin, name = self._names.of(tensor)
        if origin == "made" and isinstance(tensor, torch.nn.Parameter):
            origin = "parameter"
        number = None if origin == "parameter" else self._left.number(tensor)
        role: Role = "weight" if origin == "parameter" else "constant" if number is None else "data"
        return self._bind(tensor, self._found(self._new(tensor, role, origin, name), number))

    def _found(self, value: int, number: int | None) -> int:
        if number is not None:
            self.kept[value] = number
        return value

    def leave(self) -> None:
        """The pass has ended: the next one may find its data."""
        alive = ((reference(), value) for reference, value in self._bound.values())
        self._left.leave(t for t, value in alive if t is not None and self.tensors[value].role == "data")

    def _as_it_is(self, tensor: torch.Tensor, value: int) -> int:
        """The same id, unless a parameter was given other data: ``model.half()`` swaps it, and no kernel tells."""
        before = self.tensors[value]
        if before.origin != "parameter" or (before.shape, before.dtype) == (_shape(tensor), _dtype(tensor)):
            return value
        return self._bind(tensor, self._new(tensor, before.role, before.origin, before.name), met=True)

    def adopt(self, tensor: torch.Tensor, name: str) -> None:
        """A tensor that a module holds as a parameter while it runs (``functional_call``) is a weight of that name."""
        value = self.read(tensor)
        met = self.tensors[value]
        if (met.role, met.origin, met.name) in (("constant", "made", ""), ("weight", "parameter", "")):
            self.tensors[value] = replace(met, role="weight", origin="parameter", name=name)

    def enter(self, tensor: torch.Tensor, name: str) -> int:
        """Id of a new input of the model."""
        inner = innermost(tensor)
        return self._bind(inner, self._found(self._new(inner, "data", "input", name), self._left.number(inner)))

    def write(self, tensor: torch.Tensor, role: Role) -> int:
        """Id of a result's value, of this role if it is new; what a kernel of the same operation made keeps its id."""
        value = self.known(tensor)
        if value is None:
            inner = innermost(tensor)
            passing = self._passed(inner)
            value = self._bind(inner, self._new(inner, role) if passing is None else passing)
        self.ranks.note(tensor, value)
        return value

    def made(self, tensor: torch.Tensor, role: Role, *, is_view: bool) -> int:
        """Id of a kernel's result, remembered until its operation ends: autograd may wrap it in another object.

        Args:
            tensor: The result.
            role: Its role if it is new.
            is_view: False for new memory: a temporary of the same operation may have had its address.
        """
        inner = innermost(tensor)
        memory, geometry, value = _memory(inner), _geometry(inner), self.known(inner)
        if not is_view and value is None:
            self._passing.pop(memory, None)
        passing = self._passing.setdefault(memory, {})
        if value is None:
            value = passing.get(geometry)
            value = self._bind(inner, self._new(inner, role) if value is None else value, memory=memory)
        passing[geometry] = value
        self.ranks.note(tensor, value)
        return value

    def change(self, tensor: torch.Tensor, role: Role) -> list[int]:
        """Bind an object that was changed in place, and all that share its memory, to new values.

        Returns:
            The new ids, the object's own first.
        """
        changed = [self._renew(tensor, role)]
        for reference in self._sharing.get(_memory(tensor), ()):
            other = reference()
            if other is not None and other is not tensor and self.known(other) is not None:
                changed.append(self._renew(other, role))
        return changed

    def note_mask(self, value: int, pattern: Pattern) -> None:
        """Keep what is on in a mask."""
        self.tensors[value] = replace(self.tensors[value], band=band(pattern), pattern=pattern)

    def note_picks(self, value: int, picks: tuple[tuple[int, int], ...]) -> None:
        """Keep the first rows that indices choose."""
        self.tensors[value] = replace(self.tensors[value], picks=picks)

    def note_weighted(self, inputs: Iterable[int], outputs: Iterable[int]) -> None:
        """Keep which results were made from weights: their contents are not the model's, but the training's."""
        if any(value in self.weighted or self.tensors[value].role == "weight" for value in inputs):
            self.weighted.update(outputs)

    def note_chance(self, inputs: Iterable[int], outputs: Iterable[int], *, is_chance: bool) -> None:
        """Keep which results are others in every run: of chance itself, and of values that chance made."""
        if is_chance or (self.by_chance and not self.by_chance.isdisjoint(inputs)):
            self.by_chance.update(outputs)

    def stand_for(self, tensor: torch.Tensor, other: torch.Tensor) -> None:
        """Bind an object to the value that another one holds."""
        self._bind(tensor, self.read(other))

    def _passed(self, tensor: torch.Tensor) -> int | None:
        if not self._passing:
            return None
        found = self._passing.get(_memory(tensor))
        return None if found is None else found.get(_geometry(tensor))

    def forget_passed(self) -> None:
        """The operation has ended: memory may be used again for something else."""
        self._passing.clear()

    def role_of(self, ids: Iterable[int]) -> Role:
        """Role of what is made from these values."""
        role: Role = "constant"
        for value in ids:
            found = self.tensors[value].role
            if found == "data":
                return "data"
            if found == "weight":
                role = "weight"
        return role

    def _renew(self, tensor: torch.Tensor, role: Role) -> int:
        old = self.read(tensor)
        before = self.tensors[old]
        merged: Role = role if role == "data" or before.role == "constant" else before.role
        return self._bind(tensor, self._new(tensor, merged, name=before.name, alias_of=old), met=True)

    def _new(
        self, tensor: torch.Tensor, role: Role, origin: Origin = "made", name: str = "", alias_of: int | None = None
    ) -> int:
        value = len(self.tensors)
        self.tensors.append(Tensor(value, _shape(tensor), _dtype(tensor), role, origin, name, alias_of))
        return value

    def _bind(self, tensor: torch.Tensor, value: int, met: bool = False, memory: int | None = None) -> int:
        reference = weakref.ref(tensor)
        self._bound[id(tensor)] = (reference, value)
        if not met:
            self._sharing.setdefault(_memory(tensor) if memory is None else memory, []).append(reference)
        return value


def _shape(tensor: torch.Tensor) -> tuple[int, ...]:
    try:
        return tuple(tensor.shape)
    except RuntimeError:  # a nested tensor has no one shape
        return (tensor.size(0),)


def _dtype(tensor: torch.Tensor) -> str:
    return _name(tensor.dtype)


@functools.cache
def _name(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")


def _memory(tensor: torch.Tensor) -> int:
    try:
        return int(tensor.untyped_storage()._cdata)
    except (RuntimeError, NotImplementedError):  # sparse and nested tensors have no storage of their own
        return -id(tensor)


def _geometry(tensor: torch.Tensor) -> Geometry:
    try:
        return (tensor.dtype, int(tensor.storage_offset()), tuple(tensor.shape), tensor.stride())
    except (RuntimeError, NotImplementedError):
        return (tensor.dtype, 0, (), ())
