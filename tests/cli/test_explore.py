"""`shapetrace explore`: which page is written, and what cannot be one."""

import pytest

from tests.exploring.test_page import unpacked

SMALL = ("--d-model", 16, "--heads", 2, "--layers", 2, "--vocab", 32, "--seq", 8)


def test_several_ranks_make_one_page(shapetrace, tmp_path):
    page = tmp_path / "ranks.html"
    assert shapetrace("explore", *SMALL, "--tp", 2, "--rank", "0,1", "--out", page).out.strip() == str(page)
    assert page.read_text(encoding="utf-8").startswith("<!doctype html>")


def test_passes_without_a_cache_make_one_page(shapetrace, tmp_path):
    page = tmp_path / "passes.html"
    shapetrace("explore", *SMALL, "--generate", 2, "--no-cache", "--out", page)
    assert page.read_text(encoding="utf-8").startswith("<!doctype html>")


def test_a_page_opens_with_names_that_are_proved(shapetrace, tmp_path):
    page = tmp_path / "names.html"
    shapetrace("explore", *SMALL, "--dims", "names", "--name", "d_model=width", "--at", "h.1.attn", "--out", page)
    data = unpacked(page.read_text(encoding="utf-8"))
    assert data["place"] == "h.1.attn?dims=names"
    assert ["T", "width"] in [each["dims"] for step in data["steps"] for each in step["operands"] if "dims" in each]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--dims", "both"), "no 'both' for --dims: the page shows numbers or names"),
        (("--dims", "names", "--generate", 2), "--dims is of one pass, the page of several"),
        (("--no-cache",), "--no-cache is of several passes: add --generate N"),
        (("--tp", 2, "--rank", "0,1", "--no-cache"), "--no-cache is of several passes: add --generate N"),
        (("--tp", 2, "--rank", "0,x"), "--rank 0,x: give one number from 0, or up to 8 with commas"),
        (("--tp", 2, "--rank", "0,7"), "--rank 7: of 2 ranks, give one from 0 to 1"),
        (("--tp", 2, "--rank", "0,1", "--generate", 2), "OTHER, --generate and several ranks each make a page"),
    ],
)  # fmt: skip
def test_ranks_that_cannot_be_shown_are_told(shapetrace, words, said, tmp_path):
    assert said in shapetrace("explore", *SMALL, *words, "--out", tmp_path / "page.html", code=2).err
    assert not list(tmp_path.iterdir())
