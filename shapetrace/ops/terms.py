"""A run of operations as one formula that can be computed: what it is shows in its values, however it is written."""

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from math import isclose
from typing import Any

from shapetrace.ir import Kernel, Op, Plain, Trace
from shapetrace.ops.axis_layout import regroup
from shapetrace.ops.axis_rules import keep_first
from shapetrace.ops.kinds import op_kind
from shapetrace.ops.registry import UNKNOWN, Entry, find

Samples = tuple[float, ...]
"""A number at each of some places. What reduces takes them as the elements of its axes."""

Layout = tuple[tuple[str, str, int], ...]

_MOST_KERNELS = 64
_LAYOUT = ("layout", "cast")
_REDUCING = ("reduce", "norm")
_PROBES = ((-1.3, 0.7), (0.45, 0.4), (2.2, 0.1))
"""Where a step is computed to see whether it is a straight line: the same distance apart."""

_NOT_NUMBERS = ("dim", "keepdim", "dtype", "layout", "device", "pin_memory", "memory_format", "size")


@dataclass(frozen=True, eq=False)
class Term:
    """A value in a formula. The same elements in the same order are one object.

    Attributes:
        value: Tensor id.
        shape: Its shape, laid out.
        layout: What laid it out after it was made: kernel, arguments, which result; or ``view`` with a shape.
        data: Whether an input touched it.
        constant: Whether it is one number that no weight and no input touched.
        entry: The kernel that made it; None for what the formula begins with.
        arguments: The kernel's plain arguments.
        place: Which of the kernel's results it is.
        operands: What the kernel read.
    """

    value: int
    shape: tuple[int, ...]
    layout: "Layout"
    data: bool
    constant: bool = False
    entry: Entry | None = None
    arguments: Mapping[str, Plain] | None = None
    place: int = 0
    operands: tuple["Term", ...] = ()

    @property
    def reduces(self) -> bool:
        """Whether it sums up what lies along some axes."""
        return self.entry is not None and self.entry.kind in _REDUCING and bool(self.operands)

    @property
    def sources(self) -> tuple["Term", ...]:
        """Operands that an input touched."""
        return tuple(operand for operand in self.operands if operand.data)

    @cached_property
    def is_straight(self) -> bool:
        """Whether it grows with the data that it reads as a straight line does: a scale, a shift, a sum."""
        if self.entry is None or self.reduces or not self.sources:
            return False
        computed = []
        for at, step in _PROBES:
            moved = {each: (at + step * i if each.data else 0.8 + i / 7,) for i, each in enumerate(self.operands)}
            computed.append(self.compute(moved))
        if None in computed:
            return False
        first, middle, last = (samples[0] for samples in computed if samples is not None)
        return isclose(first + last, 2 * middle, rel_tol=1e-9, abs_tol=1e-9) and not isclose(first, last)

    @cached_property
    def factors(self) -> tuple["Term", ...]:
        """The operands of a product of data with other data."""
        if not len(self.operands) == len({*self.sources}) == 2:
            return ()
        one, other = self.operands
        found = self.compute({one: (3.0, -2.0), other: (0.7, 5.0)})
        return self.operands if found is not None and all(map(isclose, found, (2.1, -10.0))) else ()

    @cached_property
    def begins(self) -> bool:
        """Whether a formula may begin here: it is given, or a sum and scale of what is."""
        return self.entry is None or (self.is_straight and all(source.begins for source in self.sources))

    def below(self, *stops: "Term") -> Iterator["Term"]:
        """What it is made of down to some terms, operands first, and itself: each once."""
        seen: set[Term] = set()

        def walk(term: Term) -> Iterator[Term]:
            seen.add(term)
            for operand in term.operands if term not in stops else ():
                if operand not in seen:
                    yield from walk(operand)
            yield term

        return walk(self)

    def compute(self, given: Mapping["Term", Samples]) -> Samples | None:
        """Its samples by those of the terms that it follows from; None if it does not, or has none there."""
        known = dict(given)
        n_samples = len(next(iter(given.values())))
        try:
            return _computed(self, known, n_samples)
        except (ArithmeticError, ValueError, TypeError):
            return None


def _computed(term: Term, known: dict[Term, Samples], n_samples: int) -> Samples:
    if term in known:
        return known[term]
    operands = [_computed(operand, known, n_samples) for operand in term.operands]
    formula, arguments = _call(term)
    if term.reduces:
        made = formula(operands[0], **arguments)
        known[term] = (float(made[term.place] if isinstance(made, tuple) else made),) * n_samples
    else:
        columns = zip(*operands, strict=True) if operands else [()] * n_samples
        known[term] = tuple(float(formula(*column, **arguments)) for column in columns)
    return known[term]


