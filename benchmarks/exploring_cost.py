"""What the explorer costs, as a Markdown table: ``PYTHONPATH=. python benchmarks/exploring_cost.py``. Needs Chromium.

Times are of the page itself: until its first picture stands, and of the slowest click until what it shows is painted.
"""

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Browser
from timing import seconds

import shapetrace
from shapetrace.api import Explorer
from shapetrace.generations.running import generated
from shapetrace.request import Request
from tests.browser import open_browser
from tests.exploring.models import deep

SHOWN = (
    "gpt2",
    "transformer-base",
    "deepseek-v3",
    "1,000 layers",
    "gpt2 llama-3.1-8b",
    "deepseek-v3 gpt2",
    "16 steps of gpt2",
)
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
  await click(document.querySelector("#follow"), "follow");
  await click(document.querySelector("#follow"), "follow no longer");
  for (const pass of document.querySelectorAll("main [data-pass='1'], main [data-pass='9']")) await click(pass, "pass");
  for (let n = 0; n < 3; n++) await click(document.querySelector("main [data-change='1']"), "difference");
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


def shown(name: str) -> tuple[int, Callable[[], Explorer]]:
    """How many operations ran, and what writes the page: of a preset, of two, or of decode steps."""
    if name == "1,000 layers":
        traces = [deep(1000)]
    elif " steps of " in name:
        n_steps, _, model = name.partition(" steps of ")
        found = generated(Request(model=model, shape={"seq": 16}), print, int(n_steps))
        return sum(len(each.trace.ops) for each in found.passes), found.explore
    else:
        traces = [shapetrace.preset(each) for each in name.split(" ")]
    return sum(len(trace.ops) for trace in traces), lambda: shapetrace.explore(*traces)


def main() -> None:
    """Print the table."""
    print("| model | operations | page, kB | written in, s | first picture, ms | slowest click, ms | which |")
    print("| --- | ---: | ---: | ---: | ---: | ---: | --- |")
    with open_browser() as browser:
        for name in sys.argv[1:] or SHOWN:
            n_ops, write = shown(name)
            pages: list[str] = []
            written = seconds(lambda write=write, pages=pages: pages.append(write().html))
            first, click, what = measured(browser, pages[0])
            size = len(pages[0].encode()) / 1000
            print(
                f"| {name} | {n_ops:,} | {size:,.0f} | {written:.1f} | {first:.0f} | {click:.0f} | {what} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
