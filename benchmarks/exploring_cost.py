"""What the explorer costs, as a Markdown table: ``PYTHONPATH=. python benchmarks/exploring_cost.py``. Needs Chromium.

Times are of the page itself: until its first picture stands, and of the slowest click until what it shows is painted.
"""

import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Browser
from timing import seconds

import shapetrace
from tests.browser import open_browser
from tests.exploring.models import deep

PRESETS = ("gpt2", "transformer-base", "deepseek-v3")
N_RUNS = 3

_CLICKS = """
async () => {
  const painted = () => new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
  const spread = (selector, most) => {
    const all = [...document.querySelectorAll(selector)];
    return all.filter((_, n) => n % Math.ceil(all.length / most) === 0);
  };
  let slowest = [0, ""];
  const click = async (element, what) => {
    if (!element?.isConnected) return;
    await painted();
    const start = performance.now();
    element.dispatchEvent(new MouseEvent("click", { bubbles: true }));
    await painted();
    const took = performance.now() - start;
    if (took > slowest[0]) slowest = [took, what];
  };
  const again = async (selector, most, what) => {
    for (const key of spread(selector, most).map((element) => element.dataset.go ?? element.dataset.k)) {
      await click(document.querySelector(`${selector}:is([data-go="${key}"], [data-k="${key}"])`), what);
      if (what !== "part") await click(document.querySelector('[data-k="s0"]'), "whole");
    }
  };
  await again("#main .area", 12, "box");
  await click(document.querySelector('[data-view="rows"]'), "rows");
  await again("#main .card", 6, "card");
  await again("#main .row", 12, "row");
  await again("#side [role=treeitem]", 40, "part");
  for (const set of ["bars=flops", "dims=names", "form=fused", "lang=zh"]) {
    await click(document.querySelector(`[data-set="${set}"]`), set);
  }
  await click(document.querySelector("main .edge"), "size");
  const box = document.getElementById("q");
  for (const text of ["s", "sc", "768", "64x64", "/lin.*/"]) {
    await painted();
    const start = performance.now();
    box.value = text;
    box.dispatchEvent(new Event("input", { bubbles: true }));
    await painted();
    const took = performance.now() - start;
    if (took > slowest[0]) slowest = [took, `search ${text}`];
  }
  return slowest;
}
"""


def measured(browser: Browser, page: str) -> tuple[float, float, str]:
    """Milliseconds to the first picture and of the slowest click, and what was clicked; the best of some runs."""
    found = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "page.html"
        path.write_text(page, encoding="utf-8")
        for _ in range(N_RUNS):
            shown = browser.new_page(viewport={"width": 1280, "height": 800})
            shown.goto(path.as_uri())
            shown.wait_for_function("document.documentElement.dataset.ready")
            first = float(shown.evaluate("document.documentElement.dataset.ready"))
            found.append((first, *shown.evaluate(_CLICKS)))
            shown.close()
    return min(first for first, _, _ in found), *min((took, what) for _, took, what in found)


def main() -> None:
    """Print the table."""
    print("| model | operations | page, kB | written in, s | first picture, ms | slowest click, ms | which |")
    print("| --- | ---: | ---: | ---: | ---: | ---: | --- |")
    with open_browser() as browser:
        for name in sys.argv[1:] or (*PRESETS, "1,000 layers"):
            trace = deep(1000) if name == "1,000 layers" else shapetrace.preset(name)
            pages: list[str] = []
            written = seconds(lambda trace=trace, pages=pages: pages.append(shapetrace.explore(trace).html))
            first, click, what = measured(browser, pages[0])
            size = len(pages[0].encode()) / 1000
            print(
                f"| {name} | {len(trace.ops):,} | {size:,.0f} | {written:.1f} | {first:.0f} | {click:.0f} | {what} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
