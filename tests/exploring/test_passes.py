"""A generation to walk through: what its page knows, against the passes themselves; and what a reader sees of it."""

import pytest

import shapetrace
from shapetrace.drawing.wording import words_in
from shapetrace.errors import UsageError
from shapetrace.exploring import page_data
from shapetrace.generations.decoding import Generation
from tests.browser import chromium
from tests.exploring.conftest import DESKTOP, PHONE, place
from tests.exploring.models import generation, page, shown, trace
from tests.exploring.test_page import unpacked

NAME = "generated gpt2"
needs_chromium = pytest.mark.skipif(chromium() is None, reason="no Chromium on this system")


def test_each_pass_has_its_own_steps_and_bill():
    data, _ = page_data(shown(NAME), [words_in("en")])
    passes = generation("gpt2").passes
    assert len(data["subjects"]) == len(passes) == 5
    for each, bill, subject in zip(passes, generation("gpt2").bills, data["subjects"], strict=True):
        steps = subject["forms"]["head"]["steps"]
        assert [step["id"] for step in steps] == [step.id for step in each.outline.steps()]
        assert subject["bill"]["cache_read"] == bill.cache_read
    scores = [
        next(step for step in subject["forms"]["head"]["steps"] if step["kind"] == "scores")
        for subject in data["subjects"]
    ]
    assert [step["results"][0]["shape"] for step in scores] == [[5, 5], [1, 6], [1, 7], [1, 8], [1, 9]]


def test_what_passes_have_alike_is_written_once():
    data = unpacked(page(NAME))
    forms = [form for subject in data["subjects"] for form in subject["forms"].values()]
    n_steps = sum(len(form["steps"]) for form in forms)
    assert len(data["steps"]) < 0.6 * n_steps
    whole, _ = page_data(shown(NAME), [words_in("en"), words_in("zh")])
    for subject, told in zip(data["subjects"], whole["subjects"], strict=True):
        for name, form in told["forms"].items():
            assert [data["steps"][n] for n in subject["forms"][name]["steps"]] == form["steps"]
    assert len(page(NAME).encode()) < 1.5 * len(page("gpt2").encode())


def test_a_generation_gives_its_page_and_one_without_passes_says_so():
    assert generation("gpt2").explore(at="attention").html.count("<script") == 2
    with pytest.raises(UsageError, match="no module was called"):
        Generation().explore()


def test_two_models_and_a_trace_are_no_generation():
    assert unpacked(shapetrace.explore(trace("gpt2")).html)["layout"] == "one"
    assert unpacked(page("gpt2 gpt2"))["layout"] == "pair"


@needs_chromium
def test_tabs_and_keys_move_along_the_passes_and_stay_at_the_step(opened):
    shown = opened(NAME, "#h.3.attn/scores")
    assert shown.get_by_role("tab", name="Prefill").get_attribute("aria-selected") == "true"
    assert "[5, 64] ×12 × [64, 5] ×12" in " ".join(shown.locator("aside").inner_text().split())
    shown.get_by_role("tab", name="Decode").click()
    assert place(shown) == "h.3.attn/scores?pass=1"
    assert "[1, 64] ×12 × [64, 6] ×12" in " ".join(shown.locator("aside").inner_text().split())
    for _ in range(9):
        shown.keyboard.press(".")
    assert place(shown) == "h.3.attn/scores?pass=4"
    assert "decode step 4 of 4" in shown.locator(".turns").inner_text()
    assert "[64, 9]" in shown.locator("aside").inner_text()
    shown.keyboard.press(",")
    assert place(shown) == "h.3.attn/scores?pass=3"
    shown.locator(".timeline button").first.click()
    assert place(shown) == "h.3.attn/scores"


@needs_chromium
def test_a_step_that_a_pass_lacks_leads_to_the_section_around(opened):
    ids = [{step.id for step in each.outline.steps()} for each in generation("gpt2").passes[:2]]
    lacked = sorted(ids[1] - ids[0])
    assert lacked, "the first pass appends to nothing"
    shown = opened(NAME, f"#{lacked[0]}?pass=1")
    assert place(shown).startswith(lacked[0])
    shown.keyboard.press(",")
    assert place(shown) == lacked[0].partition("/")[0]


@needs_chromium
@pytest.mark.parametrize("link", ["#?pass=9", "#?pass=x", "#?pass=-1"])
def test_a_pass_that_does_not_exist_is_the_first(opened, link):
    assert "before 4 decode steps" in opened(NAME, link).locator(".turns").inner_text()


@needs_chromium
def test_the_timeline_is_as_high_as_what_the_cache_holds(opened):
    shown = opened(NAME)
    heights = shown.locator(".timeline i").evaluate_all("all => all.map(bar => bar.getBoundingClientRect().height)")
    assert heights == sorted(heights) and len(set(heights)) == 5
    kept = [bill.cache_read + bill.cache_written for bill in generation("gpt2").bills]
    assert (heights[0] - 4) / (heights[-1] - 4) == pytest.approx(kept[0] / kept[-1], abs=0.03)


@needs_chromium
@pytest.mark.parametrize("size", [DESKTOP, PHONE])
def test_passes_without_a_cache_are_numbered_and_what_one_saves_is_said(opened, size):
    shown = opened("recomputed gpt2", "#h.3.attn/scores?pass=2", size)
    bar = " ".join(shown.locator(".turns").inner_text().split())
    assert "pass 3 of 3" in bar
    assert "each pass computes all of the text again" in bar
    assert "FLOPs in products instead of" in bar
    assert not [word for word in ("Prefill", "Decode", "cache read", "before") if word in bar]
    assert shown.get_by_role("tab").all_inner_texts() == ["Pass 1", "Pass 3"]
    heights = shown.locator(".timeline i").evaluate_all("all => all.map(bar => bar.getBoundingClientRect().height)")
    assert heights == sorted(heights) and len(set(heights)) == 3
    assert shown.evaluate("document.documentElement.scrollWidth") <= size["width"]


@needs_chromium
@pytest.mark.parametrize("size", [DESKTOP, PHONE])
def test_passes_fit_the_screen(opened, size):
    shown = opened(NAME, "#h.0.attn?pass=2&lang=zh", size)
    assert shown.evaluate("document.documentElement.scrollWidth") <= size["width"]
    assert "解码第 2 步，共 4 步" in shown.locator(".turns").inner_text()
