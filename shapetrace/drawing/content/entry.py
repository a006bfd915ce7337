"""One entry of a product: which row and which column make it, and what is said of that."""

from dataclasses import dataclass

from shapetrace.drawing.metrics import clean
from shapetrace.drawing.wording import Words
from shapetrace.errors import UsageError
from shapetrace.outlining.following import SCORED, seen_by_row
from shapetrace.outlining.structure import Operand, Outline, Step

Spot = tuple[int | None, int | None]
"""A row, a column, or where both meet, counted from 0."""


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry of a product.

    Attributes:
        step: The product.
        row: Its row, counted from 0.
        column: Its column.
    """

    step: Step
    row: int
    column: int

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
        return f"{said} · {words.say('The mask hides it.').rstrip('.')}" if self.is_hidden else said

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
    return number, Entry(found, asked[0] - 1, asked[1] - 1)


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
