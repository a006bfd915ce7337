"""The inks: for each role a mark can play, which colours of the theme it wears and how.

A new role is one line here. Colours are names in a theme (`shapetrace.drawing.theme`).
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ShapeInk:
    """How a shape looks.

    Attributes:
        fill: Name of a colour; empty for none.
        line: Name of a colour; empty for none.
        width_px: Width of the line.
        dash: Dash and gap of the line in px; empty for a plain one.
        opacity: Of the fill.
    """

    fill: str = ""
    line: str = ""
    width_px: float = 1.3
    dash: tuple[float, ...] = ()
    opacity: float = 1.0


@dataclass(frozen=True, slots=True)
class TextInk:
    """How a line of text looks.

    Attributes:
        colour: Name of a colour.
        size_px: Font size, at least 10.5.
        weight: 400 to 700.
        mono: True for a monospaced face.
        italic: True for a slanted one.
    """

    colour: str
    size_px: float
    weight: int = 400
    mono: bool = False
    italic: bool = False


N_SHADES = 12
"""Steps from nothing to the darkest of cells that are as dark as their numbers are large."""

SHAPES: dict[str, ShapeInk] = {  # in painting order: what is later covers what is earlier
    "background": ShapeInk(fill="background"),
    "panel": ShapeInk(fill="panel", line="rule", width_px=1),
    "clash-frame": ShapeInk(fill="panel", line="warning", width_px=1.2),
    "card": ShapeInk(fill="card", line="rule", width_px=1),
    "rule": ShapeInk(line="rule", width_px=1),
    "block": ShapeInk(fill="weight", line="weight_line"),
    "block-plain": ShapeInk(fill="card", line="weight_line"),
    "block-soft": ShapeInk(fill="weight_back", line="weight_back_line", width_px=1),
    "weight-deep": ShapeInk(fill="weight_back_line"),
    "track": ShapeInk(fill="card"),
    "groove": ShapeInk(fill="rule"),
    "weight-bar": ShapeInk(fill="weight_line"),
    "data-bar": ShapeInk(fill="data_line"),
    "made-bar": ShapeInk(fill="rail"),
    "data-ghost": ShapeInk(fill="card", line="data_back_line", width_px=0.8),
    "weight-ghost": ShapeInk(fill="card", line="weight_back_line", width_px=0.8),
    "const-ghost": ShapeInk(fill="card", line="const_line", width_px=0.8),
    "data-back": ShapeInk(fill="data_back", line="data_back_line", width_px=1),
    "weight-back": ShapeInk(fill="weight_back", line="weight_back_line", width_px=1),
    "const-back": ShapeInk(fill="const", line="const_line", width_px=1, dash=(4, 3)),
    "data-hollow": ShapeInk(fill="card", line="data_line"),
    "weight-hollow": ShapeInk(fill="card", line="weight_line"),
    "const-hollow": ShapeInk(fill="card", line="const_line", dash=(4, 3)),
    **{f"data-shade-{n}": ShapeInk(fill="data_line", opacity=n / N_SHADES) for n in range(1, N_SHADES + 1)},
    "data-others": ShapeInk(fill="card", line="data_back_line", width_px=0.8),
    "weight-others": ShapeInk(fill="card", line="weight_back_line", width_px=0.8),
    "const-others": ShapeInk(fill="card", line="const_line", width_px=0.8),
    "data-fill": ShapeInk(fill="data"),
    "weight-fill": ShapeInk(fill="weight"),
    "const-fill": ShapeInk(fill="rule"),
    "data": ShapeInk(fill="data", line="data_line"),
    "weight": ShapeInk(fill="weight", line="weight_line"),
    "const": ShapeInk(fill="const", line="const_line", dash=(4, 3)),
    "kept": ShapeInk(fill="data_back", line="data_back_line", width_px=1),
    "kept-bar": ShapeInk(fill="data_line"),
    "marker-back": ShapeInk(fill="marker", line="marker_line", width_px=0.8),
    "marker": ShapeInk(fill="marker", line="marker_line"),
    "marker-ring": ShapeInk(line="marker_line", width_px=1.8),
    "marker-cut": ShapeInk(line="marker_line", width_px=0.8),
    "marker-way": ShapeInk(line="marker_line", width_px=1.6),
    "marker-later": ShapeInk(line="marker_line", width_px=1.6, dash=(5, 4)),
    "marker-tip": ShapeInk(fill="marker_line"),
    "data-diagonal": ShapeInk(line="data_line", width_px=1, dash=(4, 3)),
    "weight-diagonal": ShapeInk(line="weight_line", width_px=1, dash=(4, 3)),
    "const-diagonal": ShapeInk(line="const_line", width_px=1, dash=(4, 3)),
    "data-edge": ShapeInk(line="data_line"),
    "weight-edge": ShapeInk(line="weight_line"),
    "const-edge": ShapeInk(line="const_line", dash=(4, 3)),
    "hatch": ShapeInk(line="hatch", width_px=0.8),
    "data-cut": ShapeInk(line="data_back_line", width_px=0.8),
    "weight-cut": ShapeInk(line="weight_back_line", width_px=0.8),
    "const-cut": ShapeInk(line="const_line", width_px=0.8),
    "arrow": ShapeInk(line="muted", width_px=1.2),
    "arrow-later": ShapeInk(line="muted", width_px=1.2, dash=(5, 4)),
    "arrow-head": ShapeInk(fill="muted"),
    "leader": ShapeInk(line="muted", width_px=1, dash=(1, 3)),
    "pill": ShapeInk(fill="pill", line="pill_line", width_px=1),
    "thread": ShapeInk(line="data_line", width_px=0.7),
    "rail": ShapeInk(line="rail", width_px=2),
    "rail-dot": ShapeInk(fill="data_line"),
    "clash-edge": ShapeInk(line="warning", width_px=3),
    "clash-line": ShapeInk(line="warning", width_px=2),
    "change-line": ShapeInk(line="match", width_px=2),
    "card-fill": ShapeInk(fill="card"),
    "bar-left": ShapeInk(fill="weight", line="weight_line", width_px=1),
    "bar-right": ShapeInk(fill="data", line="data_line", width_px=1),
}

TEXTS: dict[str, TextInk] = {
    "title": TextInk("ink", 20, 700),
    "subtitle": TextInk("muted", 12.5),
    "legend": TextInk("ink", 12),
    "caption": TextInk("muted", 12),
    "warning": TextInk("warning", 12.5, 600),
    "verdict": TextInk("warning", 18, 700),
    "corner": TextInk("ink", 13, 600),
    "corner-path": TextInk("muted", 10.5, mono=True),
    "label": TextInk("ink", 13.5, 600),
    "path": TextInk("muted", 10.5, mono=True),
    "note": TextInk("muted", 11),
    "follow": TextInk("marker_text", 11.5, 600),
    "name-data": TextInk("data_text", 13, 600),
    "name-weight": TextInk("weight_text", 13, 600),
    "name-const": TextInk("const_text", 13, 600),
    "tag-changed": TextInk("match", 12.5, 700),
    "tag-added": TextInk("data_text", 12.5, 700),
    "tag-removed": TextInk("warning", 12.5, 700),
    "number": TextInk("ink", 11),
    "figure": TextInk("ink", 12, mono=True),
    "size": TextInk("muted", 10.5, mono=True),
    "size-run": TextInk("muted", 10.5, mono=True, italic=True),
    "match": TextInk("match", 10.5, 700, mono=True),
    "match-run": TextInk("match", 10.5, 700, mono=True, italic=True),
    "size-name": TextInk("muted", 13, mono=True),
    "size-name-run": TextInk("muted", 13, mono=True, italic=True),
    "match-name": TextInk("match", 13, 700, mono=True),
    "match-name-run": TextInk("match", 13, 700, mono=True, italic=True),
    "clash": TextInk("warning", 10.5, 700, mono=True),
    "shape": TextInk("ink", 11, mono=True),
    "stack": TextInk("muted", 10.5, mono=True),
    "equation": TextInk("muted", 10.5, mono=True),
    "token": TextInk("data_text", 11),
    "token-marked": TextInk("marker_text", 11, 700),
    "name-marker": TextInk("marker_text", 13, 600),
    "operator": TextInk("muted", 20),
    "operator-small": TextInk("muted", 16),
    "pill-text": TextInk("ink", 12.5),
}

SHIFTED_SIZE_PX = 10.5
"""Font size of subscripts and superscripts: the smallest that a figure may have."""

SHIFT_PX = {-1: -4.5, 0: 0.0, 1: 3.5}
"""How far a superscript and a subscript leave the baseline."""
