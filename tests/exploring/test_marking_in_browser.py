"""A token followed through all figures, and an entry of a product with its row and column."""

import pytest

from shapetrace.drawing import Look, figure
from tests.browser import chromium
from tests.drawing.geometry import text_boxes
from tests.exploring.conftest import DESKTOP, PHONE, place
from tests.exploring.models import trace

pytestmark = pytest.mark.skipif(chromium() is None, reason="no Chromium on this system")

_PARTS = """
(row) => [...row.querySelectorAll("svg.cell")].filter((svg) => svg.querySelector(".hit")).map((svg) => {
  const sheets = '[class$="data"], [class$="data-hollow"], [class$="weight"], [class$="const"]';
  const front = svg.querySelector(sheets).getBBox();
  return [...svg.querySelectorAll(".mark")].map((mark) => {
    const box = mark.getBBox();
    return {
      sort: mark.getAttribute("class"), across: box.width / front.width, down: box.height / front.height,
      x: (box.x + box.width / 2 - front.x) / front.width, y: (box.y + box.height / 2 - front.y) / front.height,
    };
  });
})
"""
"""Of each matrix of a row, its marks: where they are in it, as parts of its width and height."""


def row_of(shown, title):
    return shown.locator(f"main .row[aria-label='{title}']").first


def marks(shown, title):
    return row_of(shown, title).evaluate(_PARTS)


def bar(shown):
    return " ".join(shown.locator("#bar").inner_text().split())


def test_a_token_is_marked_in_every_figure_of_the_page(opened):
    shown = opened("gpt2", "#h.0.attn")
    shown.keyboard.press("r")
    assert place(shown) == "h.0.attn?axis=0&row=512"
    for key in "+++-":
        shown.keyboard.press(key)
    assert place(shown) == "h.0.attn?axis=0&row=514"
    shown.locator("#bar input").fill("256")
    assert place(shown) == "h.0.attn?axis=0&row=256"
    (x, weight, query) = marks(shown, "Query")
    assert weight == [] and len(x) == len(query) == 1
    for mark in (*x, *query):
        assert mark["y"] == pytest.approx(255.5 / 1024, abs=0.02) and mark["across"] == pytest.approx(1, abs=0.01)
    _, (key,), score_marks = marks(shown, "Scores")
    assert key["x"] == pytest.approx(255.5 / 1024, abs=0.03) and key["down"] == pytest.approx(1, abs=0.01)
    row, column = score_marks
    assert row["across"] == pytest.approx(256 / 1024, abs=0.02), "a row sees what came before it"
    assert column["down"] == pytest.approx(1 - 255 / 1024, abs=0.02), "and is seen by what comes after it"
    _, together = marks(shown, "Concat heads")
    assert len(together) == 1
    for part, title in (("mlp", "Expand"), ("unembedding", "Unembedding")):
        shown.locator("#side").get_by_text(title, exact=True).last.click()
        assert part in place(shown) and "row=256" in place(shown)
        assert marks(shown, title)[0][0]["y"] == pytest.approx(255.5 / 1024, abs=0.02)
    assert "marked in 19 of 19 steps" in bar(shown)
    shown.keyboard.press("r")
    assert "row" not in place(shown) and shown.locator(".mark").count() == 0 and not shown.locator("#bar").is_visible()


def test_where_a_token_has_no_row_of_its_own_is_said(opened):
    shown = opened("deepseek-v3", "#h.3.mlp")
    shown.keyboard.press("r")
    assert "It has no row of its own after Dispatch" in bar(shown)
    ends = shown.locator("main .row.ends").evaluate_all("all => all.map(row => row.getAttribute('aria-label'))")
    assert ends == ["Dispatch"]
    assert marks(shown, "Down")[0] == [] and len(marks(shown, "Add")[2]) == 1
    assert [len(each) for each in marks(shown, "Dispatch")] == [1, 0]
    shown.locator("#bar").get_by_role("button", name="Dispatch").click()
    assert place(shown).startswith("h.3.mlp.experts/dispatch?")


def test_a_size_that_is_lit_can_be_followed_and_it_is_that_axis_alone(opened):
    shown = opened("transformer-base", "#decoder.0.cross_attn?axis=0")
    assert "64 T" in bar(shown) or "64 S" in bar(shown)
    assert "the same axis in" in bar(shown)
    shown.locator("#bar").get_by_role("button", name="Follow one of them").click()
    assert place(shown) == "decoder.0.cross_attn?axis=0&row=32"
    found = {title: [len(each) for each in marks(shown, title)] for title in ("Query", "Key", "Scores", "Weighted sum")}
    assert found == {"Query": [0, 0, 0], "Key": [1, 0, 1], "Scores": [0, 1, 1], "Weighted sum": [1, 1, 0]}