def _call(term: Term) -> tuple[Callable[..., Any], dict[str, Any]]:
    """The formula of a term for its operands in order, and its numbers by name."""
    formula = term.entry.formula if term.entry else None
    if formula is None:
        raise ValueError("nothing is known of this term")
    names = _parameters(formula)
    given = {key: value for key, value in (term.arguments or {}).items() if key not in _NOT_NUMBERS}
    numbers = {name: given.pop(name.rstrip("_")) for name in names if name.rstrip("_") in given}
    if given:
        raise ValueError("an argument that the formula does not know")
    free = [name for name in names if name not in numbers]
    if not numbers:
        return formula, {}
    return (lambda *operands, **numbers: formula(**dict(zip(free, operands, strict=False)), **numbers)), numbers


@cache
def _parameters(formula: Callable[..., Any]) -> tuple[str, ...]:
    try:
        return tuple(inspect.signature(formula).parameters)
    except ValueError:  # some of Python's own functions do not tell
        return ()


class Terms:
    """Makes terms of operations, and of what only rearranges between them."""

    def __init__(self, ops: Sequence[Op], trace: Trace) -> None:
        self._trace = trace
        self._ops = ops
        self._made: dict[int, tuple[Kernel, int]] = {}
        self._terms: dict[Any, Term] = {}
        inside = {op.id for op in ops}
        start, stop = min(inside, default=0), max(inside, default=-1) + 1
        while start and self._rearranges(trace.ops[start - 1]):
            start -= 1
        for op in trace.ops[start:stop]:
            if op.id in inside or self._rearranges(op):
                self.add(op)

    def add(self, op: Op) -> None:
        """Look inside an operation."""
        for kernel in op.kernels:
            for place, value in enumerate(kernel.outputs):
                if value > max(kernel.inputs, default=-1):  # operands are older than results: anything else hands on
                    self._made[value] = (kernel, place)

    def result(self) -> Term | None:
        """What the operations make; None if that is not one value, or there are too many for a formula."""
        if sum(len(op.kernels) for op in self._ops) > _MOST_KERNELS:
            return None
        ops = [op for op in self._ops if not self._rearranges(op)]
        read = {self._root(value)[0] for op in ops for value in op.inputs}
        last = [op.outputs[0] for op in ops if op.outputs and not read & {self._root(value)[0] for value in op.outputs}]
        return self.of(last[0]) if len(last) == 1 else None

    def of(self, value: int, layout: Layout = ()) -> Term:
        """A value as a term, as it is laid out after some kernels."""
        shape = self._trace.tensors[value].shape
        value, layout = self._root(value, layout)
        if (value, layout) not in self._terms:
            self._terms[value, layout] = self._term(value, layout, shape)
        return self._terms[value, layout]

    def _term(self, value: int, layout: Layout, shape: tuple[int, ...]) -> Term:
        tensor = self._trace.tensors[value]
        data, constant = tensor.role == "data", tensor.role == "constant" and set(tensor.shape) <= {1}
        kernel, place = self._made.get(value, (None, 0))
        entry = UNKNOWN if kernel is None else find(kernel.name)
        if kernel is None or entry.kind == "cat" or not (data or (entry.factory and entry.formula)):
            return Term(value, shape, layout, data, constant)
        kept = () if entry.kind in _REDUCING else layout
        operands = () if entry.factory else tuple(self.of(operand, kept) for operand in kernel.inputs)
        return Term(value, shape, layout, data, constant, entry, kernel.args, place, operands)

    def _root(self, value: int, layout: Layout = ()) -> tuple[int, Layout]:
        """A value behind what only rearranges it, and how that did."""
        while (made := self._made.get(value)) is not None:
            kernel, place = made
            entry = find(kernel.name)
            if entry.kind not in _LAYOUT or entry.factory or not kernel.inputs:
                break
            before, after = (self._trace.tensors[each].shape for each in (kernel.inputs[0], value))
            step = ("view", str(after), 0) if entry.axes is regroup else (kernel.name, repr(kernel.args), place)
            is_same = before == after and entry.axes in (regroup, keep_first)
            if not is_same and not (step[0] == "view" and layout and layout[0][0] == "view"):
                layout = (step, *layout)
            value = kernel.inputs[0]
        if layout and layout[0] == ("view", str(self._trace.tensors[value].shape), 0):
            layout = layout[1:]
        return value, layout

    @staticmethod
    def _rearranges(op: Op) -> bool:
        return op_kind(op) in (*_LAYOUT, "dropout") and bool(op.kernels) and bool(op.inputs)


def without_scales(term: Term) -> Iterator[Term]:
    """A term, and what it was before each scale and shift by numbers and weights."""
    yield term
    while term.is_straight and len(term.sources) == 1:
        term = term.sources[0]
        yield term
