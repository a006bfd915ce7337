"""Stories, comparisons and tables in Chromium, light and dark, in both languages."""

import pytest

from shapetrace.drawing import Look, compare, figure
from shapetrace.formats import tables
from shapetrace.formats.grid import Column, Grid
from shapetrace.formats.svg import render
from tests.browser import chromium, survey
from tests.drawing.outlines import gpt2

pytestmark = pytest.mark.skipif(chromium() is None, reason="no Chromium on this system")

LONG = "模型 <b>" + "m" * 80
GRID = Grid(
    (Column("name", "name"), Column("n", "parameters", "right"), Column("bar", ""), Column("check", "check")),
    tuple((f"{LONG[:n]}", 10**n, "█" * n, f"+{n}: {LONG}") for n in range(1, 14)),
    "A table",
    ("a note " * 40,),
)
FIGURES = {
    "story": lambda lang: figure(gpt2(5, ("The", "capital", "of", "France", "is")), lang=lang, look=Look(view="story")),
    "story-names": lambda lang: figure(gpt2(), lang=lang, look=Look(view="story", dims="both", caption="Why. " * 50)),
    "comparison": lambda lang: compare([gpt2(), gpt2(7)], lang=lang, look=Look(caption="Two. " * 50, dims="both")),
    "comparison-all": lambda lang: compare([gpt2()] * 3, section=None, lang=lang, look=Look(title=LONG)),
    "comparison-narrow": lambda lang: compare([gpt2(), gpt2()], section="mlp", lang=lang, look=Look(width_px=720)),
    "table": lambda lang: tables.figure(GRID, lang=lang, title=LONG),
    "table-print": lambda lang: tables.figure(GRID, lang=lang, theme="print"),
}


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("name", FIGURES)
def test_a_browser_finds_no_fault(browser, tmp_path, name, lang, scheme):
    path = tmp_path / f"{name}.svg"
    path.write_text(render(FIGURES[name](lang)), encoding="utf-8")
    (found,) = survey(browser, path, scheme)
    found.assert_sound()
