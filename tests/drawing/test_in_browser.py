"""Figures in Chromium, light and dark: nothing overlaps, nothing is clipped, everything is legible."""

import pytest

from shapetrace.drawing import Look, figure
from shapetrace.formats.svg import render
from shapetrace.outlining.structure import Operand, Step
from tests.browser import chromium, survey
from tests.drawing.outlines import data, gpt2, outline_of, product, weight

pytestmark = pytest.mark.skipif(chromium() is None, reason="no Chromium on this system")

HOSTILE = [
    "<script>alert(1)</script>", "\"quotes\" & 'more'", "\x00\x08\x1b[31m", "👩‍👩‍👧🦜", "مرحبا \u202eשלום",
    "m" * 500, "层" * 200, "]]><x/>", "{{ 7*7 }}", "",
]  # fmt: skip


def extremes():
    return outline_of(
        product("Tiny and huge", data("X", 1, 7), weight("W", 7, 128256, stack=15616, stack_axes=(61, 256)),
                data("Y", 1, 128256)),
        Step("c", "", "convolution", "Convolution", "stem.conv1", "∗",
             (data("", 2, 3, 8, 224, 224), weight("", 64, 3, 7, 7, 7)), (data("", 2, 64, 8, 112, 112),)),
        Step("u", "", "unknown", "topk", "", "topk", (data("", 7, 1), Operand("s", "constant", ())),
             tuple(data("", 2, n) for n in range(3, 13))),
    )  # fmt: skip


def hostile():
    steps = [product(name, data(name, 6, 4), weight(name, 4, 64), data(name, 6, 64), path=name, section=str(i))
             for i, name in enumerate(HOSTILE)]  # fmt: skip
    lookup = Step("l", "", "lookup", "Lookup", "e", "→", (data("ids", 10, labels=tuple(HOSTILE)), weight("E", 99, 4)),
                  (data("X", 10, 4),))  # fmt: skip
    return outline_of(lookup, *steps, name=HOSTILE[0] + HOSTILE[4] + HOSTILE[5])


FIGURES = {
    "overview": lambda: figure(gpt2()),
    "overview-zh": lambda: figure(gpt2(5, ("The", "capital", "of", "France", "is")), lang="zh"),
    "attention": lambda: figure(gpt2(), section="attention"),
    "attention-narrow": lambda: figure(gpt2(), section="attention", look=Look(width_px=600, caption="Why. " * 60)),
    "embedding-print": lambda: figure(gpt2(), section="embedding", theme="print"),
    "mlp-dark": lambda: figure(gpt2(), section="mlp", theme="dark"),
    "folded": lambda: figure(gpt2(), look=Look(max_rows=8)),
    "extremes": lambda: figure(extremes()),
    "hostile": lambda: figure(hostile()),
    "hostile-zh": lambda: figure(hostile(), lang="zh", look=Look(width_px=700)),
}


@pytest.mark.parametrize("name", FIGURES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_browser_finds_no_fault(browser, tmp_path, name, scheme):
    path = tmp_path / f"{name}.svg"
    path.write_text(render(FIGURES[name]()), encoding="utf-8")
    (found,) = survey(browser, path, scheme)
    found.assert_sound()


def test_the_dark_theme_follows_the_reader(browser, tmp_path):
    path = tmp_path / "figure.svg"
    path.write_text(render(figure(gpt2(), section="mlp")), encoding="utf-8")
    assert survey(browser, path, "light")[0].background == "rgb(255, 255, 255)"
    assert survey(browser, path, "dark")[0].background == "rgb(13, 17, 23)"


def test_two_figures_survive_the_style_of_one_page(browser, tmp_path):
    page = tmp_path / "page.html"
    style = (
        "svg text {font: italic 30px serif; fill: red; letter-spacing: 9px} svg rect {fill: red; stroke: red}"
        ".post svg * {stroke-width: 5} * {text-transform: uppercase; direction: rtl; word-spacing: 2em}"
    )
    light, dark = (render(figure(gpt2(), section="mlp", theme=theme)) for theme in ("light", "dark"))
    page.write_text(f"<meta charset=utf-8><style>{style}</style><div dir=rtl class=post>{light}{dark}</div>")
    first, second = survey(browser, page)
    assert (first.background, second.background) == ("rgb(255, 255, 255)", "rgb(13, 17, 23)")
    for found in (first, second):
        found.assert_sound()