def test_a_click_in_a_matrix_follows_the_row_that_was_clicked(opened):
    shown = opened("gpt2", "#h.0.mlp?axis=0&row=1")
    hit = row_of(shown, "GELU").locator(".hit").first
    box = hit.bounding_box()
    hit.click(position={"x": box["width"] / 2, "y": box["height"] * 0.75})
    row = int(place(shown).split("row=")[1])
    assert row == pytest.approx(0.75 * 1024, abs=60)
    assert place(shown).startswith("h.0.mlp/gelu?")


def test_a_click_in_a_product_lights_its_row_and_its_column(opened):
    shown = opened("gpt2", "#h.0.mlp")
    hit = row_of(shown, "Expand").locator(".hit").nth(2)
    box = hit.bounding_box()
    hit.click(position={"x": box["width"] * 0.25, "y": box["height"] * 0.5})
    i, j = map(int, place(shown).split("entry=")[1].split(","))
    assert i == pytest.approx(512, abs=60) and j == pytest.approx(768, abs=120)
    (x,), (weight,), (entry,) = marks(shown, "Expand")
    assert x["y"] == pytest.approx((i - 0.5) / 1024, abs=0.03) and x["across"] == pytest.approx(1, abs=0.01)
    assert weight["x"] == pytest.approx((j - 0.5) / 3072, abs=0.03) and weight["down"] == pytest.approx(1, abs=0.01)
    assert (entry["x"], entry["y"]) == (pytest.approx(weight["x"], abs=0.03), pytest.approx(x["y"], abs=0.03))
    assert f"H[{i}, {j}] = Σ X̂1[{i}, k] · W1[k, {j}], a sum of 768 products" in bar(shown)
    shown.locator("aside input").first.fill("3")
    assert f"entry=3,{j}" in place(shown)
    shown.locator("aside input").first.fill("4000")
    assert f"entry=3,{j}" in place(shown), "there is no such row"
    shown.keyboard.press("Tab")
    row_of(shown, "GELU").locator(".lab").click()
    assert "entry" not in place(shown) and shown.locator(".mark").count() == 0


@pytest.mark.parametrize(("entry", "hidden"), [("87,412", True), ("412,87", False), ("5,5", False)])
def test_an_entry_that_a_mask_hides_says_so(opened, entry, hidden):
    shown = opened("gpt2", f"#h.0.attn/scores?entry={entry}")
    i, j = entry.split(",")
    assert f"S[{i}, {j}] = Σ Q[{i}, k] · KT[k, {j}], a sum of 64 products for each of the 12" in bar(shown)
    assert ("The mask hides it." in bar(shown)) is hidden
    (query,), (key,), (_,) = marks(shown, "Scores")
    assert query["across"] == pytest.approx(1, abs=0.01) and key["down"] == pytest.approx(1, abs=0.01)


@pytest.mark.parametrize(
    "link",
    ["#h.0.attn/scores?entry=1025,1", "#h.0.attn/scores?entry=0,1", "#h.0.attn?entry=1,1",
     "#h.0.attn/softmax?entry=1,1", "#?axis=0&row=4096", "#?axis=0&row=0"],
)  # fmt: skip
def test_what_does_not_exist_is_not_marked(opened, link):
    assert opened("gpt2", link).locator(".mark").count() == 0


def test_a_row_has_the_number_that_a_figure_gives_it(opened):
    drawn = figure(trace("gpt2").outline(), look=Look(follow="2"))
    assert "row 2 of 1,024" in [text for text, _ in text_boxes(drawn)]
    shown = opened("gpt2", "#h.0.attn?row=2")
    assert shown.locator("#bar input").input_value() == "2"
    assert place(shown) == "h.0.attn?axis=0&row=2"
    (x, _, _) = marks(shown, "Query")
    assert x[0]["y"] == pytest.approx(0, abs=0.03), "the second of 1,024 is at the top"


def test_keys_alone_look_at_an_entry(opened):
    shown = opened("gpt2", "#h.0.mlp/shrink")
    shown.keyboard.press("e")
    assert "entry=512,256" in place(shown) and shown.locator(".mark.entry").count() == 3
    shown.keyboard.press("Escape")
    assert place(shown) == "h.0.mlp/shrink" and shown.locator(".mark").count() == 0


def test_the_same_token_is_followed_in_two_models(opened):
    shown = opened("gpt2 llama-3.1-8b", "#h.0.attn")
    shown.keyboard.press("r")
    for side in (0, 1):
        assert shown.locator(f"main .half[data-side='{side}'] .mark").count() > 10
    shown.reload()
    shown.wait_for_function("document.documentElement.dataset.ready")
    assert shown.locator("main .half[data-side='1'] .mark").count() > 10


@pytest.mark.parametrize("size", [DESKTOP, PHONE])
def test_the_bar_fits_the_screen(opened, size):
    shown = opened("deepseek-v3", "#h.3.mlp?axis=0&row=5&lang=zh", size)
    box = shown.locator("#bar").bounding_box()
    assert box["x"] >= 0 and box["x"] + box["width"] <= size["width"]
    assert "跟踪编号" in bar(shown)
