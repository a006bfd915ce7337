import re
import xml.etree.ElementTree as ET

import pytest

from shapetrace.drawing.primitives import Text
from shapetrace.formats import tables
from shapetrace.formats.grid import Column, Grid
from shapetrace.formats.svg import render
from shapetrace.listing import listed

BARS = Grid((Column("a", "part"), Column("n", "share", "right"), Column("bar", "")), (("MLP", 3, "███"), ("x", 1, "█")))


@pytest.mark.parametrize("family", ["gpt", "llama", "qwen", "mistral", "deepseek"])
@pytest.mark.parametrize("lang", ["en", "zh"])
def test_a_family_fits_a_page_and_says_every_count(family, lang):
    grid = listed(family)
    drawn = tables.figure(tables.translated(grid, lang), lang=lang)
    assert drawn.width_px <= 700
    document = render(drawn)
    ET.fromstring(document)
    places = [column.key for column in grid.columns].index("parameters")
    assert all(f"{row[places]:,}" in document for row in grid.rows)


def test_a_wide_table_goes_on_below_with_the_names_of_its_rows_again():
    drawn = tables.figure(listed("deepseek"))
    texts = [mark for mark in drawn.marks() if isinstance(mark, Text)]
    names = [mark.y for mark in texts if mark.plain == "deepseek-v3"]
    count = next(mark.y for mark in texts if mark.plain == "671,026,404,352")
    assert len(names) == 2 and names[0] < count == names[1]


def test_causes_stand_below_the_table_once_each():
    document = render(tables.figure(listed("llama")))
    assert document.count("rotary inv_freq buffers") - document.split("</desc>")[0].count("rotary") == 1
    assert "+2,048 (1)" in document


def test_blocks_are_bars():
    document = render(tables.figure(BARS))
    assert "█" not in document.split("</desc>")[1]
    widths = [float(width) for width in re.findall(r'<rect [^>]*width="([\d.]+)" height="14"', document)]
    assert widths[0] == pytest.approx(3 * widths[1], abs=0.2)


def test_titles_name_the_family():
    assert tables.family_title("gpt", "en") == "Parameter table: GPT"
    assert tables.family_title("qwen", "zh") == "参数表：Qwen"


def test_a_translation_reaches_titles_cells_and_causes():
    said = tables.translated(listed("deepseek"), "zh")
    assert "参数量" in [column.title for column in said.columns]
    assert any("路由校正偏置" in str(row[-1]) for row in said.rows)


def test_hostile_cells_are_text():
    grid = Grid((Column("a", "<b>"), Column("n", "n")), (("<script>x</script>", '"&\x00'),), "]]>")
    assert "<script" not in render(tables.figure(grid))
