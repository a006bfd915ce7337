"""Figures in a real browser: what it lays out, against what we promised. Needs the system's Chromium."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

_ARGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync", "--no-first-run"]

_SURVEY = r"""
() => [...document.querySelectorAll('svg')].map(svg => {
  const frame = svg.getBoundingClientRect();
  const shown = [...svg.querySelectorAll('text')].filter(text => text.textContent.trim());
  const boxes = shown.map(text => {
    const box = text.getBoundingClientRect();
    return {left: box.left, top: box.top, right: box.right, bottom: box.bottom, text: text.textContent.slice(0, 40)};
  });
  const overlaps = [];
  boxes.forEach((a, i) => boxes.slice(i + 1).forEach(b => {
    const across = Math.min(a.right, b.right) - Math.max(a.left, b.left);
    const down = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
    // a line box has leading above and below the glyphs: 30 % of the smaller one is no ink
    const slack = 0.3 * Math.min(a.bottom - a.top, b.bottom - b.top);
    if (across > 1 && down > slack && across * down > 8) overlaps.push([a.text, b.text]);
  }));
  const clipped = boxes.filter(box => box.left < frame.left - 1 || box.right > frame.right + 1 ||
                                      box.top < frame.top - 1 || box.bottom > frame.bottom + 1);
  const rgb = colour => (colour.match(/[\d.]+/g) || []).slice(0, 3).map(Number);
  const light = colour => rgb(colour).map(v => v / 255).map(v => v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4)
                                     .reduce((sum, v, i) => sum + v * [.2126, .7152, .0722][i], 0);
  const grounds = [...svg.querySelectorAll('rect,path')]
    .map(shape => ({shape, fill: getComputedStyle(shape).fill, area: shape.getBoundingClientRect()}))
    .filter(({fill}) => fill !== 'none');
  const contrasts = shown.map(text => {
    const box = text.getBoundingClientRect(), x = (box.left + box.right) / 2, y = (box.top + box.bottom) / 2;
    let ground = null;
    for (const {shape, fill, area} of grounds) {  // in painting order: the last one under the middle of the text
      const isUnder = area.left <= x && x <= area.right && area.top <= y && y <= area.bottom;
      if (isUnder && shape.compareDocumentPosition(text) & Node.DOCUMENT_POSITION_FOLLOWING) ground = fill;
    }
    const [low, high] = [light(getComputedStyle(text).fill), light(ground || 'rgb(255,255,255)')].sort((a, b) => a - b);
    return (high + .05) / (low + .05);
  });
  const fonts = [...svg.querySelectorAll('text,tspan')].map(text => parseFloat(getComputedStyle(text).fontSize));
  return {overlaps, clipped: clipped.map(box => box.text), contrast: Math.min(...contrasts),
          font_px: Math.min(...fonts), width_px: svg.viewBox.baseVal.width, n_texts: shown.length,
          background: getComputedStyle(svg.querySelector('rect')).fill};
})
"""


@dataclass(frozen=True)
class Survey:
    """What a browser sees in one SVG."""

    overlaps: list[list[str]]
    clipped: list[str]
    contrast: float
    font_px: float
    width_px: float
    n_texts: int
    background: str

    def assert_sound(self) -> None:
        assert self.n_texts > 0
        assert not self.overlaps, self.overlaps
        assert not self.clipped, self.clipped
        assert self.contrast >= 4.5
        assert self.font_px >= 10.5
        assert self.width_px <= 1200


def chromium() -> str | None:
    """Path of the system's Chromium, if it has one."""
    names = ("chromium", "chromium-browser", "google-chrome")
    return next((path for name in names if (path := shutil.which(name))), None)


@contextmanager
def open_browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=_ARGS)
        try:
            yield browser
        finally:
            browser.close()


def survey(browser: Browser, path: Path, scheme: str = "light") -> list[Survey]:
    """Load an SVG or a page and look at every figure in it."""
    return next(found for name, found in surveys(browser, path) if name == scheme)


def surveys(browser: Browser, path: Path) -> Iterator[tuple[str, list[Survey]]]:
    """Load an SVG or a page, and look at every figure in it, in light and in dark."""
    page = _page(browser)
    page.goto(path.resolve().as_uri())
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        yield scheme, [Survey(**found) for found in page.evaluate(_SURVEY)]


@cache
def _page(browser: Browser) -> Page:
    """One page for all that is looked at: to open one takes longer than to look."""
    return browser.new_page(viewport={"width": 1400, "height": 1000})
