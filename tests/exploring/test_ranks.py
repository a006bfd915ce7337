"""Ranks that share a model, as tabs of one page: what each holds and computes, against ranks traced alone."""

import pytest

import shapetrace
from shapetrace.exploring import Tour
from tests.browser import chromium
from tests.exploring.conftest import DESKTOP, PHONE, place
from tests.exploring.models import explored, page
from tests.exploring.test_page import unpacked

NAME = "ranks gpt2"
needs_chromium = pytest.mark.skipif(chromium() is None, reason="no Chromium on this system")


def test_each_rank_has_its_own_steps_and_says_what_it_holds_of_all():
    data = unpacked(page(NAME))
    assert data["layout"] == "ranks"
    assert [subject["rank"]["number"] for subject in data["subjects"]] == [0, 3]
    for n, subject in zip((0, 3), data["subjects"], strict=True):
        alone = explored(f"rank {n} gpt2").outline
        ids = [data["steps"][step]["id"] for step in subject["forms"]["head"]["steps"]]
        assert ids == [step.id for step in alone.steps()]
        assert f"{alone.totals.parameters:,} of {alone.ranks.parameters:,}" in subject["rank"]["told"]["en"][0]
    first, last = (unpacked(page(f"rank {n} gpt2"))["subjects"][0]["rank"]["told"] for n in (0, 3))
    assert "1 send" in first["en"][1] and "1 receive" in last["en"][1]


def test_two_ranks_in_step_and_a_model_of_one_machine_have_no_tabs():
    pair = Tour((explored("rank 0 gpt2"), explored("rank 3 gpt2")), in_step=True)
    assert pair.layout == "pair"
    assert unpacked(shapetrace.explore(explored("gpt2").outline).html)["subjects"][0]["rank"] is None


@needs_chromium
def test_tabs_keys_and_links_move_between_ranks_and_stay_at_the_step(opened):
    shown = opened(NAME, "#wte")
    assert shown.get_by_role("tab", name="Rank 0").get_attribute("aria-selected") == "true"
    shown.get_by_role("tab", name="Rank 3").click()
    assert place(shown) == "?rank=3", "the embedding is on rank 0 alone"
    assert "Receive" in shown.locator("main").inner_text()
    shown.keyboard.press(",")
    assert "rank" not in place(shown)
    other = opened(NAME, "#?rank=3&lang=zh")
    assert "tp 2" in other.locator(".turns").inner_text()
    tabs = other.get_by_role("tab")
    tabs.nth(1).focus()
    other.keyboard.press("ArrowLeft")
    assert "rank" not in place(other)


@needs_chromium
@pytest.mark.parametrize("size", [DESKTOP, PHONE])
def test_a_page_of_one_rank_says_which_and_fits_the_screen(opened, size):
    shown = opened("rank 3 gpt2", "", size)
    assert shown.evaluate("document.documentElement.scrollWidth") <= size["width"]
    assert "rank 3 of 4" in shown.locator(".turns").inner_text()
    assert shown.get_by_role("tab").count() == 0
