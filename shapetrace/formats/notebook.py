"""What a notebook's cell shows: a picture that follows the notebook's light or dark, and a table that opens.

A notebook that is not trusted drops style sheets and SVG elements, and keeps the letters that stood in them. So a
figure is an image here: one for light, one for dark that has no size until a style sheet says otherwise.
"""

import base64
from collections.abc import Sequence
from dataclasses import replace

from shapetrace.drawing.primitives import Figure
from shapetrace.formats import html, svg
from shapetrace.formats.contract import Options
from shapetrace.formats.numbers import exact, n_bytes, short
from shapetrace.outlining.counts import Totals
from shapetrace.outlining.structure import Outline

_DARK = (
    '[data-jp-theme-light="false"]',  # JupyterLab, Notebook 7, what nbconvert exports
    ".vscode-dark",
    ".vscode-high-contrast:not(.vscode-high-contrast-light)",
    '[data-theme="dark"]',  # pages of Sphinx
    '[data-bs-theme="dark"]',  # Quarto
    'html[theme="dark"]',  # Colab
)
"""Where pages that show notebooks say that they are dark."""
_MOST_ALT = 300


def _rules(selector: str, declared: str) -> str:
    return f"{','.join(f'{page} {selector}' for page in _DARK)}{{{declared}}}"


_STYLE = (
    "<style>\n.shapetrace-night{display:none}\n"
    + _rules(".shapetrace-day", "display:none!important")
    + "\n"
    + _rules(".shapetrace-night", "display:inline!important;width:auto!important;height:auto!important")
    + "\n"
    + _rules(".shapetrace-table", "color-scheme:dark")
    + "\n</style>"
)


def picture(drawing: Figure) -> str:
    """A figure as images in HTML, no wider than the cell, with a text for those who cannot see it."""
    theme = drawing.theme
    day = _image(drawing, "shapetrace-day" if theme.dark else "")
    if not theme.dark:
        return day
    night = _image(replace(drawing, theme=replace(theme, colours=theme.dark, dark={})), "shapetrace-night")
    return f"{_STYLE}\n{day}\n{night}"


def _image(drawing: Figure, name: str) -> str:
    content = base64.b64encode(svg.render(drawing, styled=False).encode()).decode()
    size = 'width="0" height="0"' if name == "shapetrace-night" else f'width="{drawing.width_px:.0f}"'
    return (
        f'<img class="{name}" {size} src="data:image/svg+xml;base64,{content}" alt="{_alt(drawing)}" '
        'style="max-width: 100%">'
    )


def _alt(drawing: Figure) -> str:
    """What a figure shows: its title, and as much of its description as is heard in one breath."""
    said = f"{drawing.title}. {'; '.join(drawing.desc.splitlines())}".strip()
    return html.plain(said if len(said) <= _MOST_ALT else f"{said[: _MOST_ALT - 1].rsplit(' ', 1)[0]} …")


def trace(outline: Outline, drawing: Figure) -> str:
    """A pass as its figure, with the table of its steps closed below."""
    return html.render(outline, picture=picture(drawing))


def table(outline: Outline) -> str:
    """An outline as the table of its steps."""
    return f"{_STYLE}\n{html.render(outline)}"


def instead_of_frame(outline: Outline, options: Options) -> str:
    """What stands in a cell of a notebook that is not trusted, which drops frames: that, and the table of a model."""
    said = options.words.say("Trust this notebook to walk through the model here. Until then, its steps:")
    return f"<p>{html.plain(said)}</p>{html.render(outline, options)}"


def totals(counted: Totals) -> str:
    """Totals as a table of two columns."""
    rows = "".join(
        f'<tr><th style="text-align:left">{html.plain(name)}</th><td style="text-align:right">{html.plain(n)}</td></tr>'
        for name, n in lines(counted)
    )
    return f"<table>{rows}</table>"


def lines(counted: Totals) -> Sequence[tuple[str, str]]:
    """Totals as pairs of a name and a number; what is equal to what stands above it, or 0, is left out."""
    t = counted
    found = [("parameters", exact(t.parameters))]
    if t.active_parameters != t.parameters:
        found.append(("active", exact(t.active_parameters)))
    if t.unused_parameters:
        found.append(("unused", exact(t.unused_parameters)))
    if t.buffers:
        found.append(("buffers", exact(t.buffers)))
    found.append(("FLOPs in products", short(t.matmul_flops)))
    if t.flops != t.matmul_flops:
        found.append(("FLOPs with convolutions", short(t.flops)))
    found += [("weights", n_bytes(t.parameter_bytes)), ("activations", n_bytes(t.activation_bytes))]
    if t.uncounted:
        names = ", ".join(f"{n} {name}" for name, n in t.uncounted.items())
        found.append(("FLOPs not counted", names))
    return found
