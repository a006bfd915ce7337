"""Animated generations in Chromium: each moment shows one thing more, and whoever wants no motion sees all of it."""

from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest

from shapetrace.drawing.primitives import Figure
from shapetrace.formats.moving import cycle_s
from shapetrace.formats.svg import render
from shapetrace.generations.running import generated
from shapetrace.request import Request
from tests.browser import chromium, survey

pytestmark = pytest.mark.skipif(chromium() is None, reason="no Chromium on this system")

_OPACITIES = "() => [...document.querySelectorAll('svg [data-stage]')].map(g => +getComputedStyle(g).opacity)"
_AT = "t => document.getAnimations().forEach(a => { a.pause(); a.currentTime = 1000 * t; })"


@cache
def animated() -> Figure:
    generation = generated(Request(model="gpt2", text="The capital of France is", shape={"layers": 2}), print, 2)
    return generation.figure(animate=True).drawing


@pytest.fixture
def page(browser, tmp_path) -> Iterator[Any]:
    path = tmp_path / "figure.html"
    path.write_text(f"<!doctype html><meta charset=utf-8><style>g {{opacity: .5}}</style>{render(animated())}")
    opened = browser.new_page(viewport={"width": 700, "height": 1200})
    opened.goto(path.as_uri())
    yield opened
    opened.close()


def opacities(page: Any) -> list[float]:
    return page.evaluate(_OPACITIES)


def test_each_moment_shows_one_thing_more_than_the_one_before(page):
    n, whole = len(animated().stages), cycle_s(len(animated().stages))
    each, pictures = (whole - 3.8) / n, []
    for number in range(n + 1):
        page.evaluate(_AT, 2.3 + number * each - 0.02)
        shown = [opacity > 0.9 for opacity in opacities(page)]
        assert shown == [True] * number + [False] * (n - number)
        pictures.append(page.screenshot())
    assert len(set(pictures)) == n + 1
    for time in (0, 1.4, whole - 1.5, whole - 0.01):
        page.evaluate(_AT, time)
        assert opacities(page) == [1] * n


def test_readers_who_want_no_motion_and_printers_get_the_whole_picture(page):
    page.emulate_media(reduced_motion="reduce")
    assert page.evaluate("document.getAnimations().length") == 0
    assert set(opacities(page)) == {1}
    page.emulate_media(reduced_motion="no-preference")
    assert page.evaluate("document.getAnimations().length") == len(animated().stages)
    page.emulate_media(media="print")
    assert page.evaluate("document.getAnimations().length") == 0
    assert set(opacities(page)) == {1}


@pytest.mark.parametrize("dropped", ["svg.querySelector('style').remove()", "svg.classList.remove(svg.classList[0])"])
def test_where_rules_are_dropped_all_of_it_is_there(browser, dropped):
    page = browser.new_page()
    page.set_content(render(animated()))
    page.evaluate(f"() => {{ const svg = document.querySelector('svg'); {dropped} }}")
    assert page.evaluate("document.getAnimations().length") == 0
    assert set(opacities(page)) == {1}
    page.close()


def test_a_pointer_on_it_stops_it(page):
    states = "() => document.getAnimations().map(a => a.playState)"
    assert set(page.evaluate(states)) == {"running"}
    page.mouse.move(300, 300)
    assert set(page.evaluate(states)) == {"paused"}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_overlaps_or_is_clipped(browser, tmp_path, scheme):
    path = tmp_path / "figure.svg"
    path.write_text(render(animated()), encoding="utf-8")
    (found,) = survey(browser, path, scheme)
    found.assert_sound()
