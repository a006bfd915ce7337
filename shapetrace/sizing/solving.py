"""Solve a size for what was varied: exact integers at every sample, the last of them a check point.

Samples are generic: no two monomials of low degree are in proportion at all of them. So the first form that fits is the
only one of its kind; where rounding leaves several that fit, none is taken.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from fractions import Fraction
from functools import cached_property
from itertools import combinations_with_replacement, permutations
from math import gcd, prod
from operator import floordiv, mod
from typing import TypeAlias

from shapetrace.sizing.formulas import Formula, Rounded, product
from shapetrace.sizing.symbols import rank

Vector: TypeAlias = tuple[int, ...]
"""One size at every sample; the first sample is the pass that is named."""

_DEGREE = 3
_SUM_DEGREE = 2
_LIKELY = 10_000
_SURE = 100_000
"""Product of a size at all samples, above which a sum or a quotient does not fit by chance."""

_LARGEST_DIVISOR = 64
_LARGEST_FACTOR = 16
_QUOTIENTS = frozenset({Fraction(1, 4), Fraction(1, 2), Fraction(1), Fraction(2), Fraction(3), Fraction(4)})
_FACTORS = (1, 2, 3, 4, -1, -2)
"""Coefficients of the first term of a sum of two."""


class Solver:
    """Formulas of sizes in the symbols of some samples."""

    def __init__(self, samples: Sequence[Mapping[str, int]]) -> None:
        """Take the values of all symbols at every sample."""
        self.samples = samples
        self._symbols = sorted(samples[0], key=rank)
        self._values = {name: tuple(sample[name] for sample in samples) for name in self._symbols}
        self._known: dict[Vector, Formula | None] = {}

    def vector(self, formula: Formula) -> Vector | None:
        """A formula's value at every sample; None where one is no whole number."""
        try:
            return tuple(formula.at(sample) for sample in self.samples)
        except (ValueError, ZeroDivisionError):
            return None

    def know(self, formula: Formula | None) -> None:
        """Take a formula that follows from what an operation does, if no other has its values."""
        vector = None if formula is None else self.vector(formula)
        if vector is not None and self._known.get(vector) is None:
            self._known[vector] = formula

    def of(self, vector: Vector) -> Formula | None:
        """The formula of a size, or None: constant, a·n, n·m, n·m/k, a·n + b."""
        if vector not in self._known:
            self._known[vector] = self._solved(vector, (self._constant, self._monomial, self._quotient, self._affine))
        return self._known[vector]

    def of_sums(self, vector: Vector) -> Formula | None:
        """The formula of a size that `of` has none for, once the others are known: sums of known sizes, and rounded."""
        if self._known.get(vector) is None:
            self._known[vector] = self._solved(
                vector, (self._sum, self._product_of_known, self._sum_of_known, self._rounded)
            )
        return self._known[vector]

    def _solved(self, vector: Vector, ways: Iterable[Callable[[Vector], Formula | None]]) -> Formula | None:
        for way in ways:
            found = way(vector)
            if found is not None and self.vector(found) == vector:
                return found
        return None

    @cached_property
    def _monomials(self) -> dict[Vector, list[tuple[str, ...]]]:
        """Products of up to three symbols by the proportions of their values, simple ones first."""
        found: dict[Vector, list[tuple[str, ...]]] = {}
        for degree in range(1, _DEGREE + 1):
            for names in combinations_with_replacement(self._symbols, degree):
                found.setdefault(_reduced(self._at(names)), []).append(names)
        return found

    @cached_property
    def _slopes(self) -> dict[Vector, tuple[str, ...]]:
        """Products of up to two symbols by the proportions of their differences from the first sample."""
        found: dict[Vector, tuple[str, ...]] = {}
        for names in self._simple:
            found.setdefault(_reduced(_differences(self._at(names))), names)
        return found

    @cached_property
    def _simple(self) -> list[tuple[str, ...]]:
        return [
            names
            for degree in range(1, _SUM_DEGREE + 1)
            for names in combinations_with_replacement(self._symbols, degree)
        ]

    def _at(self, names: tuple[str, ...]) -> Vector:
        return tuple(map(prod, zip(*(self._values[name] for name in names), strict=True)))

    @staticmethod
    def _constant(vector: Vector) -> Formula | None:
        return Formula.of(vector[0]) if len(set(vector)) == 1 else None

    def _monomial(self, vector: Vector) -> Formula | None:
        options = self._monomials.get(_reduced(vector), ()) if all(vector) else ()
        if not options:
            return None
        names = min(options, key=lambda names: (len(names), vector[0] % self._at(names)[0] > 0))
        factor = Fraction(vector[0], self._at(names)[0])
        if factor.denominator > (_LARGEST_DIVISOR if len(names) == 1 else 2):
            return None
        if factor > _LARGEST_FACTOR and not {"B", "T", "S", "P"} & set(names):
            return None  # a multiple of a small entry by chance: models have no such factors
        return product(map(Formula.of, names)) * factor

    def _quotient(self, vector: Vector) -> Formula | None:
        """n·m/k, where the size is large enough to tell which."""
        if _evidence(vector[1:]) < _SURE:
            return None
        for names in self._simple:
            times = tuple(size * value for size, value in zip(vector, self._at(names), strict=True))
            found = self._monomial(times)
            quotient = None if found is None else found.over(product(map(Formula.of, names)))
            if quotient is not None and all(factor in _QUOTIENTS for _, factor in quotient.terms):
                return quotient
        return None

    def _affine(self, vector: Vector) -> Formula | None:
        steps = _differences(vector)
        names = self._slopes.get(_reduced(steps))
        if names is None:
            return None
        values = self._at(names)
        slope = next(
            Fraction(a, b) for a, b in zip(steps, _differences(values), strict=True) if b
        )  # the same for all, by their proportions
        if slope.denominator != 1:
            return None
        return product(map(Formula.of, names)) * slope + int(vector[0] - slope * values[0])

    def _sum(self, vector: Vector) -> Formula | None:
        """N + m, 2·n + m, n + m + 1."""
        for names in self._simple:
            values = self._at(names)
            if _evidence(vector) < (_LIKELY if len(names) == 1 else _SURE):
                return None
            for factor in _FACTORS:
                rest = tuple(size - factor * value for size, value in zip(vector, values, strict=True))
                found = self._monomial(rest)
                if found is None or not _is_plain(found):
                    found = self._affine(rest) if factor == 1 and len(names) == 1 else None
                if found is not None and _is_plain(found):
                    return found + product(map(Formula.of, names)) * factor
        return None

    def _product_of_known(self, vector: Vector) -> Formula | None:
        """Two sizes that occur, one within the other, times a number that occurs: B·(T+1), 16·(H−2)·(W−2)."""
        known = {values: formula for values, formula in self._known.items() if formula is not None and all(values)}
        numbers = {1, *(values[0] for values in known if len(set(values)) == 1)}
        proportions = {_reduced(values): values for values in reversed(known)}
        for values, formula in known.items():
            if len(set(values)) > 1 and not any(map(mod, vector, values)):
                rest: Vector = tuple(map(floordiv, vector, values))
                other = proportions.get(_reduced(rest), rest)
                if other in known and rest[0] % other[0] == 0 and rest[0] // other[0] in numbers:
                    return formula * known[other] * (rest[0] // other[0])
        return None

    def _sum_of_known(self, vector: Vector) -> Formula | None:
        """Up to three sizes that occur, side by side."""
        known = {values: formula for values, formula in self._known.items() if formula is not None and any(values)}
        options = [(values, formula) for values, formula in known.items() if len(set(values)) > 1]
        for values, formula in options:
            for factor in (1, 2):
                rest = tuple(size - factor * value for size, value in zip(vector, values, strict=True))
                if rest in known:
                    return formula * factor + known[rest]
                for more, another in options:
                    last = known.get(tuple(size - value for size, value in zip(rest, more, strict=True)))
                    if last is not None:
                        return formula * factor + another + last
        return None

    def _rounded(self, vector: Vector) -> Formula | None:
        """⌈n/c⌉, ⌊n/c⌋, c·⌈n/c⌉ and c·⌈n/c⌉ − n with a c that occurs, or n/m; None where several fit."""
        options = (*self._roundings(), *self._ratios())
        fits = {str(formula): formula for formula in options if self.vector(formula) == vector}
        return next(iter(fits.values())) if len(fits) == 1 else None

    def _ratios(self) -> Iterator[Formula]:
        for name, other in permutations(self._symbols, 2):
            quotient = Formula.of(name).over(Formula.of(other))
            if quotient is not None:
                yield quotient

    def _roundings(self) -> Iterator[Formula]:
        divisors = [formula for formula in self._known.values() if formula is not None and len(formula.terms) == 1]
        for name in self._symbols:
            size = Formula.of(name)
            for divisor in divisors:
                quotient = size.over(divisor)
                if quotient is None or divisor == Formula.of(1) or name in divisor.symbols:
                    continue
                if self.vector(quotient) is not None:  # nothing to round
                    continue
                up = Formula.of(Rounded(quotient, up=True))
                yield from (up, Formula.of(Rounded(quotient, up=False)), up * divisor, up * divisor - size)


def _evidence(vector: Vector) -> int:
    """How unlikely it is that a formula fits by chance: the product of the sizes."""
    return prod(vector)


def _reduced(vector: Vector) -> Vector:
    """A vector by its proportions alone."""
    divisor = gcd(*vector) or 1
    first = next((value for value in vector if value), 1)
    return tuple(value // (divisor if first > 0 else -divisor) for value in vector)


def _differences(vector: Vector) -> Vector:
    return tuple(value - vector[0] for value in vector[1:])


def _is_plain(formula: Formula) -> bool:
    """Whether a term of a sum is one that models have: whole and small coefficients."""
    return all(
        coefficient.denominator == 1 and (not monomial or abs(coefficient) <= 8)
        for monomial, coefficient in formula.terms
    )
