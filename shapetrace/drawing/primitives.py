"""What a figure is made of: rectangles, polygons, lines, circles, text, and groups of them.

Positions are px, x to the right and y down. Every mark names its *ink*, the role it plays
("data", "weight", "rail"); what an ink looks like is the theme's business (`shapetrace.drawing.inks`).
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Literal, TypeAlias

from shapetrace.drawing.theme import Theme

Anchor = Literal["start", "middle", "end"]
Point: TypeAlias = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Rect:
    """A rectangle.

    Attributes:
        x: Left edge.
        y: Upper edge.
        width: Extent to the right.
        height: Extent down.
        ink: Role: ``data``, ``weight``, ``panel``.
        radius: Radius of the corners.
    """

    x: float
    y: float
    width: float
    height: float
    ink: str
    radius: float = 2.0


@dataclass(frozen=True, slots=True)
class Polygon:
    """A filled shape through its corners.

    Attributes:
        points: Corners, in order; the last is joined to the first.
        ink: Role.
    """

    points: tuple[Point, ...]
    ink: str


@dataclass(frozen=True, slots=True)
class Line:
    """Strokes that are not filled.

    Attributes:
        strokes: One or more open lines, each through its points.
        ink: Role.
        radius: Radius that rounds the bends.
    """

    strokes: tuple[tuple[Point, ...], ...]
    ink: str
    radius: float = 0.0


@dataclass(frozen=True, slots=True)
class Circle:
    """A dot.

    Attributes:
        x: Centre.
        y: Centre.
        radius: Radius.
        ink: Role.
    """

    x: float
    y: float
    radius: float
    ink: str


@dataclass(frozen=True, slots=True)
class Span:
    """A piece of a line of text.

    Attributes:
        text: Its characters.
        shift: -1 for a superscript, 1 for a subscript, 0 on the line.
        whole: What it is short for, for a pointer that rests on it; "" where nothing was left out.
        slanted: True for italics in a line that has none.
    """

    text: str
    shift: Literal[-1, 0, 1] = 0
    whole: str = field(default="", repr=False)
    slanted: bool = field(default=False, repr=False)


@dataclass(frozen=True, slots=True)
class Text:
    """One line of text.

    Attributes:
        x: Where its anchor is.
        y: Its baseline.
        spans: Its pieces, left to right.
        ink: Role, which is also its typeface and size: ``label``, ``shape``.
        anchor: Which end of the text is at ``x``.
        turned: True if it reads upwards, turned a quarter around (x, y).
    """

    x: float
    y: float
    spans: tuple[Span, ...]
    ink: str
    anchor: Anchor = "start"
    turned: bool = False

    @property
    def whole(self) -> str:
        """What it is short for; "" where nothing was left out."""
        return next((span.whole for span in self.spans if span.whole), "")

    @property
    def plain(self) -> str:
        """Its characters without their shifts."""
        return "".join(span.text for span in self.spans)


Mark: TypeAlias = Rect | Polygon | Line | Circle | Text


@dataclass(frozen=True, slots=True)
class Group:
    """Marks that belong together: a row, a panel.

    Attributes:
        id: Stable name, unique in its figure.
        marks: What it holds, in painting order.
        title: One line for screen readers and tooltips; may be empty.
    """

    id: str
    marks: tuple[Mark, ...]
    title: str = ""


@dataclass(frozen=True, slots=True)
class Figure:
    """Ink on a canvas.

    Attributes:
        name: Word for ids and file names: ``overview``, ``h-0-attn``.
        title: What it shows, in one line.
        desc: The same for people who cannot see it: one equation a line.
        width_px: Extent to the right, at most 1200.
        height_px: Extent down.
        groups: What is painted, in painting order.
        theme: What the inks look like.
        lang: Language of its words.
        stages: Names of groups that appear one after another where a figure may move; elsewhere all of it stands still.
    """

    name: str
    title: str
    desc: str
    width_px: float
    height_px: float
    groups: tuple[Group, ...]
    theme: Theme = field(repr=False)
    lang: str = "en"
    stages: tuple[str, ...] = ()

    def marks(self) -> Iterator[Mark]:
        """All marks, in painting order."""
        for group in self.groups:
            yield from group.marks


def has_slanted(figure: Figure) -> bool:
    """Whether some line of text has italics in it."""
    return any(span.slanted for mark in figure.marks() if isinstance(mark, Text) for span in mark.spans)


def moved(marks: Iterable[Mark], dx: float, dy: float) -> tuple[Mark, ...]:
    """Shift marks by (dx, dy)."""
    return tuple(_moved(mark, dx, dy) for mark in marks)


def _moved(mark: Mark, dx: float, dy: float) -> Mark:
    if isinstance(mark, Polygon):
        return Polygon(_shifted(mark.points, dx, dy), mark.ink)
    if isinstance(mark, Line):
        return Line(tuple(_shifted(stroke, dx, dy) for stroke in mark.strokes), mark.ink, mark.radius)
    if isinstance(mark, Text):
        return Text(mark.x + dx, mark.y + dy, mark.spans, mark.ink, mark.anchor, mark.turned)
    return replace(mark, x=mark.x + dx, y=mark.y + dy)


def _shifted(points: tuple[Point, ...], dx: float, dy: float) -> tuple[Point, ...]:
    return tuple((x + dx, y + dy) for x, y in points)
