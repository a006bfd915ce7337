import re
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from shapetrace.drawing.wording import ENGLISH
from shapetrace.formats.contract import Excerpt, Options
from shapetrace.formats.equations import equation_in
from shapetrace.formats.grid import Column, Grid
from shapetrace.formats.rendering import narrowed
from shapetrace.formats.rows import members, stack
from shapetrace.formats.table import render, render_grid
from shapetrace.language import Phrase
from shapetrace.outlining.structure import Step
from tests.outlines import data, gpt2


@pytest.mark.parametrize("width", [60, 80, 100, 120, 200])
def test_the_table_looks_as_its_golden_file(golden, width):
    golden(f"table-{width}.txt", render(gpt2(), Options(width=width)))


@given(st.integers(20, 240))
def test_no_equation_is_ever_broken(width):
    text = render(gpt2(), Options(width=width))
    for step in gpt2().steps():
        if cell_len(step.equation) < width - 12:
            assert step.equation in text


@pytest.mark.parametrize("width", [52, 60, 80, 100, 120, 200])
def test_every_line_fits_its_width(width):
    assert max(cell_len(line) for line in render(gpt2(), Options(width=width)).splitlines()) <= width


@pytest.mark.parametrize("width", [80, 120])
def test_the_chinese_table_looks_as_its_golden_file(golden, width):
    golden(f"table-zh-{width}.txt", render(gpt2(), Options(width=width, lang="zh")))


@pytest.mark.parametrize("width", [60, 80, 100, 120, 200])
def test_chinese_is_aligned_by_the_cells_of_a_terminal(width):
    lines = render(gpt2(), Options(width=width, lang="zh")).splitlines()
    assert max(map(cell_len, lines)) <= width
    rules = [i for i, line in enumerate(lines) if "───" in line]
    starts = {cell_len(line[: line.index("[")]) for line in lines[rules[0] : rules[1]] if re.search(r" {2,}\[", line)}
    assert len(starts) == 1
    ends = {cell_len(line) for line in lines[rules[0] : rules[1]] if re.search(r"\d [KMG]$|–$", line)}
    assert len(ends) <= 1


def test_a_block_that_runs_twelve_times_is_written_once():
    outline = gpt2()
    block = next(section for section in outline.root.sections() if section.repeat == 12)
    assert members(block, outline.root) == "h.0 … h.11"
    assert members(replace(block, members=("h.0",) * 12), outline.root) == "h.0"


def test_words_beside_the_rows_are_broken_between_any_two():
    outline = gpt2()
    tokens = ("the", "capital", "of") * 30
    text = render(replace(outline, model=replace(outline.model, tokens=tokens)), Options(width=80))
    assert max(map(cell_len, text.splitlines())) <= 80
    assert text.count("capital") == 30


def test_eighty_columns_keep_parameters_and_flops():
    text = render(gpt2(), Options(width=80))
    assert re.search(r"Query ×12 +\[1024,768]×\[768,64]→\[1024,64] +590.6 K +1.21 G", text)
    assert "c_attn" not in text


def test_colours_mark_data_weights_and_inner_sizes():
    line = next(line for line in render(gpt2(), Options(width=120, color=True)).splitlines() if "Query" in line)
    data, weight, inner = "\x1b[38;5;33m", "\x1b[38;5;245m", "\x1b[1;38;5;166m"
    assert f"{data}[1024,\x1b[0m{inner}768\x1b[0m{data}]\x1b[0m×{weight}[\x1b[0m{inner}768\x1b[0m{weight},64]" in line


def test_without_colour_there_is_no_escape():
    assert "\x1b" not in render(gpt2(failure="RuntimeError: no"), Options(width=100))


def test_a_closed_section_is_one_row_with_its_sums():
    text = render(gpt2(), Options(width=120, depth=1))
    assert re.search(r"Attention +8 steps +attn +\[1024,768]→\[1024,768] +2,362,368 +8.05 G", text)
    assert "Query" not in text


def test_the_failure_is_the_last_line():
    text = render(gpt2(failure="RuntimeError: mat1 and mat2"), Options(width=100))
    assert text.rstrip().endswith("RuntimeError: mat1 and mat2")


def test_a_pass_that_fails_before_any_product_has_no_count_of_zero():
    failed = gpt2(failure="RuntimeError: mat1 and mat2")
    none = replace(failed, totals=replace(failed.totals, flops=0, matmul_flops=0))
    assert "no product ran" in render(none, Options(width=100))
    assert "没有运行任何乘法" in render(none, Options(width=100, lang="zh"))
    assert "0 FLOPs" not in render(none, Options(width=100))
    assert "no product ran" not in render(failed, Options(width=100))


