"""What a reader takes along from a page: a figure as a file, a print."""

import re

import pytest

from tests.browser import chromium

pytestmark = pytest.mark.skipif(chromium() is None, reason="no Chromium on this system")


_CUT = (
    "[...document.querySelectorAll('svg svg')].filter((each) => getComputedStyle(each).overflow !== 'visible').length"
)
"""How many matrices stand in a frame that cuts off what is lit at their edges."""


def taken(shown, kind):
    shown.locator("#save").click()
    with shown.expect_download() as download:
        shown.locator(f"[data-save={kind}]").click()
    return download.value.suggested_filename, download.value.path().read_bytes()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_figure_is_taken_as_it_is_shown(opened, tmp_path, scheme):
    shown = opened("gpt2", "#h.0.attn?row=5&dims=names", scheme=scheme)
    name, content = taken(shown, "svg")
    text = content.decode("utf-8")
    assert name == "h.0.attn.svg" and "class=" not in text
    assert {"Query", "softmax", "Weighted sum"} <= set(re.findall(r">([^<>]+)</text>", text))
    file = tmp_path / name
    file.write_bytes(content)
    picture = shown.context.browser.new_page()
    picture.goto(file.as_uri())
    cut = picture.evaluate(_CUT)
    picture.close()
    assert cut == 0, "what is lit at an edge is whole"


def test_a_picture_is_twice_the_size(opened):
    shown = opened("gpt2", "#h.0.mlp")
    _, text = taken(shown, "svg")
    name, content = taken(shown, "png")
    width = int.from_bytes(content[16:20], "big")
    assert name == "h.0.mlp.png" and content.startswith(b"\x89PNG")
    assert width == pytest.approx(2 * float(re.search(rb'width="([\d.]+)"', text)[1]), abs=2)


@pytest.mark.parametrize("link", ["", "#h.0.attn", "#h.0.attn?theme=dark"])
def test_a_print_is_the_figure_alone_on_white_paper(opened, link):
    shown = opened("gpt2", link, scheme="dark")
    shown.emulate_media(media="print", color_scheme="dark")
    assert shown.evaluate("getComputedStyle(document.documentElement).colorScheme") == "light"
    assert shown.evaluate("getComputedStyle(document.querySelector('main')).backgroundColor") == "rgb(255, 255, 255)"
    assert not any(shown.locator(each).is_visible() for each in ("header", "nav", "aside"))
