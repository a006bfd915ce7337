"""Two or three models side by side, as a grid: a column a model, what does the same work in one row."""

from collections.abc import Iterator, Sequence

from shapetrace.drawing.content.rows import Row
from shapetrace.drawing.kinds.aligning import Band, bands
from shapetrace.drawing.kinds.column_heads import head_of
from shapetrace.drawing.kinds.quieting import sources_of
from shapetrace.drawing.kinds.side_by_side import parts_of, rows_of
from shapetrace.drawing.layout.captions import title_of
from shapetrace.drawing.look import Look
from shapetrace.drawing.wording import Words
from shapetrace.formats.equations import equation_in
from shapetrace.formats.grid import Cell, Column, Grid
from shapetrace.formats.rows import stack
from shapetrace.outlining.structure import Outline


def side_by_side(outlines: Sequence[Outline], section: str | None, words: Words, look: Look | None = None) -> Grid:
    """What each model does, in bands, below the numbers of the figure's headings.

    Args:
        outlines: What their traces mean.
        section: Path or kind of the section to compare; None for the whole models.
        words: The language.
        look: What to hide.

    Raises:
        UsageError: If there are not two or three outlines, or one has no such section.
    """
    parts = parts_of(outlines, section)
    heads = [head_of(outline, part) for outline, part in zip(outlines, parts, strict=True)]
    names = [Column(f"model_{n}", words.say(head.name)) for n, head in enumerate(heads, 1)]
    counted: list[tuple[Cell, ...]] = [
        (words.say("parameters"), *(f"{head.parameters:,}" for head in heads)),
        (
            words.say("KV cache: bytes per token"),
            *(f"{head.cache.bytes_per_token():,}" if head.cache else None for head in heads),
        ),
    ]
    aligned = bands([rows_of(part, look or Look()) for part in parts], [sources_of(part) for part in parts])
    steps = [(_title(band, words), *_cells(band, words)) for band in aligned]
    return Grid((Column("step", words.say("step")), *names), (*counted, *steps))


def _title(band: Band, words: Words) -> str:
    titles = [words.say(step.title) for row in band if row for step in row.alike]
    return ", ".join(dict.fromkeys([*(title_of(row, words) for row in band if row), *titles]))


def _cells(band: Band, words: Words) -> Iterator[Cell]:
    for row in band:
        yield _written(row, words) if row else None


def _written(row: Row, words: Words) -> str:
    if row.folded:
        return words.several("{n} steps", len(row.steps))
    first, *after = row.steps
    shown = [
        first,
        *(step for step in after if len({operand.shape for operand in (*step.operands, *step.results)}) > 1),
    ]
    return ", ".join(f"{equation_in(words, step)} {stack(step, words=words)}".rstrip() for step in shown)
