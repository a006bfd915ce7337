"""What sizes are called by proof: formulas of a trace's axes, by atoms, where the model also ran at other sizes.

Atoms say which axes must be equal, variation what they are called. An atom that two axes call by two formulas has none:
`Proof.disagreements` counts them.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property

from shapetrace.ir import Sizes
from shapetrace.ops.atoms import Axis
from shapetrace.outlining.flow import Flow
from shapetrace.sizing.formulas import Formula, product
from shapetrace.sizing.parsing import parse

Formulas = tuple[Formula | None, ...]


class Proof:
    """Formulas of the axes of one trace.

    Attributes:
        ones: Symbols of sizes of the input that are 1 in this pass: atoms do not know them.
    """

    def __init__(self, flow: Flow, sizes: Sizes) -> None:
        """Read the formulas that a trace has."""
        self._flow, self._sizes = flow, sizes
        self._texts = [parse(text) for text in sizes.formulas]
        self.ones = frozenset(name for name in sizes.inputs if sizes.symbols[name] == 1)
        ones = {name: Formula.of(1) for name in self.ones}
        self._plain = [formula.with_symbols(ones) for formula in self._texts]

    @property
    def values(self) -> Mapping[str, int]:
        """Values of the symbols in this pass."""
        return self._sizes.symbols

    @property
    def is_counted(self) -> bool:
        """Whether the model runs the same operations at all sizes, so that sums over them have formulas."""
        return self._sizes.is_counted

    def of_value(self, value: int) -> Formulas:
        """Formulas of a value's axes; () for what is no tensor of the trace."""
        if not 0 <= value < len(self._sizes.axes):
            return ()
        return tuple(None if place < 0 else self._texts[place] for place in self._sizes.axes[value])

    def places(self, value: int | None) -> tuple[int, ...] | None:
        """Which formulas a value's axes have; None if one has none."""
        found = self._sizes.axes[value] if value is not None and 0 <= value < len(self._sizes.axes) else (-1,)
        return None if -1 in found else found

    def of_places(self, places: Iterable[int]) -> Formula:
        """The product of some formulas."""
        return product([self._texts[place] for place in places])

    def elements(self, value: int | None) -> Formula | None:
        """How many elements a value has."""
        return _product(self.of_value(value)) if value is not None and value >= 0 else None

    def axes_of_parameter(self, place: int) -> Formulas:
        """Formulas of the axes of a parameter of the model."""
        places = self._sizes.parameters[place] if place < len(self._sizes.parameters) else (-1,)
        return tuple(None if each < 0 else self._texts[each] for each in places)

    def of_parameter(self, place: int) -> Formula | None:
        """How many elements a parameter of the model has."""
        return _product(self.axes_of_parameter(place))

    def of_axis(self, axis: Axis) -> Formula | None:
        """The size of an axis in atoms, without sizes of the input that are 1 in this pass."""
        atoms = self._flow.facts.atoms
        if not axis:
            return Formula.of(1)
        leaves = atoms.leaves(axis)
        whole = self._known.get(leaves)
        return whole if whole is not None else _product([self._known.get((leaf,)) for leaf in leaves])

    def along(self, axis: Axis, *values: int | None) -> Formula | None:
        """The size of an axis in atoms, as one of some values has it; else as any."""
        leaves = self._flow.facts.atoms.leaves
        for value in values:
            if value is not None and value >= 0:
                for own, formula in zip(self._flow.facts.axes_of(value), self.of_value(value), strict=True):
                    if axis and formula is not None and leaves(own) == leaves(axis):
                        return formula
        return self.of_axis(axis)

    @cached_property
    def _known(self) -> Mapping[Axis, Formula]:
        """Formulas of axes by their atoms; where two differ by what is 1 alone, the shorter one."""
        found: dict[Axis, Formula] = {}
        for axis, place in self._pairs():
            found.setdefault(axis, self._plain[place])
        clashing = {axis for axis, place in self._pairs() if found[axis] != self._plain[place]}
        return {axis: formula for axis, formula in found.items() if axis not in clashing}

    @cached_property
    def disagreements(self) -> tuple[tuple[str, str], ...]:
        """Formulas of axes that are one by their atoms and two by variation: none, unless a rule of axes is wrong."""
        found: dict[Axis, Formula] = {}
        for axis, place in self._pairs():
            found.setdefault(axis, self._plain[place])
        pairs = {(str(found[axis]), str(self._plain[place])) for axis, place in self._pairs()}
        return tuple(sorted(pair for pair in pairs if pair[0] != pair[1]))

    def _pairs(self) -> Iterable[tuple[Axis, int]]:
        facts = self._flow.facts
        for value, axes in facts.axes.items():
            for axis, place in zip(axes, self._sizes.axes[value], strict=False):
                if axis and place >= 0 and facts.atoms.size(axis) == self._plain[place].at(self.values):
                    yield facts.atoms.leaves(axis), place

    def holds(self, formula: Formula | None, number: int | None) -> Formula | None:
        """A formula that gives a number in this pass; None of another."""
        if formula is None or number is None:
            return None
        try:
            return formula if formula.at(self.values) == number else None
        except (ValueError, ZeroDivisionError):
            return None


def proof(flow: Flow) -> Proof | None:
    """Formulas of the axes of a trace that has some."""
    sizes = flow.trace.sizes
    return None if sizes is None else Proof(flow, sizes)


def _product(formulas: Sequence[Formula | None]) -> Formula | None:
    known = [formula for formula in formulas if formula is not None]
    return product(known) if len(known) == len(formulas) else None
