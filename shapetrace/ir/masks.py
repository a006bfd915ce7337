"""What a mask holds: which cells of it are on."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

PatternKind = Literal[
    "all", "none", "causal", "future", "window", "prefix", "blocks", "dilated", "diagonal", "off_diagonal", "columns",
    "rows", "other",
]  # fmt: skip

Span: TypeAlias = tuple[int, int, int, int, int, int, int, int]
"""A run of cells that is on in some rows: (first row, rows, start, stop, start step, stop step, count, every).

In the row that comes i after the first, columns from start + i·(start step) to before stop + i·(stop step) are on, as
far as there are such columns; and the same ``count`` times in all, each ``every`` columns further.
"""


@dataclass(frozen=True, slots=True)
class Pattern:
    """Which cells of a mask are on: true, not zero, or added as a number that hides nothing.

    The diagonal ends in the last corner: the last row and the last column meet on it, so that what was there before the
    first row (a cache) lies before it. Whether "on" means seen or hidden is for the operation that uses the mask.

    Attributes:
        kind: all, none. causal: on and before the diagonal; future: after it; window: from ``below`` columns before it
            to ``above`` after it. prefix: causal, and the first ``prefix`` columns. blocks: blocks of ``blocks``
            columns along the diagonal, full or causal. dilated: each ``step``-th diagonal from -``below`` to
            ``above``. diagonal; off_diagonal: all but the diagonal. columns: the same ``columns`` in all rows;
            rows: whole ``rows``. other: none of these.
        size: Rows and columns.
        below: Columns that are on before the diagonal; columns - 1 if all are. None where it is no band.
        above: Columns that are on after the diagonal; rows - 1 if all are.
        step: Distance of the diagonals that are on.
        prefix: Columns that are on in all rows.
        blocks: Columns of each block.
        block_rows: Rows of each block, where these are not the rows on whose diagonal its columns lie.
        causal: Whether no row has a column on that comes after its own; False for a single row.
        columns: Runs (start, stop) of the columns that have a cell on, where some that the kind has on have none:
            padding. causal with columns ((2, 6),): causal, and two columns padded.
        rows: Runs of the rows that have a cell on, where some that the kind has on have none.
        differs: Whether examples or heads have different patterns: what they do not have in common is left out, and
            the kind is other if those of some are no case of it (all columns are a case of columns, causal of blocks).
        biased: Whether what is on has different values: distances, a learned bias.
        factor: Whether what is not 0 is on in a table of floats: it is made to be multiplied with.
        cells: Each row as a text of 1 and 0, where there are at most 32 rows and columns; else None.
        spans: The cells that are on, exactly; None if that takes too many, or examples differ.
        parts: The patterns of all examples and heads in order, where they differ and are few.
        lead: Sizes of the axes before the rows, 1 where the mask is the same along one; () if nothing differs.
        axes: Which axes of the mask are read as rows and columns, counted from the end.
        across: The same mask by its last two axes that are longer than 1, where these are not the last ones; its own
            ``axes`` say which. (T, 1, T) has scores of T queries with heads between queries and keys.
    """

    kind: PatternKind
    size: tuple[int, int]
    below: int | None = None
    above: int | None = None
    step: int | None = None
    prefix: int | None = None
    blocks: tuple[int, ...] = ()
    block_rows: tuple[int, ...] = ()
    causal: bool = False
    columns: tuple[tuple[int, int], ...] | None = None
    rows: tuple[tuple[int, int], ...] | None = None
    differs: bool = False
    biased: bool = False
    factor: bool = False
    cells: tuple[str, ...] | None = None
    spans: tuple[Span, ...] | None = None
    parts: tuple["Pattern", ...] = ()
    lead: tuple[int, ...] = ()
    axes: tuple[int, int] = (-2, -1)
    across: "Pattern | None" = None
