"""Every command and every help takes what the one table of formats has: also a format that was added just now."""

import pytest

from shapetrace.formats import FORMATS
from shapetrace.formats.contract import Format, Options
from shapetrace.serialize import save
from tests.traces import linear

LINES = Format(
    "lines",
    "lines",
    frozenset({"lang", "depth"}),
    outline=lambda outline, options: "".join(f"{options.lang} {step.equation}\n" for step in outline.steps()),
    grid=lambda grid, _: "".join(f"{'|'.join(map(str, row))}\n" for row in grid.rows),
)
"""A text format, as CONTRIBUTING says to make one."""

SIZE = Format(
    "size",
    "size",
    frozenset({"scale"}),
    figure=lambda figure, options: f"{figure.title}: {figure.width_px * options.scale:.0f} px\n".encode(),
    in_pages=True,
)
"""A format of figures."""


@pytest.fixture
def added(monkeypatch, tmp_path, shapetrace):
    for each in (LINES, SIZE):
        monkeypatch.setitem(FORMATS, each.name, each)
    save(linear(), tmp_path / "a.json")
    monkeypatch.chdir(tmp_path)
    return shapetrace


def test_run_writes_a_text_format_and_a_figure_format(added):
    assert added("run", "a.json", "-f", "lines", "--lang", "zh").out.startswith("zh [")
    assert added("run", "a.json", "-f", "lines", "--ops").out.startswith("0|linear|")
    assert added("run", "a.json", "-f", "size").out.endswith(" px\n")
    assert added("run", "a.json", "-f", "size", "--ops").out.endswith(" px\n")


def test_diagram_writes_both_and_shows_what_a_page_can_show(added, tmp_path):
    added("diagram", "a.json", "-f", "lines,size", "--out", "out", "--scale", "1")
    assert (tmp_path / "out" / "overview.lines").read_text().startswith("en [")
    one = int((tmp_path / "out" / "overview.size").read_text().split()[-2])
    added("diagram", "a.json", "-f", "size", "--out", "out", "--scale", "3")
    assert int((tmp_path / "out" / "overview.size").read_text().split()[-2]) == pytest.approx(3 * one, abs=3)
    assert "overview.size" in (tmp_path / "out" / "index.html").read_text()


def test_diff_writes_both_to_the_terminal_and_to_a_file(added, tmp_path):
    models = ("gpt2", "gpt2-medium", "--seq", "8")
    assert "[8,768]×[768,64]→[8,64] ×12" in added("diff", *models, "-f", "lines", code=1).out
    assert added("diff", *models, "-f", "size", code=1).out.startswith("GPT-2 small ↔ GPT-2 medium: ")
    for name in ("x.lines", "x.size"):
        assert added("diff", *models, "--out", name, code=1).out == f"{name}\n"
        assert (tmp_path / name).stat().st_size


def test_check_tells_the_differences_in_both(added):
    added("run", "gpt2", "--seq", "8", "--save", "kept.json", "-f", "lines")
    for name, said in (("lines", "[9,768]"), ("size", " px")):
        assert said in added("check", "kept.json", "gpt2", "--seq", "9", "-f", name, code=1).out


def test_compare_writes_both_by_the_suffix(added, tmp_path):
    added("compare", "gpt2", "gpt2-medium", "--seq", "8", "--out", "x.lines")
    assert "Query|[8,768]×[768,64]→[8,64] ×12|[8,1024]×[1024,64]→[8,64] ×16\n" in (tmp_path / "x.lines").read_text()
    added("compare", "a.json", "a.json", "--section", "all", "--out", "x.size")
    assert (tmp_path / "x.size").read_text().endswith(" px\n")


def test_models_lists_in_both(added, tmp_path):
    assert added("models", "-f", "lines").out.startswith("deepseek-v2|")
    added("models", "--family", "gpt", "--out", "x.size")
    assert (tmp_path / "x.size").read_text().startswith("Parameter table: GPT: ")


def test_embed_makes_images_of_a_figure_format_and_refuses_a_text_format(added, tmp_path):
    post = tmp_path / "post.md"
    post.write_text("<!-- shapetrace: a.json --format size -->\n", encoding="utf-8")
    added("embed", post)
    assert "](post-a.size)\n" in post.read_text(encoding="utf-8")
    post.write_text("<!-- shapetrace: a.json --format lines -->\n", encoding="utf-8")
    assert "no format 'lines' in a post: choose svg, png, gif or size" in added("embed", post, code=2).err


@pytest.mark.parametrize("command", ["run", "diagram", "diff", "check", "models", "compare"])
def test_the_help_of_a_command_lists_both(added, command):
    said = " ".join(added(command, "--help", columns=200).out.split())
    assert "lines" in said and "size" in said


def test_bytes_are_not_written_to_a_terminal(added, monkeypatch):
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    assert "size is no text: send it to a file (> FILE.size)" in added("run", "a.json", "-f", "size", code=2).err


def test_a_format_gets_the_options_that_it_reads_and_no_others():
    given = LINES.given(Options(lang="zh", scale=9, depth=1))
    assert (given.lang, given.scale, given.depth) == ("zh", Options().scale, 1)


@pytest.mark.parametrize("each", FORMATS.values(), ids=FORMATS)
def test_every_format_says_what_it_takes(each):
    assert each.suffix and "." not in each.name
    assert any(each.takes(kind) for kind in ("outline", "grid", "comparison", "figure"))
    assert each.figure is None or all(each.takes(kind) for kind in ("outline", "grid", "comparison", "figure"))
