"""What a notebook's cell shows, also one that is not trusted: tags that a sanitizer drops hold no letters."""

import base64
import re
import xml.etree.ElementTree as ET
from html.parser import HTMLParser

import pytest

import shapetrace

KEPT = {
    "p",
    "strong",
    "small",
    "span",
    "div",
    "details",
    "summary",
    "table",
    "thead",
    "tbody",
    "tr",
    "th",
    "td",
    "img",
    "pre",
}
"""Tags of ours that the sanitizers of JupyterLab and of code hosts keep."""
DROPPED_WITH_TEXT = {"style", "script"}


class Sanitized(HTMLParser):
    """What is left without the tags that are not kept: their text stays, but that of style sheets."""

    def __init__(self) -> None:
        super().__init__()
        self.inside: list[str] = []
        self.stripped: list[str] = []
        self.images: list[dict[str, str | None]] = []
        self.cells: list[str] = []

    def handle_starttag(self, tag, attrs):
        if tag == "img":
            self.images.append(dict(attrs))
            return
        self.inside.append(tag)
        if tag in {"td", "th"}:
            self.cells.append("")

    def handle_endtag(self, tag):
        assert self.inside.pop() == tag

    def handle_data(self, data):
        if DROPPED_WITH_TEXT & set(self.inside):
            return
        if data.strip() and not set(self.inside) <= KEPT:
            self.stripped.append(data)
        if self.cells and {"td", "th"} & set(self.inside):
            self.cells[-1] += data


def sanitized(text: str) -> Sanitized:
    parser = Sanitized()
    parser.feed(text)
    parser.close()
    return parser


@pytest.fixture(scope="module")
def trace() -> shapetrace.Trace:
    return shapetrace.preset("gpt2", seq=8, layers=2)


def test_no_letters_are_left_of_what_a_sanitizer_drops(trace):
    for shown in (trace, trace.outline(), trace.totals, shapetrace.figure(trace)):
        assert sanitized(shown._repr_html_()).stripped == []


def test_the_table_of_an_untrusted_notebook_is_readable(trace):
    cells = sanitized(trace._repr_html_()).cells
    for step in trace.outline().steps():
        assert step.equation in cells
    assert {"8", "Query", "×12"} <= {cell.strip() for cell in cells}


def test_where_the_frame_of_an_explorer_is_dropped_its_steps_are_readable(trace):
    shown = shapetrace.explore(trace)._repr_html_()
    assert shown.endswith("</iframe>"), "and where it stands, browsers show nothing of what is in it"
    inside = sanitized(shown.partition(">")[2].removesuffix("</iframe>"))
    assert inside.stripped == []
    assert {step.equation for step in trace.outline().steps()} <= set(inside.cells)


def test_a_trace_is_printed_as_one_text_in_a_notebook_too(trace, monkeypatch):
    plain = str(trace)
    monkeypatch.setattr("rich.console._is_jupyter", lambda: True)
    assert str(trace) == plain and "Unembedding" in plain


def test_one_picture_is_for_light_and_one_for_dark_that_is_hidden(trace):
    day, night = sanitized(trace._repr_html_()).images
    assert (night["width"], night["height"]) == ("0", "0")
    for image in (day, night):
        assert image["alt"].startswith("Reference Transformer: one forward pass")
        assert "max-width: 100%" in image["style"]
        document = base64.b64decode(image["src"].removeprefix("data:image/svg+xml;base64,")).decode()
        root = ET.fromstring(document)
        assert image is night or float(image["width"]) == pytest.approx(float(root.get("width")), abs=1)
        assert "<style" not in document
    assert "#" in document and day["src"] != night["src"]


def test_a_figure_of_one_theme_is_one_picture(trace):
    assert len(sanitized(shapetrace.figure(trace, theme="dark")._repr_html_()).images) == 1


def test_a_description_is_as_long_as_one_breath(trace):
    for image in sanitized(trace._repr_html_()).images:
        assert len(image["alt"]) <= 320
        assert not re.search(r"[<>]", image["alt"])