def test_hostile_names_cannot_command_the_terminal():
    outline = gpt2()
    model = replace(outline.model, name="evil\x1b[2Jmodel", tokens=("a\nb", "c\x07"))
    text = render(replace(outline, model=model), Options(width=100))
    assert "\x1b" not in text
    assert "\x07" not in text


@settings(max_examples=30)
@given(st.text(min_size=1, max_size=500), st.integers(40, 160))
def test_any_title_leaves_one_line_a_row(title, width):
    outline = gpt2()
    block = outline.root.items[1]
    step = replace(block.items[0], title=title, notes=(Phrase("{n} layers", {"n": 3}),))
    changed = replace(outline, root=replace(outline.root, items=(replace(block, items=(step,)),)))
    assert "\x1b" not in render(changed, Options(width=width))


def test_a_grid_leaves_out_spare_columns_where_room_is_short():
    grid = Grid((Column("a", "a"), Column("b", "b" * 30, spare=1), Column("n", "n", "right")), (("x", "y", 1234),))
    assert "1,234" in render_grid(grid, Options(width=20))
    assert "y" not in render_grid(grid, Options(width=20))
    assert "y" in render_grid(grid, Options(width=60))


def test_a_grid_cuts_nothing():
    words = " ".join(f"word{n}" for n in range(20))
    grid = Grid((Column("a", "a"), Column("n", "n", "right")), ((words, 123456789), ("x" * 100, 1)))
    lines = render_grid(grid, Options(width=40)).splitlines()
    assert all(f"word{n}" in " ".join(lines) for n in range(20))
    assert sum(line.count("x") for line in lines) == 100
    assert any(line.endswith("  123,456,789") for line in lines)


def test_a_cell_of_shapes_goes_on_before_a_sign():
    equation = "[1024,4096]×[4096,128256]→[1024,128256]"
    lines = render_grid(Grid((Column("a", "a"),), ((equation,),)), Options(width=30)).splitlines()[2:]
    assert max(map(len, lines)) <= 30
    assert "".join(line.strip() for line in lines) == equation
    assert all(line.strip().endswith("]") for line in lines)


@given(st.lists(st.text(st.characters(codec="utf-8"), max_size=60), min_size=1, max_size=4), st.integers(20, 100))
def test_any_cell_is_shown_whole_and_in_columns(cells, width):
    grid = Grid((Column("a", "a"), Column("b", "b")), tuple((cell, "end") for cell in cells))
    shown = "".join(render_grid(grid, Options(width=width)).split())
    for cell in cells:
        for word in "".join(c if c.isprintable() else "·" for c in cell.replace("\n", " ")).split():
            assert word[:4] in shown


def test_steps_are_numbered_as_they_are_asked_for():
    outline = gpt2()
    table = render(outline, Options(width=100)).splitlines()
    for number, step in enumerate(outline.steps(), 1):
        assert any(re.match(rf" *{number} +{re.escape(step.title)}", line) for line in table)


@pytest.mark.parametrize("section", ["h.0.attn", "mlp", "block"])
def test_a_section_keeps_the_numbers_of_the_whole(section):
    outline = gpt2()
    part = narrowed(outline, Excerpt(section, section))
    assert part.numbers().items() <= outline.numbers().items()
    (one,) = narrowed(outline, Excerpt("step", None, 5)).numbers().values()
    assert one == 5


def test_a_step_says_its_stack_once():
    heads = Step("a", "s", "concat", "Concat heads", "", "", (data(5, 16, stack=4),), (data(5, 64),))
    caches = replace(heads, operands=(data(5, 16, stack=2), data(1, 16, stack=2)), results=(data(6, 16, stack=2),))
    assert (stack(heads), equation_in(ENGLISH, heads)) == ("", "4·[5,16]→[5,64]")
    assert (stack(caches), equation_in(ENGLISH, caches)) == ("×2", "[5,16], [1,16]→[6,16]")


def test_rows_that_each_meet_one_of_several_weights_are_one_product():
    experts = replace(data(24, 48, stack=8), role="weight")
    grouped = Step("a", "s", "product", "Up", "", "", (data(14, 24), experts), (data(14, 48),))
    heads = replace(grouped, results=(data(14, 48, stack=8),))
    assert (stack(grouped), stack(heads)) == ("1 of 8", "×8")
