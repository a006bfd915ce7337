"""Figures inside pages of others, in Chromium: their style does not reach in, and the reader's dark mode does."""

import re
import zlib
from pathlib import Path

import pytest

from shapetrace.drawing import Look, figure
from shapetrace.formats import html
from shapetrace.formats.svg import render
from tests.browser import chromium, survey
from tests.drawing.outlines import gpt2

pytestmark = pytest.mark.skipif(chromium() is None, reason="no Chromium on this system")

HOSTILE = """
* {font-size: 30px !important; fill: red !important; text-transform: uppercase; letter-spacing: 3px}
svg {width: 100%; height: 24px; fill: currentColor; writing-mode: vertical-rl}
#main .post article svg text {fill: red; font: italic 40px serif; text-anchor: start; dominant-baseline: hanging}
#main svg rect, #main svg path {stroke: lime; stroke-width: 9; fill: orange; stroke-dasharray: 9 9}
.label, .title, .data, .weight, .shape, .caption, .path {display: none; transform: scale(2)}
tspan {font-size: 40px; fill: lime}
"""
BLOG = """
body {font: 18px/1.7 Georgia, serif; max-width: 720px} article * {box-sizing: border-box; border-color: #ddd}
img, svg, video {display: block; vertical-align: middle; max-width: 100%; height: auto}
table {width: 100%; border-collapse: collapse} td, th {border: 1px solid #ddd; padding: 12px} pre, code {color: #b00}
"""


def page_of(tmp_path: Path, style: str, *fragments: str) -> Path:
    page = tmp_path / "page.html"
    body = "<p>A post</p>".join(fragments)
    page.write_text(
        f"<!doctype html><meta charset=utf-8><style>{style}</style>"
        f"<div id=main dir=rtl><div class=post><article>{body}</article></div></div>",
        encoding="utf-8",
    )
    return page


def two() -> list[str]:
    return [render(figure(gpt2(), section=name, look=Look(dims="both"))) for name in ("mlp", "attention")]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("style", [HOSTILE, BLOG])
def test_two_figures_in_a_page_look_as_they_do_alone(browser, tmp_path, style, scheme):
    page = page_of(tmp_path, style, *two())
    for found, width in zip(survey(browser, page, scheme), (700, 700), strict=True):
        found.assert_sound()
        assert found.background == ("rgb(255, 255, 255)" if scheme == "light" else "rgb(13, 17, 23)")
        assert abs(found.width_px - width) < 1


def test_a_page_cannot_resize_a_figure(browser, tmp_path):
    page = browser.new_page(viewport={"width": 1400, "height": 900})
    page.goto(page_of(tmp_path, HOSTILE, *two()).as_uri())
    boxes = page.eval_on_selector_all("svg", "all => all.map(svg => svg.getBoundingClientRect().toJSON())")
    assert [round(box["width"]) for box in boxes] == [700, 700]
    page.set_viewport_size({"width": 500, "height": 900})
    assert max(page.eval_on_selector_all("svg", "all => all.map(svg => svg.clientWidth)")) <= 500
    page.close()


@pytest.mark.parametrize("style", [HOSTILE, BLOG])
def test_a_fragment_can_be_pasted(browser, tmp_path, style):
    fragment = html.render(gpt2(), picture=two()[0])
    assert not re.search(r"\n\s*\n", fragment), "a blank line ends a block of HTML in Markdown"
    (found,) = survey(browser, page_of(tmp_path, style, fragment))
    found.assert_sound()


def corner(picture: bytes) -> tuple[int, ...]:
    """The first pixel of a PNG."""
    start = picture.index(b"IDAT") + 4
    return tuple(zlib.decompressobj().decompress(picture[start:], 64)[1:4])


@pytest.mark.parametrize(("scheme", "ground"), [("light", (255, 255, 255)), ("dark", (13, 17, 23))])
@pytest.mark.parametrize("meta", ["", "<meta name=color-scheme content='light dark'>"])
def test_an_image_follows_the_reader(browser, tmp_path, scheme, ground, meta):
    (tmp_path / "figure.svg").write_text(two()[0], encoding="utf-8")
    (tmp_path / "page.html").write_text(f"<!doctype html>{meta}<img src=figure.svg width=700 style='display: block'>")
    page = browser.new_page(color_scheme=scheme)
    page.goto((tmp_path / "page.html").as_uri())
    assert corner(page.locator("img").screenshot()) == ground
    page.close()
