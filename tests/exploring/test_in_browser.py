"""The explorer in Chromium: what a reader does, and what they then see."""

import re

import pytest

import shapetrace
from shapetrace.cli import main as command_line
from tests.browser import chromium
from tests.exploring.conftest import DESKTOP, PHONE, place
from tests.exploring.models import HOSTILE, trace

pytestmark = pytest.mark.skipif(chromium() is None, reason="no Chromium on this system")
MODELS = ["gpt2", "transformer-base", "deepseek-v3", "hostile", "broken"]
SHOWN = [*MODELS, "generated gpt2"]


@pytest.mark.parametrize("name", SHOWN)
def test_the_first_picture_is_the_map(opened, name):
    shown = opened(name, "#?lang=en")
    areas = shown.locator("main .map .area")
    assert areas.count() >= 1 and shown.locator("main .row").count() == 0
    keys = areas.evaluate_all("all => all.map(area => area.dataset.go)")
    for at in range(areas.count()):
        areas.nth(at).focus()
        shown.keyboard.press("Enter")
        assert shown.locator("#side [aria-selected='true']").get_attribute("data-k") == keys[at]
        assert shown.locator("main .row").count() >= 1
        shown.evaluate("location.hash = ''")
        shown.wait_for_selector("main .map")


def test_a_box_of_the_map_opens_its_part_and_escape_leads_back(opened):
    shown = opened("gpt2")
    shown.locator("main .area[aria-label='MLP']").click()
    assert place(shown) == "h.0.mlp" and shown.locator("h1").inner_text().startswith("MLP")
    shown.keyboard.press("Escape")
    shown.keyboard.press("Escape")
    assert place(shown) == "" and shown.locator("main .map").count() == 1
    shown.locator("main").get_by_role("button", name="Rows").click()
    assert place(shown) == "?view=rows" and shown.locator("main .map").count() == 0
    shown.keyboard.press("m")
    assert shown.locator("main .map").count() == 1
    shown.keyboard.press("l")
    assert "注意力" in shown.locator("main .map").text_content()


@pytest.mark.parametrize("name", SHOWN)
@pytest.mark.parametrize("size", [DESKTOP, PHONE])
def test_the_map_is_never_shrunk_and_stays_in_its_place(opened, name, size):
    shown = opened(name, "#?lang=en", size)
    fonts = shown.locator(".map text").evaluate_all(
        "all => all.map(e => parseFloat(getComputedStyle(e).fontSize) * e.getScreenCTM().a)"
    )
    assert min(fonts) >= 10.4
    assert shown.evaluate("document.documentElement.scrollWidth") <= size["width"]


@pytest.mark.parametrize("name", MODELS)
def test_the_rows_are_those_of_the_whole_model(opened, name):
    shown = opened(name, "#?view=rows")
    assert shown.locator("h1").first.inner_text().startswith(trace(name).model.name[:12])
    steps = list(trace(name).outline().steps())
    assert shown.locator("main .row").count() == len(steps)
    assert shown.locator("main svg.cell").count() >= 2 * len(steps)


def test_the_tree_counts_what_the_outline_counts(opened):
    shown = opened("gpt2")
    whole = trace("gpt2").outline().totals
    assert f"{whole.parameters:,}" in shown.locator("aside").inner_text()
    bars = shown.locator("#side .node b").evaluate_all("all => all.map(bar => bar.getBoundingClientRect().width)")
    assert bars[0] == max(bars) > 20
    shown.get_by_role("button", name="FLOPs", exact=True).click()
    assert "292 G" in shown.locator("#side .node").first.inner_text()
    assert "bars=flops" in place(shown)


def test_a_step_tells_its_equation_origin_readers_and_operations(opened):
    shown = opened("gpt2")
    shown.locator("#side").get_by_text("Scores", exact=True).click()
    told = " ".join(shown.locator("aside").inner_text().split())
    assert "Q × KT = S" in told
    assert "[1024, 64] ×12 × [64, 1024] ×12 → [1024, 1024] ×12" in told
    assert "from Query" in told and "from Key" in told and "read by Softmax" in told
    assert "= 2 · 1024 · 64 · 1024 · 12" in told
    shown.locator("aside summary").click()
    assert "matmul" in shown.locator("aside .raw").inner_text()
    shown.locator("aside").get_by_role("button", name="Query").click()
    assert place(shown) == "h.0.attn/query"


def test_a_link_holds_the_whole_state(opened):
    link = "#h.7.attn/scores?dims=names&form=fused&bars=flops&lang=zh&theme=dark"
    shown = opened("gpt2", link)
    assert place(shown) == link[1:]
    assert shown.locator("aside h2").inner_text() == "注意力分数"
    assert "h.7.attn" in shown.locator("aside .path").inner_text()
    assert shown.evaluate("getComputedStyle(document.querySelector('main')).backgroundColor") == "rgb(13, 17, 23)"
    assert "T" in shown.locator("main .row.sel").text_content()
    assert "1024" not in shown.locator("main .row.sel").text_content()
    shown.evaluate("location.hash = '#h.2.mlp/expand'")
    shown.wait_for_function("document.querySelector('aside h2').textContent === 'Expand'")
    assert "h.2.mlp" in shown.locator("aside .path").inner_text()


