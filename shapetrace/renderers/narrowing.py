"""A trace in a text format, narrowed to what was asked for."""

from dataclasses import replace
from typing import Any

from shapetrace.ir import Trace
from shapetrace.outlining.structure import Outline
from shapetrace.renderers import grid_renderer, text_renderer


def written(
    trace: Trace,
    name: str,
    *,
    ops: bool = False,
    section: str | None = None,
    depth: int | None = None,
    fused: bool = False,
    **options: Any,
) -> str:
    """Write a trace: its outline, one section of it, or its raw operations.

    Args:
        trace: What ran.
        name: A format of ``renderers.TEXTS``.
        ops: True for the raw operations with their kernels.
        section: Path or kind of the one section to show.
        depth: Sections deeper than this are one row each.
        fused: True to show products as the code runs them.
        options: Passed on to the format: ``width`` and ``color`` of the table.

    Raises:
        UsageError: If there is no such format or section.
    """
    from shapetrace.renderers.operations import operations

    if ops and section is None:
        return str(grid_renderer(name)(operations(trace), **options))

    from shapetrace.outlining import outline

    shown = narrowed(outline(trace, fused=fused), section)
    if ops:
        return str(grid_renderer(name)(operations(trace, shown.root.members), **options))
    return text_renderer(name)(shown, depth=depth, **options)


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
