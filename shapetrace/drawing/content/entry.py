"""One entry of a product: which row and which column make it, and what is said of that."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from shapetrace.drawing.metrics import clean
from shapetrace.drawing.wording import Words
from shapetrace.errors import UsageError
from shapetrace.ir import Trace
from shapetrace.outlining.following import SCORED, seen_by_row
from shapetrace.outlining.structure import Operand, Outline, Step

Numbers: TypeAlias = tuple[tuple[float, ...], ...]
"""Rows of a matrix."""
Spot = tuple[int | None, int | None]
"""A row, a column, or where both meet, counted from 0."""

_MOST_TERMS = 6
_LARGE = 10_000


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry of a product.

    Attributes:
        step: The product.
        row: Its row, counted from 0.
        column: Its column.
        numbers: What both factors and the result hold, row by row; () where no arithmetic was done, or is not kept.
    """

    step: Step
    row: int
    column: int
    numbers: tuple[Numbers, ...] = ()

    @property
    def n_summed(self) -> int:
        """How many products it is the sum of."""
        inner = self.step.inner or (0, 0)
        return self.step.operands[0].shape[inner[0]]

    def spot(self, place: int) -> Spot:
        """What is marked in an operand by its place, or in the result behind them."""
        if place >= len(self.step.operands):
            return self.row, self.column
        inner = (self.step.inner or (1, 0))[place]
        index = (self.row, self.column)[place]
        return (None, index) if inner % 2 == 0 else (index, None)

    def said(self, words: Words) -> str:
        """``C[2, 5] = Σ A[2, k] · B[k, 5]``, and over how many k."""
        left, right = (_part(operand, self.spot(place)) for place, operand in enumerate(self.step.operands[:2]))
        made = _part(self.step.results[0], (self.row, self.column))
        summed = words.say("a sum of {n} products", n=f"{self.n_summed:,}")
        said = f"{made} = Σ {left} · {right}, k = 1 … {self.n_summed:,}: {summed}"
        if self.numbers:
            said = f"{made} = Σ {left} · {right}{self._sum()}"
        return f"{said} · {words.say('The mask hides it.').rstrip('.')}" if self.is_hidden else said

    def _sum(self) -> str:
        """`` = 1·5 + 2·7 = 19``; of more products than can be written their sum alone."""
        left, right, result = self.numbers
        pairs = [*zip(left[self.row], (row[self.column] for row in right), strict=True)]
        whole = result[self.row][self.column]
        terms = " + ".join("·".join(_factor(number) for number in pair) for pair in pairs)
        is_exact = all(float(plain(number)) == number for number in (whole, *(n for pair in pairs for n in pair)))
        written = f" = {terms}" if len(pairs) <= _MOST_TERMS else ""
        return f"{written} {'=' if is_exact else '≈'} {number_text(whole)}"

    @property
    def is_hidden(self) -> bool:
        """Whether a mask hides it, among scores."""
        made = self.step.results[0]
        seen = seen_by_row(made, self.row) if made.part in SCORED else None
        return seen is not None and not any(start <= self.column < stop for start, stop in seen)

    def legend(self, words: Words) -> str:
        """What green means."""
        phrase = "row {row}, column {column}, and the entry that they make"
        return words.say(phrase, row=f"{self.row + 1:,}", column=f"{self.column + 1:,}")


def entry_of(outline: Outline, step: int | None, asked: tuple[int, int]) -> tuple[int, Entry]:
    """The entry that is asked for, of a step or of the only product that there is, and the number of that step.

    Raises:
        UsageError: If that is no product of two matrices, or has no such entry.
    """
    numbered = dict(enumerate(outline.steps(), 1))
    chosen = {step: numbered[step]} if step in numbered else {n: s for n, s in numbered.items() if s.inner}
    if step is None and len(chosen) != 1:
        raise UsageError(f"--entry is of one product, {outline.model.name} has {len(chosen)}: choose one with --step N")
    if step is not None and step not in numbered:
        raise UsageError(f"no step {step} in {outline.model.name}; it has steps 1 to {len(numbered)}")
    number, found = next(iter(chosen.items()))
    _check(number, found, asked)
    return number, Entry(found, asked[0] - 1, asked[1] - 1, _numbers(outline.trace, found))


def _numbers(trace: Trace | None, step: Step) -> tuple[Numbers, ...]:
    """What the matrices of a product hold, where a kernel multiplied just these."""
    if trace is None or not trace.numbers:
        return ()
    known, shapes = dict(trace.numbers), [each.shape for each in (*step.operands[:2], *step.results[:1])]
    for kernel in (kernel for op in step.ops for kernel in trace.ops[op].kernels):
        values = (*kernel.inputs, *kernel.outputs[:1])
        if known.keys() >= {*values} and [trace.tensors[value].shape for value in values] == shapes:
            return tuple(_rows(known[value], trace.tensors[value].shape[1]) for value in values)
    return ()


def _rows(numbers: Sequence[float], width: int) -> Numbers:
    return tuple(tuple(numbers[start : start + width]) for start in range(0, len(numbers), width))


def number_text(number: float) -> str:
    """A number as it is written into a cell: ``3``, ``0.25``, ``−1.2e+03``."""
    return plain(number).replace("-", "−")


def plain(number: float) -> str:
    """A number in three digits; whole ones as they are, while they are short."""
    is_whole = number == int(number) and abs(number) < _LARGE
    return str(int(number)) if is_whole else f"{number:.3g}"


def _factor(number: float) -> str:
    return f"({number_text(number)})" if number < 0 else number_text(number)


def _check(number: int, step: Step, asked: tuple[int, int]) -> None:
    matrices = (*step.operands, *step.results)
    if step.inner is None or len(matrices) != 3 or any(len(each.shape) != 2 for each in matrices):
        raise UsageError(f"step {number} is no product of two matrices: choose one with --step N")
    for what, index, size in zip(("row", "column"), asked, step.results[0].shape, strict=True):
        if not 1 <= index <= size:
            raise UsageError(f"no {what} {index} in the result of step {number}: there are {size}, 1 to {size}")


def _part(operand: Operand, spot: Spot) -> str:
    name = clean(operand.name).replace("_", "") or "·"
    row, column = ("k" if index is None else f"{index + 1:,}" for index in spot)
    return f"{name}{'ᵀ' if operand.transposed else ''}[{row}, {column}]"
