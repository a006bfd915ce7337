"""The pictures of all steps: cells that a page lays out itself, each drawn once however often it occurs."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from shapetrace.drawing.kinds.equation_cells import EquationCell, equation_cells, page_scale
from shapetrace.drawing.layout.boxes import Box
from shapetrace.drawing.layout.matrices import Style
from shapetrace.drawing.primitives import Group
from shapetrace.drawing.wording import Words
from shapetrace.outlining.structure import Operand, Outline, Step

ZOOM = 0.72
"""What the lengths of a figure are multiplied with: a product and its label fit 600 px."""


@dataclass(slots=True)
class Pictures:
    """The rows of steps, without their words on the left.

    Attributes:
        styles: How they are drawn: what stands at the edges, in which language.
        cells: Every cell that some row has.
        rows: Rows by their cells' numbers.
        plates: Other pictures, the map and that of a failure, each with where it is.
    """

    styles: list[tuple[Style, Words]]
    cells: list[EquationCell] = field(default_factory=list)
    rows: list[list[int]] = field(default_factory=list)
    plates: list[tuple[tuple[Group, ...], Box]] = field(default_factory=list)
    _cell_numbers: dict[EquationCell, int] = field(default_factory=dict)
    _row_numbers: dict[tuple[int, ...], int] = field(default_factory=dict)
    _drawn: dict[object, list[int]] = field(default_factory=dict)

    def rows_of(self, step: Step) -> list[int]:
        """Numbers of a step's rows, one for each style."""
        look = _look(step)
        if look not in self._drawn:
            self._drawn[look] = [self._row(equation_cells(step, style, words)) for style, words in self.styles]
        return self._drawn[look]

    def plate_number(self, groups: tuple[Group, ...], box: Box) -> int:
        """Number of a picture that is no row; one that looks the same is kept once."""
        if (groups, box) not in self.plates:
            self.plates.append((groups, box))
        return self.plates.index((groups, box))

    def _row(self, cells: Sequence[EquationCell]) -> int:
        row = tuple(self._number(cell) for cell in cells)
        if row not in self._row_numbers:
            self._row_numbers[row] = len(self.rows)
            self.rows.append(list(row))
        return self._row_numbers[row]

    def _number(self, cell: EquationCell) -> int:
        if cell not in self._cell_numbers:
            self._cell_numbers[cell] = len(self.cells)
            self.cells.append(cell)
        return self._cell_numbers[cell]


def pictures(outlines: Sequence[Outline], languages: Sequence[Words]) -> Pictures:
    """Pictures with numbers and with names at the edges, in each language, all at one scale.

    Args:
        outlines: Whose sizes give the scale.
        languages: One after the other, for numbers and then for names.
    """
    scale = page_scale(outlines, ZOOM)
    styles = [
        (Style(scale, dims, scalar=words.say("scalar")), words) for dims in ("numbers", "names") for words in languages
    ]
    return Pictures(styles)


def _look(step: Step) -> object:
    """Equal for steps whose rows look the same."""
    shown = tuple(map(_seen, (*step.operands, *step.results)))
    return step.kind, step.operator, step.inner, len(step.operands), shown


def _seen(operand: Operand) -> object:
    return (
        operand.name,
        operand.role,
        operand.shape,
        (operand.stack, operand.stack_axes, operand.transposed),
        operand.dims,
        (operand.pattern, operand.slices, operand.band, operand.cells, operand.picks),
        operand.labels,
        operand.part,
    )
