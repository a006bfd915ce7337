"""CSV: one step a row, for spreadsheets. Numbers are plain, shapes are written as in the table."""

import csv
import io
from collections.abc import Iterable

from shapetrace.formats.contract import PLAIN, Format, Options
from shapetrace.formats.grid import Grid
from shapetrace.formats.rows import rows
from shapetrace.outlining.structure import Outline

COLUMNS = (
    "number", "id", "section", "kind", "title", "note", "path", "equation", "stack", "repeat", "parameters",
    "tied_to", "flops",
)  # fmt: skip


def render(outline: Outline, options: Options = PLAIN) -> str:
    """Write an outline as CSV; a section that ``depth`` closes is a row of kind ``section``."""
    body: list[Iterable[object]] = []
    for row in rows(outline, options):
        step, section = row.step, row.section
        if step is not None:
            stack = max((operand.stack for operand in (*step.operands, *step.results)), default=1)
            body.append(
                (row.number, step.id, step.section, step.kind, step.title, row.note, step.path, row.equation, stack,
                 step.repeat, step.parameters, step.tied_to, step.flops)
            )  # fmt: skip
        elif row.equation:
            body.append(
                (None, section.path, section.path, "section", section.title, row.note, section.path, row.equation, 1,
                 section.repeat, section.parameters, "", row.flops)
            )  # fmt: skip
    return _written(COLUMNS, body)


def render_grid(grid: Grid, _options: Options = PLAIN) -> str:
    """Write a grid as CSV."""
    return _written([column.key for column in grid.columns], grid.rows)


def _written(columns: Iterable[str], body: Iterable[Iterable[object]]) -> str:
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([_safe(cell) for cell in row] for row in body)
    return stream.getvalue()


def _safe(cell: object) -> object:
    """A name that a spreadsheet would take for a formula gets a quote before it."""
    return f"'{cell}" if isinstance(cell, str) and cell[:1] in {"=", "+", "-", "@"} else cell


FORMAT = Format("csv", "csv", frozenset({"depth", "dims"}), outline=render, grid=render_grid)
