"""Formulas of sizes: small immutable polynomials over named sizes, exact, printed in the field's order.

A term is a coefficient times powers of atoms; an atom is a symbol (``d_model``) or a rounded quotient (``⌈T/16⌉``).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property, reduce
from math import ceil, floor, gcd
from typing import TypeAlias

from shapetrace.sizing.symbols import rank


@dataclass(frozen=True)
class Rounded:
    """A quotient that is rounded to a whole number.

    Attributes:
        of: What is rounded.
        up: True for ⌈ ⌉, False for ⌊ ⌋.
    """

    of: "Formula"
    up: bool

    def at(self, values: Mapping[str, int]) -> int:
        """Its value."""
        return (ceil if self.up else floor)(self.of.exactly(values))

    def __str__(self) -> str:
        return f"⌈{self.of}⌉" if self.up else f"⌊{self.of}⌋"


Atom: TypeAlias = str | Rounded
Monomial: TypeAlias = tuple[tuple[Atom, int], ...]
"""Atoms with their powers, in the order in which they are written; () for 1."""


def _place(atom: Atom) -> tuple[object, ...]:
    return (1, str(atom)) if isinstance(atom, Rounded) else (0, *rank(atom))


def _of_powers(powers: Mapping[Atom, int]) -> Monomial:
    return tuple((atom, powers[atom]) for atom in sorted(powers, key=_place) if powers[atom])


@dataclass(frozen=True)
class Formula:
    """A sum of terms.

    Attributes:
        terms: Powers of atoms with their coefficients, none of them 0; the same formula has the same terms.
    """

    terms: tuple[tuple[Monomial, Fraction], ...] = ()

    @classmethod
    def of(cls, value: "int | Fraction | str | Rounded | Formula") -> "Formula":
        """A number, a symbol or a rounded quotient as a formula."""
        if isinstance(value, Formula):
            return value
        if isinstance(value, int | Fraction):
            return cls((((), Fraction(value)),)) if value else cls()
        return cls(((((value, 1),), Fraction(1)),))

    @classmethod
    def summed(cls, terms: Iterable[tuple[Monomial, Fraction]]) -> "Formula":
        """The sum of some terms."""
        found: dict[Monomial, Fraction] = {}
        for monomial, coefficient in terms:
            found[monomial] = found.get(monomial, Fraction(0)) + coefficient
        kept = [(monomial, coefficient) for monomial, coefficient in found.items() if coefficient]
        return cls(tuple(sorted(kept, key=_order)))

    def __add__(self, other: "Formula | int") -> "Formula":
        return self.summed([*self.terms, *Formula.of(other).terms])

    __radd__ = __add__

    def __sub__(self, other: "Formula | int") -> "Formula":
        return self + Formula.of(other) * -1

    def __mul__(self, other: "Formula | int | Fraction") -> "Formula":
        return self.summed(
            (_times(one, another), a * b) for one, a in self.terms for another, b in Formula.of(other).terms
        )

    __rmul__ = __mul__

    def over(self, other: "Formula | int") -> "Formula | None":
        """The quotient, where it is a formula again: each term divided by the only term of the other."""
        divisor = Formula.of(other).terms
        if len(divisor) != 1:
            return Formula.of(1) if divisor and self == Formula.of(other) else None
        ((monomial, coefficient),) = divisor
        inverse = tuple((atom, -power) for atom, power in monomial)
        return self.summed((_times(one, inverse), a / coefficient) for one, a in self.terms)

    @cached_property
    def symbols(self) -> frozenset[str]:
        """Symbols that occur in it."""
        found: set[str] = set()
        for monomial, _ in self.terms:
            for atom, _ in monomial:
                found |= {atom} if isinstance(atom, str) else atom.of.symbols
        return frozenset(found)

    @property
    def is_constant(self) -> bool:
        """True for a number."""
        return not self.symbols

    @property
    def factors(self) -> frozenset[str]:
        """Symbols that every term is multiplied by."""
        return frozenset(atom for atom, _ in self._common if isinstance(atom, str)) if self.terms else frozenset()

    def degrees(self, symbols: Iterable[str]) -> frozenset[tuple[tuple[str, int], ...]]:
        """The powers that some symbols have in its terms."""
        wanted = frozenset(symbols)
        return frozenset(
            tuple((str(atom), power) for atom, power in monomial if atom in wanted) for monomial, _ in self.terms
        )

    def exactly(self, values: Mapping[str, int]) -> Fraction:
        """Its value, which may be no whole number."""
        total = Fraction(0)
        for monomial, coefficient in self.terms:
            term = coefficient
            for atom, power in monomial:
                term *= Fraction(values[atom] if isinstance(atom, str) else atom.at(values)) ** power
            total += term
        return total

    def at(self, values: Mapping[str, int]) -> int:
        """Its value where the symbols have these.

        Raises:
            ValueError: If that is no whole number: the model has no such sizes.
        """
        found = self.exactly(values)
        if found.denominator != 1:
            raise ValueError(f"{self} is {found} here: no whole number")
        return found.numerator

    def with_symbols(self, names: Mapping[str, "Formula"]) -> "Formula":
        """The formula with some symbols replaced by formulas of one term."""
        total = Formula()
        for monomial, coefficient in self.terms:
            term = Formula.of(coefficient)
            for atom, power in monomial:
                if isinstance(atom, Rounded):
                    base = Formula.of(Rounded(atom.of.with_symbols(names), atom.up))
                else:
                    base = names.get(atom, Formula.of(atom))
                for _ in range(abs(power)):
                    term = term * base if power > 0 else (term.over(base) or term)
            total += term
        return total

    @cached_property
    def _common(self) -> Monomial:
        """What all terms of a sum are multiplied by."""
        first, *others = ({atom: power for atom, power in monomial if power > 0} for monomial, _ in self.terms)
        for powers in others:
            first = {atom: min(power, powers[atom]) for atom, power in first.items() if atom in powers}
        return _of_powers(first)

    def __str__(self) -> str:
        divisor = Fraction(gcd(*(coefficient.numerator for _, coefficient in self.terms)))
        if len(self.terms) > 1 and (self._common or divisor > 1):
            factor = Formula(((self._common, divisor),))
            return f"{factor}·({self.over(factor)})"
        text = ""
        for monomial, coefficient in self.terms:
            sign = "−" if coefficient < 0 else "+"
            text += (sign if text or coefficient < 0 else "") + _written(monomial, abs(coefficient))
        return text or "0"


def product(factors: Iterable[Formula]) -> Formula:
    """All factors multiplied; 1 if there are none."""
    return reduce(lambda one, other: one * other, factors, Formula.of(1))


def total(terms: Iterable[Formula | None]) -> Formula | None:
    """The sum of all; None if one is unknown."""
    found: list[tuple[Monomial, Fraction]] = []
    for each in terms:
        if each is None:
            return None
        found += each.terms
    return Formula.summed(found)


def _times(one: Monomial, other: Monomial) -> Monomial:
    powers = dict(one)
    for atom, power in other:
        powers[atom] = powers.get(atom, 0) + power
    return _of_powers(powers)


def _order(term: tuple[Monomial, Fraction]) -> tuple[object, ...]:
    """Terms of more factors first, numbers last; then as the field writes them."""
    monomial = term[0]
    degree = sum(power for _, power in monomial)
    return (not monomial, -degree, [(_place(atom), -power) for atom, power in monomial])


def _written(monomial: Monomial, coefficient: Fraction) -> str:
    above = [f"{atom}{_raised(power)}" for atom, power in monomial if power > 0]
    below = [f"{atom}{_raised(-power)}" for atom, power in monomial if power < 0]
    if coefficient.numerator != 1 or not above:
        above.insert(0, str(coefficient.numerator))
    if coefficient.denominator != 1:
        below.insert(0, str(coefficient.denominator))
    divisor = "·".join(below)
    return "·".join(above) + (f"/({divisor})" if len(below) > 1 else f"/{divisor}" if below else "")


_DIGITS = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


def _raised(power: int) -> str:
    return "" if power == 1 else str(power).translate(_DIGITS)
