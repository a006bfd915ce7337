"""Two models side by side in Chromium: moving in one moves the other."""

import pytest

from tests.browser import chromium
from tests.exploring.conftest import DESKTOP, PHONE, place
from tests.exploring.models import trace

pytestmark = pytest.mark.skipif(chromium() is None, reason="no Chromium on this system")
PAIR = "gpt2 llama-3.1-8b"


def halves(shown, selector):
    return [" ".join(text.split()) for text in shown.locator(f"{selector} .half").all_inner_texts()]


def test_choosing_a_step_chooses_its_partner(opened):
    shown = opened(PAIR, "#h.0.mlp")
    shown.locator("main .row .half[data-side='1'] .lab").filter(has_text="Gate").click()
    assert place(shown) == "h.0.mlp/expand?with=h.0.mlp/gate"
    left, right = halves(shown, "aside")
    assert left.startswith("GPT-2 small Expand") and right.startswith("Llama 3.1 8B Gate")
    assert "[1024, 768] × [768, 3072] → [1024, 3072]" in left
    assert "[1024, 4096] × [4096, 14336] → [1024, 14336]" in right
    told = shown.locator("aside .differs").inner_text()
    assert told == "differs: in its shapes, 2,362,368 → 58,720,256 parameters"
    shown.keyboard.press("ArrowDown")
    left, right = halves(shown, "aside")
    assert "Nothing like it in this model." in left and "Up" in right
    assert place(shown) == "?with=h.0.mlp/up"
    shown.keyboard.press("Escape")
    assert place(shown) == "h.0.mlp?with=h.0.mlp" and shown.locator("aside .half").count() == 2
    assert shown.evaluate("document.body.classList.contains('pair')")


@pytest.mark.parametrize(
    "link", ["#h.7.attn/scores?with=h.7.attn/scores&dims=names", "#?with=h.20.mlp/up", "#h.11.mlp?with=h.30.mlp"]
)
def test_a_link_holds_the_place_in_both(opened, link):
    shown = opened(PAIR, link)
    assert sorted(place(shown).split("?")[1].split("&")) == sorted(link.split("?")[1].split("&"))
    assert place(shown).split("?")[0] == link[1:].split("?")[0]


def test_layers_move_together_and_the_shorter_model_waits_at_its_last(opened):
    shown = opened(PAIR, "#h.10.attn/query?with=h.10.attn/query")
    seen = []
    for key in "]]][[[":
        shown.keyboard.press(key)
        seen.append(place(shown).replace(".attn/query", "").split("?with="))
    assert seen == [
        ["h.11", "h.11"],
        ["h.11", "h.12"],
        ["h.11", "h.13"],
        ["h.11", "h.12"],
        ["h.11", "h.11"],
        ["h.10", "h.10"],
    ]


def test_what_differs_is_marked_and_d_leads_through_it(opened):
    shown = opened("alike wider", "#?view=rows")
    assert shown.locator(".verdict b").inner_text() == "2 products or parameters differ"
    marked = shown.locator("main .row:is(.changed, .added, .removed)")
    titles = marked.evaluate_all("all => all.map(row => row.getAttribute('aria-label'))")
    assert len(titles) == 2
    assert shown.locator("main .row.changed .edge.other").count() > 0
    assert shown.locator("main .row:not(.changed, .follows) .edge.other").count() == 0
    seen = []
    for _ in range(3):
        shown.keyboard.press("d")
        seen.append(place(shown))
    places = ("layers.3/expand", "layers.3/shrink", "layers.3/expand")
    assert seen == [f"{path}?view=rows&with={path}" for path in places]
    assert shown.locator("#side [aria-selected='true']").get_attribute("aria-label").endswith("parameters")


def test_a_value_and_an_axis_light_up_in_their_own_model_alone(opened):
    shown = opened(PAIR, "#h.0.attn")
    shown.locator("main .half[data-side='1'] .hit").nth(2).hover()
    assert shown.locator(".half[data-side='1'] .on").count() > 1
    assert shown.locator(".half[data-side='0'] .on").count() == 0
    shown.locator("main .half[data-side='1'] .edge").first.click()
    assert shown.locator(".half[data-side='1'] .same").count() > 3
    assert shown.locator(".half[data-side='0'] .same").count() == 0
    assert "@2" in place(shown)
    shown.reload()
    shown.wait_for_function("document.documentElement.dataset.ready")
    assert shown.locator("main .half[data-side='1'] .same").count() > 3


def test_a_failing_pass_stands_beside_its_mended_one(opened):
    shown = opened("broken mended")
    assert shown.locator(".failure").count() == 1
    assert shown.locator(".half[data-side='0'] .failure").count() == 1
    shown.keyboard.press("d")
    assert "Nothing like it in this model." in halves(shown, "aside")[0]


def test_search_finds_what_only_the_second_model_has(opened):
    shown = opened(PAIR)
    shown.keyboard.press("/")
    shown.keyboard.type("rope")
    assert "step · Llama 3.1 8B" in shown.locator("#hits").inner_text()
    shown.keyboard.press("Enter")
    assert place(shown) == "?with=h.0.attn/rope"
    shown.keyboard.press("/")
    shown.keyboard.type("scores")
    hits = shown.locator("#hits [role=option]").filter(has_text="Scores")
    assert hits.filter(has_text="step").count() == 1 and "Llama" not in hits.first.inner_text()


@pytest.mark.parametrize("size", [DESKTOP, PHONE])
@pytest.mark.parametrize("link", ["", "#h.0.attn", "#h.0.mlp/expand"])
def test_two_models_fit_the_screen(opened, size, link):
    shown = opened(PAIR, link, size)
    assert shown.evaluate("document.documentElement.scrollWidth") <= size["width"]
    edges = shown.locator("main svg.cell").evaluate_all("all => all.map(e => e.getBoundingClientRect().right)")
    assert max(edges) <= size["width"]
    assert trace("gpt2").model.name in shown.locator("main").inner_text()
    texts = shown.locator("main svg text").evaluate_all(
        "all => all.map(e => [e.getScreenCTM(), parseFloat(getComputedStyle(e).fontSize)])"
        ".map(([matrix, size]) => size * Math.hypot(matrix.a, matrix.b))"
    )
    assert min(texts) >= 10.4


def test_in_chinese_and_as_a_file(opened):
    shown = opened(PAIR, "#h.0.mlp/expand?lang=zh")
    assert shown.locator("aside .differs").inner_text() == "不同：形状不同、2,362,368 → 58,720,256 个参数"
    with shown.expect_download() as download:
        shown.locator("#save").click()
        shown.locator("[data-save=svg]").click()
    text = download.value.path().read_text(encoding="utf-8")
    assert "GPT-2 small ↔ Llama 3.1 8B" in text and "14336" in text and "3072" in text
