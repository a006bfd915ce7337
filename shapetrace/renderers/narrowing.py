"""A trace in a text format, narrowed to what was asked for."""

from dataclasses import dataclass, replace
from typing import Any

from shapetrace.drawing.wording import Words
from shapetrace.ir import Trace
from shapetrace.outlining.structure import Outline
from shapetrace.renderers import FOR_PEOPLE, grid_renderer, text_renderer
from shapetrace.renderers.phrasing import ENGLISH


@dataclass(frozen=True, slots=True)
class Excerpt:
    """What of a trace is shown.

    Attributes:
        ops: True for the raw operations with their kernels.
        section: Path or kind of the one section; None for all.
        depth: Sections deeper than this are one row each.
        fused: True for products as the code runs them.
    """

    ops: bool = False
    section: str | None = None
    depth: int | None = None
    fused: bool = False


def written(trace: Trace, name: str, excerpt: Excerpt = Excerpt(), *, words: Words = ENGLISH, **options: Any) -> str:
    """Write a trace: its outline, one section of it, or its raw operations.

    Args:
        trace: What ran.
        name: A format of ``renderers.TEXTS``.
        excerpt: What of it.
        words: The language, if the format is one for people.
        options: Passed on to the format: ``width`` and ``color`` of the table.

    Raises:
        UsageError: If there is no such format or section.
    """
    from shapetrace.renderers.operations import operations

    said = words if name in FOR_PEOPLE else ENGLISH
    if excerpt.ops and excerpt.section is None:
        return str(grid_renderer(name)(operations(trace, words=said), **options))

    from shapetrace.outlining import outline

    shown = narrowed(outline(trace, fused=excerpt.fused), excerpt.section)
    if excerpt.ops:
        return str(grid_renderer(name)(operations(trace, shown.root.members, said), **options))
    if name in FOR_PEOPLE:
        options["words"] = words
    return text_renderer(name)(shown, depth=excerpt.depth, **options)


def narrowed(outline: Outline, section: str | None) -> Outline:
    """An outline of one section alone; totals and coverage stay those of the whole model.

    Args:
        outline: What a trace means.
        section: Path of the section, of any folded member, or a kind; None keeps all.

    Raises:
        UsageError: If there is no such section.
    """
    if section is None:
        return outline
    from shapetrace.drawing.selecting import section_named

    found = section_named(outline, section)
    whole = replace(outline.root, path="", items=(found,), members=found.members or (found.path,))
    return replace(outline, root=whole)
