import csv
import io
import json
from pathlib import Path

import pytest

from shapetrace.errors import UsageError
from shapetrace.formats import FORMATS, format_named, format_of_file
from shapetrace.formats.contract import Options
from shapetrace.formats.equations import pieces
from shapetrace.formats.grid import Column, Grid
from tests.outlines import gpt2

TEXTS = [name for name, each in FORMATS.items() if each.outline and each.grid]
GRID = Grid((Column("name", "name"), Column("n", "count", "right")), (("a|b<c>", 1234), ("=SUM(A1)", None)), "Title")


def outline_as(name, outline=None, **options):
    return FORMATS[name].outline(outline or gpt2(), Options(**options))


@pytest.mark.parametrize(("name", "suffix"), [("markdown", "md"), ("csv", "csv"), ("json", "json"), ("html", "html")])
def test_the_format_looks_as_its_golden_file(golden, name, suffix):
    golden(f"gpt2.{suffix}", outline_as(name))


@pytest.mark.parametrize("name", TEXTS)
def test_every_format_writes_outlines_grids_and_failures(name):
    assert "RuntimeError" in outline_as(name, gpt2(failure="RuntimeError: no")) or name == "csv"
    assert "1234" in FORMATS[name].grid(GRID, Options()).replace(",", "")


@pytest.mark.parametrize("name", TEXTS)
def test_every_format_closes_sections(name):
    text = outline_as(name, depth=0)
    assert "Query" not in text
    assert "[1024,768]→[1024,768]" in text or "[1024]→[1024,768]" in text


def test_the_pieces_of_an_equation_join_to_it():
    for step in gpt2().steps():
        assert "".join(piece.text for piece in pieces(step)) == step.equation


def test_the_inner_sizes_of_a_product_are_marked():
    query = next(step for step in gpt2().steps() if step.title == "Query")
    assert [piece.text for piece in pieces(query) if piece.ink == "inner"] == ["768", "768"]


def test_json_has_the_names_that_programs_use():
    document = json.loads(outline_as("json"))
    assert set(document) >= {"model", "totals", "coverage", "steps", "failure"}
    assert set(document["model"]) >= {"name", "settings"}
    assert set(document["totals"]) >= {"parameters", "active_parameters", "buffers", "flops", "matmul_flops"}
    assert set(document["coverage"]) >= {"operations", "drawn", "folded", "elided", "unknown"}
    query = next(step for step in document["steps"] if step["title"] == "Query")
    assert query["repeat"] == 12
    assert query["operands"][1]["shape"] == [768, 64]
    assert query["operands"][1]["stack"] == 12
    assert query["equation"] == "[1024,768]×[768,64]→[1024,64]"
    assert document["failure"] is None


def test_csv_has_a_row_for_each_step():
    rows = list(csv.DictReader(io.StringIO(outline_as("csv"))))
    assert [row["title"].lstrip("'") for row in rows] == [step.title for step in gpt2().steps()]
    assert next(row for row in rows if row["title"] == "Query")["flops"] == "1207959552"


def test_csv_writes_no_formula():
    assert "'=SUM(A1)" in FORMATS["csv"].grid(GRID, Options())


def test_markdown_escapes_what_would_break_a_table():
    assert "a\\|b\\<c\\>" in FORMATS["markdown"].grid(GRID, Options())


def test_html_escapes_names():
    assert "a|b&lt;c&gt;" in FORMATS["html"].grid(GRID, Options())


def test_an_unknown_format_names_those_that_exist():
    with pytest.raises(UsageError, match="no format 'docx': choose one of table, markdown, csv, json, html, page, svg"):
        format_named("docx", "outline")
    with pytest.raises(UsageError, match=r"no figure is a \.bmp: expected \.svg, \.png, \.gif, \.pdf$"):
        format_of_file(Path("x.bmp"), "figure")