@pytest.mark.parametrize("link", ["#nothing/here", "#%", "#h.99.attn", "#?dims=both&theme=<b>&axis=x"])
def test_a_link_that_leads_nowhere_opens_the_model(opened, link):
    assert opened("gpt2", link).locator("h1").inner_text().startswith("GPT-2 small")


def test_layers_alike_are_chosen_in_the_heading(opened):
    shown = opened("gpt2", "#h.0.attn/output")
    assert "of 12 alike" in shown.locator("h1").inner_text()
    assert shown.get_by_role("button", name="Layer before").is_disabled()
    shown.get_by_role("button", name="Next layer").click()
    assert place(shown) == "h.1.attn/output"
    shown.locator("aside summary").click()
    number = int(shown.locator("aside .raw li span").first.inner_text())
    op = trace("gpt2").ops[number]
    assert trace("gpt2").calls[op.call].path == "h.1.attn.c_proj"


def test_everything_can_be_done_with_keys(opened):
    shown = opened("gpt2")
    shown.locator("#side [tabindex='0']").focus()
    for _ in range(2):
        shown.keyboard.press("ArrowDown")
    assert place(shown) == "embedding/token-lookup"
    shown.keyboard.press("End")
    assert place(shown) == "unembedding/unembedding"
    shown.keyboard.press("Enter")
    assert shown.evaluate("document.activeElement.className").startswith("row")
    shown.keyboard.press("ArrowUp")
    assert place(shown) == "unembedding/layernorm"
    shown.keyboard.press("ArrowRight")
    assert "read by" in shown.locator("#tip").inner_text()
    shown.keyboard.press("Enter")
    assert place(shown) == "h.0/residual-2"
    shown.keyboard.press("Escape")
    assert place(shown) == "h.0"
    shown.keyboard.press("]")
    shown.keyboard.press("n")
    shown.keyboard.press("b")
    shown.keyboard.press("t")
    assert place(shown) == "h.1?dims=names&bars=flops&theme=dark"
    shown.keyboard.press("?")
    assert shown.locator("#help").is_visible() and "one level up" in shown.locator("#help").inner_text()
    shown.keyboard.press("Escape")
    assert not shown.locator("#help").is_visible()


def test_the_tree_is_one_for_screen_readers(opened):
    shown = opened("gpt2")
    tree = shown.get_by_role("tree")
    items = tree.get_by_role("treeitem").evaluate_all(
        "all => all.map(e => [e.getAttribute('aria-level'), e.getAttribute('aria-label'), e.tabIndex])"
    )
    assert items[0][:2] == ["1", "GPT-2 small, 124 M Parameters"]
    assert sum(tab == 0 for _, _, tab in items) == 1
    assert tree.locator("[aria-selected='true']").count() == 1


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_follows_the_system(opened, scheme):
    shown = opened("gpt2", scheme=scheme)
    paper = shown.evaluate("getComputedStyle(document.querySelector('main')).backgroundColor")
    assert paper == {"light": "rgb(255, 255, 255)", "dark": "rgb(13, 17, 23)"}[scheme]


def test_a_phone_shows_all_of_it(opened):
    shown = opened("deepseek-v3", "#h.3.mlp.experts/down", PHONE)
    assert shown.evaluate("document.documentElement.scrollWidth") <= 390
    widest = shown.locator("main svg.cell").evaluate_all(
        "all => Math.max(...all.map(e => e.getBoundingClientRect().right))"
    )
    assert widest <= 390
    texts = shown.locator("main svg text").evaluate_all("all => all.map(e => parseFloat(getComputedStyle(e).fontSize))")
    assert min(texts) >= 10.5
    assert not shown.locator("#side").is_visible()
    shown.locator("#drawer").click()
    shown.locator("#side").get_by_text("Router", exact=True).click()
    assert place(shown) == "h.3.mlp/router"
    shown.locator("aside .grab").click()
    assert "Scores 256 experts for each token" in shown.locator("aside").inner_text()


def test_of_many_layers_a_part_is_shown_and_the_rest_is_one_click_or_key_away(opened):
    shown = opened("deep")
    steps = [step.id for step in trace("deep").outline().steps()]
    assert shown.locator("main .map").count() == 0
    assert shown.locator("main .row").count() + shown.locator("main .card").count() <= 240
    assert shown.locator("#side [role=treeitem]").count() <= 400
    shown.evaluate(f"location.hash = {steps[450]!r}")
    shown.wait_for_selector("#side [aria-selected=true][data-k=t450]")
    assert shown.locator("main .row.sel").get_attribute("data-k") == "t450"
    shown.locator("#side [aria-selected=true]").focus()
    for _ in range(100):
        shown.keyboard.press("ArrowUp")
    seen = shown.evaluate("document.activeElement.dataset.k")
    assert seen == shown.locator("#side [aria-selected=true]").get_attribute("data-k")
    shown.locator("#side .turn button").last.click()
    shown.evaluate("location.hash = '?view=rows'")
    shown.wait_for_selector("main .panel[data-s='0']")
    before = shown.locator("main .panel > *").nth(3).inner_text()
    shown.locator("main").get_by_role("button", name="parts after").click()
    assert shown.locator("main .panel > *").nth(3).inner_text() != before
    assert shown.locator("main").get_by_role("button", name="parts before").count() == 1


