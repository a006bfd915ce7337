"""How costs grow along one named size: their formulas evaluated at other values, and where one passes another."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from shapetrace.errors import UsageError
from shapetrace.ir import Sizes
from shapetrace.outlining.structure import Outline, Section, SectionKind, Step
from shapetrace.sizing.formulas import Formula, total
from shapetrace.sizing.parsing import parse

_PARTS: dict[SectionKind, str] = {"attention": "projections", "mlp": "MLP", "experts": "MLP", "unembedding": "head"}
_FARTHEST = 1 << 40


@dataclass(frozen=True, slots=True)
class Crossing:
    """Where one cost passes another.

    Attributes:
        cost: What grows: ``attention``.
        other: What it passes: ``MLP``.
        at: The first value of the size at which it is as large; None if it never is.
    """

    cost: str
    other: str
    at: int | None


@dataclass(frozen=True, slots=True)
class Growth:
    """Costs of a model along one size.

    Attributes:
        symbol: The size.
        values: Its values.
        flops: FLOPs by what they are for, at every value: scores and weighted sums are ``attention``.
        activations: Bytes of what the pass makes.
        cache: Bytes of keys and values; None for a model that keeps none.
        weights: Bytes of the parameters.
        crossings: What passes what.
        formulas: Expressions of all of them.
    """

    symbol: str
    values: tuple[int, ...]
    flops: Mapping[str, tuple[int, ...]]
    activations: tuple[int, ...] | None
    cache: tuple[int, ...] | None
    weights: tuple[int, ...]
    crossings: tuple[Crossing, ...]
    formulas: Mapping[str, Formula]


def growth(outline: Outline, symbol: str, values: Sequence[int]) -> Growth:
    """Evaluate the costs of a model with named sizes along one of them.

    Raises:
        UsageError: If the model has no such size, or its FLOPs have no formula.
    """
    sizes = None if outline.trace is None else outline.trace.sizes
    formulas = outline.formulas
    if sizes is None or formulas is None or formulas.flops is None:
        reasons = "" if sizes is None else "; ".join(each.reason for each in sizes.refused[:2])
        raise UsageError(f"the FLOPs of this model have no formula{f': {reasons}' if reasons else ''}")
    if symbol not in sizes.symbols:
        raise UsageError(f"no size {symbol!r} was varied: choose one of {', '.join(sizes.symbols)}")
    at = _At(sizes, symbol)
    parts = _flops_by_part(outline.root, formulas.flops)
    parts = {name: each for name, each in parts.items() if any(at.value(each, value) for value in values)}
    weights = _weights(outline)
    others = {"activations": formulas.activation_bytes, "cache": formulas.cache_bytes, "weights": weights}
    named = {**parts, **{name: formula for name, formula in others.items() if formula is not None}}
    crossings = [at.crossing(one, other, named) for one, other in (("attention", "MLP"), ("cache", "weights"))
                 if one in named and other in named]  # fmt: skip
    return Growth(
        symbol, tuple(values),
        {name: tuple(at.value(formula, each) for each in values) for name, formula in parts.items()},
        None if formulas.activation_bytes is None else tuple(at.value(formulas.activation_bytes, n) for n in values),
        None if formulas.cache_bytes is None else tuple(at.value(formulas.cache_bytes, each) for each in values),
        tuple(at.value(weights, each) for each in values), tuple(crossings), named,
    )  # fmt: skip


class _At:
    """Values of formulas where one size is changed."""

    def __init__(self, sizes: Sizes, symbol: str) -> None:
        self._symbols, self._symbol = sizes.symbols, symbol
        self._derived = {name: parse(entry) for name, entry in sizes.entries.items() if _is_derived(entry, sizes)}

    def value(self, formula: Formula, size: int) -> int:
        """A formula's value, rounded down where widths do not divide."""
        values = {**self._symbols, self._symbol: size}
        values |= {name: int(each.exactly(values)) for name, each in self._derived.items()}
        return int(formula.exactly(values))

    def crossing(self, one: str, other: str, named: Mapping[str, Formula]) -> Crossing:
        """The first value at which the one is as large as the other."""
        if self._symbol not in (named[one].symbols | named[other].symbols):
            return Crossing(one, other, None)
        below, above = 1, _FARTHEST
        reached = self.value(named[one], above) >= self.value(named[other], above)
        if not reached:
            return Crossing(one, other, None)
        while below < above:
            middle = (below + above) // 2
            is_past = self.value(named[one], middle) >= self.value(named[other], middle)
            below, above = (below, middle) if is_past else (middle + 1, above)
        return Crossing(one, other, below)


def _is_derived(entry: str, sizes: Sizes) -> bool:
    try:
        found = parse(entry)
    except ValueError:
        return False
    return len(found.terms) == 1 and len(found.symbols) > 1 and found.symbols <= sizes.symbols.keys()


def _flops_by_part(root: Section, whole: Formula) -> dict[str, Formula]:
    """FLOPs of attention itself, of its projections, of MLPs, of the head, and of the rest."""
    found: dict[str, list[Formula | None]] = {"attention": [], "projections": [], "MLP": [], "head": []}
    for step, name in _steps(root, ""):
        flops = None if step.formulas is None else step.formulas.flops
        if step.flops and name in found:
            found[name].append(None if flops is None else flops * step.repeat)
    parts = {name: formula for name, each in found.items() if each and (formula := total(each)) is not None}
    rest = whole - (total(list(parts.values())) or Formula())
    return {**parts, **({"other": rest} if rest.terms else {})}


def _steps(section: Section, name: str) -> Iterator[tuple[Step, str]]:
    name = _PARTS.get(section.kind, name)
    for item in section.items:
        if isinstance(item, Section):
            yield from _steps(item, name)
        else:
            yield item, "attention" if item.kind in {"scores", "weighted_sum"} else name


def _weights(outline: Outline) -> Formula:
    """Bytes of the parameters."""
    totals, formulas = outline.totals, outline.formulas
    parameters = None if formulas is None else formulas.parameters
    if parameters is None or totals.parameters == 0:
        return Formula.of(totals.parameter_bytes)
    return parameters * Fraction(totals.parameter_bytes, totals.parameters)


def values_of(text: str) -> list[int]:
    """The values that a user asks for: ``1k:128k`` (doubled from one to the other), or ``1k,4k,32k``.

    Raises:
        UsageError: If they are no whole numbers above 0, or the first is larger than the last.
    """
    if ":" not in text:
        return [_number(part, text) for part in text.split(",")]
    first, _, last = text.partition(":")
    start, stop = _number(first, text), _number(last, text)
    if stop < start:
        raise UsageError(f"{text!r} ends before it begins: write the smaller size first")
    found = [start]
    while found[-1] * 2 < stop:
        found.append(found[-1] * 2)
    return found if found[-1] == stop else [*found, stop]


def _number(text: str, whole: str) -> int:
    word = text.strip().lower()
    factor = {"k": 1 << 10, "m": 1 << 20}.get(word[-1:], 1)
    digits = word[:-1] if factor > 1 else word
    if not digits.isdigit() or int(digits) == 0 or int(digits) > _FARTHEST:
        raise UsageError(f"{whole!r} is no range of sizes: write 1k:128k, or 1k,4k,32k")
    return int(digits) * factor
