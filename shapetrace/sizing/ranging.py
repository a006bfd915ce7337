"""Over which sizes of the input names and formulas hold: where the model refuses a size, or does something else."""

from collections.abc import Iterable, Sequence

from shapetrace.ir import Range, Sizes, Trace
from shapetrace.sizing.aligning import align
from shapetrace.sizing.parsing import parse
from shapetrace.sizing.searching import TOO_MANY, Search
from shapetrace.sizing.variables import Variable

_FURTHER = (2, 8)
"""Multiples of a length at which it is tried whether a model takes it."""

_LEAST_FURTHER = 8
"""Of a short input, so much further at least."""

_LONGEST = 1 << 15
"""A table of positions is no longer than this, as a rule; a longer one is of words."""

_MOST_GUESSES = 6
_NEARBY = (1, 3, 7, 15)


def ranges(search: Search, varied: Sequence[Variable], trace: Trace, sizes: Sizes) -> tuple[Range, ...]:
    """Bounds that were found, of the sizes of the input that are more than 1."""
    plain = search.run({})
    if isinstance(plain, str):
        return ()
    expected = _expected(trace, plain, sizes)
    inputs = [each for each in varied if each.kind == "input" and each.base > 1]
    found = (_Trial(search, each, plain, expected, sizes).range() for each in inputs)
    return tuple(each for each in found if each is not None)


def _expected(trace: Trace, plain: Trace, sizes: Sizes) -> dict[int, tuple[int, ...]]:
    """Positions of the formulas of each tensor of a pass with few layers."""
    pairs = align(trace, plain).tensors
    return {other: sizes.axes[own] for own, other in pairs.items() if own < len(sizes.axes)}


class _Trial:
    """Asks at which sizes of one axis of the input everything is as the names say."""

    def __init__(
        self, search: Search, variable: Variable, plain: Trace, expected: dict[int, tuple[int, ...]], sizes: Sizes
    ) -> None:
        self._search, self._variable, self._plain = search, variable, plain
        self._expected, self._sizes = expected, sizes
        self._formulas = [parse(text) for text in sizes.formulas]

    def range(self) -> Range | None:
        """The bounds; None if there are none, or the model differs at the size that it has."""
        base, step = self._variable.base, self._variable.step
        tables = [size + step for size in self._lengths() if base < size < _LONGEST]
        lengths = {*(max(base * times, base + _LEAST_FURTHER) for times in _FURTHER), *tables[-1:]}
        further = sorted(length // step * step for length in lengths)
        if self._reason(base):
            return None
        most, beyond = self._last(base, further)
        least, below = self._last(base, (step,))
        if most is None and least is None:
            return None
        return Range(self._variable.symbol, least, most, below, beyond)

    def _lengths(self) -> list[int]:
        """What a table of positions may be long."""
        return sorted({each.shape[0] for each in self._plain.parameters if len(each.shape) > 1})

    def _reason(self, size: int) -> str:
        """Why something is else at a size; "" if nothing is."""
        found = self._search.run({self._variable: size})
        if isinstance(found, str):
            return found
        same = align(self._plain, found)
        if same.apart:
            return f"other operations in {next(iter(same.apart)) or 'the model itself'}"
        values = {**self._sizes.symbols, self._variable.symbol: size}
        given = [formula.exactly(values) for formula in self._formulas]
        for own, other in same.tensors.items():
            shape, places = found.tensors[other].shape, self._expected.get(own, ())
            for axis, place in zip(shape, places, strict=False):
                if place >= 0 and given[place] != axis:
                    return f"{self._sizes.formulas[place]} is {axis} there"
        return ""

    def _last(self, good: int, tried: Iterable[int]) -> tuple[int | None, str]:
        """The last size that holds on the way to others, and why the next one does not; None if all do."""
        for size in tried:
            reason = self._reason(size)
            if reason == TOO_MANY:
                return None, ""
            if reason:
                return self._between(good, size, reason)
            good = size
        return None, ""

    def _between(self, good: int, bad: int, reason: str) -> tuple[int | None, str]:
        """The last one that holds between one that does and one that does not, a table's length first."""
        step = self._variable.step
        known = [*self._lengths(), *self._sizes.symbols.values()]
        lengths = [size for size in dict.fromkeys(known) if good <= size < bad]
        guesses = [size for length in lengths for size in (length, length + step)][:_MOST_GUESSES]
        guesses += [size - step for size in lengths][:_MOST_GUESSES]
        if bad < good:  # what is too short is, as a rule, very short
            guesses = [bad + step * nearby for nearby in _NEARBY] + guesses
        while abs(bad - good) > step:
            size = guesses.pop(0) if guesses else (good + bad) // 2 // step * step
            if not min(good, bad) < size < max(good, bad) or size % step:
                continue
            told = self._reason(size)
            if told == TOO_MANY:
                return None, ""
            good, bad, reason = (good, size, told) if told else (size, bad, reason)
        return good, reason