def test_keys_reach_every_step_of_many_without_a_leap(opened):
    shown = opened("deep")
    shown.locator("#side [tabindex='0']").focus()
    keys = [shown.evaluate("document.activeElement.dataset.k")]
    for _ in range(150):
        shown.keyboard.press("ArrowDown")
        keys.append(shown.evaluate("document.activeElement.dataset.k"))
    for _ in range(150):
        shown.keyboard.press("ArrowUp")
    assert shown.evaluate("document.activeElement.dataset.k") == keys[0]
    root = trace("deep").outline().root.items
    assert len(set(keys)) == 151
    assert len(keys[1:]) == len(root[:150])


def test_hostile_names_are_shown_as_they_are(opened):
    shown = opened("hostile")
    assert shown.locator("h1").inner_text() == HOSTILE
    assert shown.title().startswith("</script>")
    assert shown.locator("main img").count() == 0


def test_a_failing_pass_opens_where_it_ended_with_the_clash_drawn(opened):
    shown = opened("broken")
    assert place(shown) == "first"
    box = shown.locator(".failure")
    assert box.bounding_box()["y"] >= 56
    assert "8 ≠ 9: linear failed in second" in box.locator("svg").text_content()
    assert box.locator("svg .i-clash-edge, svg [class*=clash]").count() >= 2
    box.locator("summary").click()
    assert "would fit: Linear(8, 4) as second" in box.inner_text()
    shown.locator("#side [data-k=s0] .n").first.click()
    assert shown.locator("main .map").count() == 1 and box.is_visible()
    shown.keyboard.press("l")
    assert "8 ≠ 9" in box.locator("svg").text_content() and "提前结束" in box.inner_text()


def test_a_link_into_a_failing_pass_leads_where_it_says(opened):
    assert opened("broken", "#?view=rows").locator("aside h2").inner_text() == "Broken"


def test_several_pages_in_a_notebook_do_not_disturb_each_other(browser, tmp_path):
    cells = [shapetrace.explore(trace(name), at=at) for name, at in (("gpt2", "attention"), ("hostile", ""))]
    notebook = tmp_path / "notebook.html"
    frames = "".join(cell._repr_html_() for cell in cells)
    notebook.write_text(f"<!doctype html><body data-jp-theme-light='false'>{frames}</body>", encoding="utf-8")
    shown = browser.new_page(viewport=DESKTOP, color_scheme="light")
    errors = []
    shown.on("pageerror", lambda error: errors.append(str(error)))
    shown.goto(notebook.as_uri())
    first, second = (shown.frame_locator(f"iframe >> nth={n}") for n in (0, 1))
    assert first.locator("h1").inner_text().startswith("Attention")
    assert second.locator("h1").inner_text() == HOSTILE
    first.locator("main .row .lab").nth(3).click()
    assert first.locator("aside h2").inner_text() == "Scores"
    assert second.locator("aside h2").inner_text() == HOSTILE
    assert first.locator("html").get_attribute("data-theme") == "dark"
    shown.close()
    assert not errors


def test_what_embed_links_to_opens_at_the_place(browser, tmp_path, monkeypatch):
    post = tmp_path / "post.md"
    post.write_text(
        '<!-- shapetrace: explore gpt2 --at "h.7.attn/scores?dims=names&entry=9,4" -->\n\n'
        "<!-- shapetrace: explore gpt2 --at embedding --frame 500 -->\n",
        encoding="utf-8",
    )
    monkeypatch.setattr("sys.argv", ["shapetrace", "embed", str(post)])
    with pytest.raises(SystemExit):
        command_line.main()
    link = re.search(r"\]\(([^)]+)\)", post.read_text(encoding="utf-8"))[1]
    frame = re.search(r"<iframe .*</iframe>", post.read_text(encoding="utf-8"))[0]
    shown = browser.new_page(viewport=DESKTOP)
    shown.goto(f"{tmp_path.as_uri()}/{link}")
    shown.wait_for_function("document.documentElement.dataset.ready")
    assert place(shown) == "h.7.attn/scores?dims=names&entry=9,4"
    article = tmp_path / "article.html"
    article.write_text(f"<!doctype html><body>{frame}</body>", encoding="utf-8")
    shown.goto(article.as_uri())
    assert shown.frame_locator("iframe").locator("h1").inner_text().startswith("Embedding")
    shown.close()
