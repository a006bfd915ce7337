"""Scenes set for the width of a figure and stacked: the block that repeats stands in a frame."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from shapetrace.drawing.compact.lines import axes_below, height_px, painted_at, shared_unit, wrapped
from shapetrace.drawing.compact.scaling import CubeLaw
from shapetrace.drawing.content.subject import slug
from shapetrace.drawing.layout.cells import Cell
from shapetrace.drawing.layout.columns import EquationLine
from shapetrace.drawing.metrics import clean, shortened, width_px
from shapetrace.drawing.metrics import wrapped as wrapped_text
from shapetrace.drawing.primitives import Group, Mark, Rect, Span, Text
from shapetrace.drawing.telling.paths import spoken_paths
from shapetrace.drawing.telling.rich import rich_spans
from shapetrace.drawing.telling.scenes import Scene

MARGIN_PX = 24.0
FRAME_PX = 14.0
INSIDE_PX = 12.0
"""Left edge of what stands in the frame, from that of the frame."""
_UNITS_PX = (2.6, 5.6)
_SIDE_PX = 60.0
_TITLE_PX = 17.0
_NOTE_PX = 15.0
_CAPTION_GAP_PX = 8.0
_SCENE_GAP_PX = 16.0
_GAP_PX = 24.0
_FRAME_TOP_PX = 30.0


@dataclass(frozen=True, slots=True)
class SetScene:
    """A scene with its words.

    Attributes:
        scene: It.
        title: Its title.
        note: What is said beside.
        described: One line for those who cannot see it.
        followed: What happens in it to a position that is followed.
    """

    scene: Scene
    title: str
    note: str
    described: str
    followed: str = ""

    @property
    def path(self) -> str:
        """Paths of the modules whose weights it multiplies with."""
        if self.scene.closed is not None:
            return clean(self.scene.closed.module)
        weighted = [step for step in self.scene.told() if any(o.role == "weight" for o in step.operands)]
        paths = tuple(dict.fromkeys(step.path for step in weighted if step.path))
        return clean(spoken_paths(paths)) if paths else ""


@dataclass(frozen=True, slots=True)
class Part:
    """Scenes that stand in a frame, or outside of any.

    Attributes:
        scenes: They, from top to bottom.
        corner: Title of the frame; empty for none.
        path: Beside it.
        note: Below its scenes.
    """

    scenes: tuple[SetScene, ...]
    corner: str = ""
    path: str = ""
    note: str = ""

    def room(self, width_px: float) -> float:
        """How wide its lines may be."""
        return width_px - 2 * (FRAME_PX + INSIDE_PX if self.corner else MARGIN_PX)


Drawer = Callable[[Scene, float], tuple[Cell, ...]]
"""The cells of a scene at a unit of length."""


def unit_for(parts: Sequence[Part], draw: Drawer, sizes: Sequence[int], width: float) -> float:
    """The largest unit with which every scene is one line; what would need less than the least is wrapped."""
    draws = [(partial(draw, each.scene), part.room(width)) for part in parts for each in part.scenes]
    return shared_unit(draws, sizes, _UNITS_PX, _SIDE_PX)


def laid(parts: Sequence[Part], draw: Drawer, law: CubeLaw, top: float, width: float) -> tuple[list[Group], float]:
    """Stack the parts from ``top`` down.

    Returns:
        The groups, and the y below them.
    """
    groups: list[Group] = []
    y = top
    for part in parts:
        left = FRAME_PX + INSIDE_PX if part.corner else MARGIN_PX
        start, y = y, y + (_FRAME_TOP_PX if part.corner else 0)
        inside: list[Group] = []
        for each in part.scenes:
            lines = wrapped(draw(each.scene, law.unit_px), part.room(width), _GAP_PX)
            group, y = _scene(each, lines, left, y, part.room(width))
            inside.append(group)
        if part.note:
            inside.append(Group("next-block", (Text(left, y + 4, rich_spans(part.note), "note"),), part.note))
            y += _NOTE_PX
        if part.corner:
            groups.append(_frame(part, start, y, width))
            y += _SCENE_GAP_PX
        groups += inside
    return groups, y


def _frame(part: Part, top: float, bottom: float, width: float) -> Group:
    right = width - FRAME_PX
    marks: list[Mark] = [Rect(FRAME_PX, top, right - FRAME_PX, bottom - top, "panel", 12)]
    marks.append(Text(FRAME_PX + INSIDE_PX, top + 21, (Span(part.corner),), "corner"))
    x = FRAME_PX + INSIDE_PX + width_px(part.corner, "corner") + 10
    if path := shortened(part.path, "corner-path", right - INSIDE_PX - x):
        marks.append(Text(x, top + 21, (Span(path),), "corner-path"))
    return Group("block", tuple(marks), part.corner)


def _scene(each: SetScene, lines: Sequence[EquationLine], left: float, top: float, room: float) -> tuple[Group, float]:
    marks, y = _caption(each, left, top, room)
    for line in wrapped_text(each.followed, "follow", room, lines=2) if each.followed else ():
        marks.append(Text(left, y + 12, (Span(line),), "follow"))
        y += _NOTE_PX
    y += _CAPTION_GAP_PX
    marks += painted_at(lines, axes_below(lines, y), left)
    bottom = y + height_px(lines) + _SCENE_GAP_PX
    return Group(slug(each.scene.steps[0].id), tuple(marks), each.described), bottom


def _caption(each: SetScene, left: float, top: float, room: float) -> tuple[list[Mark], float]:
    """The title, its path, and at the right end the note, or the note below where there is no room."""
    title = shortened(each.title, "label", room)
    marks: list[Mark] = [Text(left, top + 13, (Span(title),), "label")]
    x = width_px(title, "label") + 10
    y = top + _TITLE_PX
    note = rich_spans(each.note)
    free = room - x - (width_px(note, "note") + 14 if note else 0)
    if each.path and width_px(each.path, "path") <= max(free, room - x if free < 80 else free):
        marks.append(Text(left + x, top + 13, (Span(each.path),), "path"))
        x += width_px(each.path, "path") + 14
    elif each.path and free > 80:
        path = shortened(each.path, "path", free)
        marks.append(Text(left + x, top + 13, (Span(path),), "path"))
        x += width_px(path, "path") + 14
    if note and x + width_px(note, "note") <= room:
        marks.append(Text(left + room, top + 13, note, "note", "end"))
    elif note:
        for line in wrapped_text(each.note, "note", room, lines=2):
            marks.append(Text(left, y + 11, rich_spans(line), "note"))
            y += _NOTE_PX
    return marks, y
