"""Figures without their heading: bare ones for pages that say it themselves, and ones without a title."""

from collections.abc import Callable
from dataclasses import replace
from functools import wraps
from typing import ParamSpec

from shapetrace.drawing.layout.boxes import around
from shapetrace.drawing.layout.canvas import CANVAS, HEADING
from shapetrace.drawing.look import Look
from shapetrace.drawing.primitives import Figure, Group, Mark, Rect, Text, moved

_TOP_PX = 16.0

P = ParamSpec("P")


def framed(draw: Callable[P, Figure]) -> Callable[P, Figure]:
    """Make what draws a figure leave out what its ``look`` does not want: the heading, or its title."""

    @wraps(draw)
    def drawn(*args: P.args, **options: P.kwargs) -> Figure:
        figure, look = draw(*args, **options), options.get("look")
        if not isinstance(look, Look) or not (look.bare or look.title == ""):
            return figure
        return without_heading(figure) if look.bare else without_title(figure)

    return drawn


def without_heading(figure: Figure) -> Figure:
    """The same without title, facts and legend; its name for screen readers stays."""
    return _raised(replace(figure, groups=tuple(group for group in figure.groups if group.id != HEADING)))


def without_title(figure: Figure) -> Figure:
    """The same without its title; facts and legend stay."""
    groups = (replace(group, marks=_untitled(group)) if group.id == HEADING else group for group in figure.groups)
    return _raised(replace(figure, groups=tuple(group for group in groups if group.marks)))


def _untitled(group: Group) -> tuple[Mark, ...]:
    return tuple(mark for mark in group.marks if not (isinstance(mark, Text) and mark.ink == "title"))


def _raised(figure: Figure) -> Figure:
    """Move everything up to where the heading began, and cut the canvas."""
    shown = [mark for group in figure.groups if group.id != CANVAS for mark in group.marks]
    up = around(shown).top - _TOP_PX if shown else 0.0
    groups = tuple(_moved(group, up) for group in figure.groups)
    return replace(figure, groups=groups, height_px=figure.height_px - up)


def _moved(group: Group, up: float) -> Group:
    if group.id != CANVAS:
        return replace(group, marks=moved(group.marks, 0, -up))
    ground = (replace(mark, height=mark.height - up) if isinstance(mark, Rect) else mark for mark in group.marks)
    return replace(group, marks=tuple(ground))
