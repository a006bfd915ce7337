import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from shapetrace.drawing import Look
from shapetrace.errors import MissingPartError, UsageError
from shapetrace.formats import FORMATS, png, ready
from shapetrace.formats.contract import Excerpt, Options
from shapetrace.publishing import part_of, publish, slug
from tests.outlines import gpt2


def test_a_folder_has_the_map_the_overview_every_part_a_page_and_a_readme(tmp_path):
    files = publish(gpt2(), tmp_path / "new" / "gallery", command="shapetrace diagram --out gallery/")
    names = [path.name for path in files]
    assert names == [
        "map.svg", "overview.svg", "embedding.svg", "block.svg", "attention.svg", "mlp.svg", "index.html", "README.md"
    ]  # fmt: skip
    page, readme = (path.read_text(encoding="utf-8") for path in files[-2:])
    for name in names[:-2]:
        assert f'src="{name}"' in page
        assert f"]({name})" in readme
    assert "shapetrace diagram --out gallery/" in page


def test_below_the_whole_stand_the_parts_that_show_it_up_close(tmp_path):
    page, readme = (path.read_text(encoding="utf-8") for path in publish(gpt2(), tmp_path)[-2:])
    line = "Up close: [Embedding](embedding.svg) · [Block](block.svg) · [Attention](attention.svg) · [MLP](mlp.svg)"
    assert f"(map.svg)\n\n{line}\n\n## Overview" in readme
    assert '<a href="#attention">Attention</a>' in page
    assert "Up close" not in publish(gpt2(), tmp_path / "one", part=part_of("h.3.attn", None))[-1].read_text("utf-8")


def test_a_readme_links_the_folders_of_figures_below(tmp_path):
    (tmp_path / "heads").mkdir()
    (tmp_path / "heads" / "README.md").write_text("# Heads [of *all*]\n", encoding="utf-8")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "README.md").write_text("no title\n", encoding="utf-8")
    readme = publish(gpt2(), tmp_path)[-1].read_text(encoding="utf-8")
    assert readme.endswith("## More figures\n\n- [Heads [of *all*]](heads/README.md)\n")
    assert publish(gpt2(), tmp_path)[-1].read_text(encoding="utf-8") == readme
    assert "More figures" not in publish(gpt2(), tmp_path / "new")[-1].read_text(encoding="utf-8")


def test_the_same_outline_gives_the_same_bytes(tmp_path):
    first, second = publish(gpt2(), tmp_path / "a"), publish(gpt2(), tmp_path / "b")
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]


def test_one_section_is_one_figure(tmp_path):
    files = publish(gpt2(), tmp_path, part=part_of("h.3.attn", None))
    assert [path.name for path in files] == ["h-3-attn.svg", "index.html", "README.md"]


def test_hostile_names_stay_text(tmp_path):
    outline = gpt2()
    hostile = replace(outline, model=replace(outline.model, name='<script>"x"</script>](evil) \x07'))
    page, readme = (path.read_text(encoding="utf-8") for path in publish(hostile, tmp_path)[-2:])
    assert "<script" not in page
    assert re.search(r"\\<script\\>", readme)


def test_nothing_is_written_for_a_wrong_request(tmp_path):
    with pytest.raises(UsageError, match="no format"):
        publish(gpt2(), tmp_path / "out", formats=("svg", "bmp"))
    with pytest.raises(UsageError, match="no section"):
        publish(gpt2(), tmp_path / "out", part=part_of("nope", None))
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("text", "name"), [("h.0.attn", "h-0-attn"), ("<embedding>", "embedding"), ("../..", "section")]
)
def test_a_path_becomes_a_file_name(text, name):
    assert slug(text) == name


@pytest.mark.skipif(not png._has("M", ()), reason="needs a font")
def test_every_format_has_its_files(tmp_path):
    formats = [name for name in FORMATS if shutil.which("dot") or not name.startswith("dot-")]
    files = {
        path.name: path.read_bytes() for path in publish(gpt2(), tmp_path, formats=formats, part=Excerpt("mlp", "mlp"))
    }
    assert set(files) >= {
        "mlp.svg", "mlp-dark.svg", "mlp.png", "mlp.pdf", "mlp.html", "mlp.md", "mlp.json", "mlp.dot", "index.html"
    }  # fmt: skip
    assert files["mlp.png"].startswith(b"\x89PNG")
    assert files["mlp.pdf"].startswith(b"%PDF")
    assert [step["title"] for step in json.loads(files["mlp.json"])["steps"]] == ["Expand", "GELU", "Shrink"]


def test_markdown_shows_the_figure_that_the_reader_prefers_and_the_table(tmp_path):
    publish(gpt2(), tmp_path, formats=("md",), part=Excerpt("mlp", "mlp"))
    text = (tmp_path / "mlp.md").read_text(encoding="utf-8")
    assert text.startswith("<picture>\n")
    assert '<source media="(prefers-color-scheme: dark)" srcset="mlp-dark.svg">' in text
    assert '<img src="mlp.svg" alt="MLP in GPT-2 small" width="' in text
    assert "`[1024,768]×[768,3072]→[1024,3072]`" in text
    assert "#10284f" in (tmp_path / "mlp-dark.svg").read_text(encoding="utf-8").split("</style>")[1]


def test_a_fragment_has_the_figure_and_its_steps(tmp_path):
    publish(gpt2(), tmp_path, formats=("html",), part=Excerpt("mlp", "mlp"))
    text = (tmp_path / "mlp.html").read_text(encoding="utf-8")
    assert text.startswith("<svg")
    assert "<html" not in text
    assert text.count("<tr>") >= 4
    assert not (tmp_path / "index.html").exists()


def test_a_page_shows_the_picture_that_was_written(tmp_path):
    for formats, shown in ((("md", "dot"), "mlp.svg"), (("dot", "svg"), "mlp.svg")):
        publish(gpt2(), tmp_path, formats=formats, part=Excerpt("mlp", "mlp"))
        assert f'src="{shown}"' in (tmp_path / "index.html").read_text(encoding="utf-8")


def test_one_step_is_one_figure(tmp_path):
    files = publish(gpt2(), tmp_path, formats=("svg", "json"), part=part_of(None, 1))
    assert [path.name for path in files] == ["step-1.svg", "step-1.json", "index.html", "README.md"]
    assert [step["title"] for step in json.loads(files[1].read_bytes())["steps"]] == ["Token lookup"]


def test_without_graphviz_the_dot_file_is_written_and_one_line_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MissingPartError, match="apt install graphviz"):
        publish(gpt2(), tmp_path, formats=("dot-svg",))
    assert (tmp_path / "overview.dot").read_text(encoding="utf-8").startswith("digraph shapetrace {")
    assert not list(tmp_path.glob("*.dot.svg"))


def test_no_format_at_all_is_a_usage_error(tmp_path):
    with pytest.raises(UsageError, match="no format"):
        publish(gpt2(), tmp_path, formats=())


def test_the_page_is_in_the_language_of_its_figures(tmp_path):
    publish(gpt2(), tmp_path, options=Options(lang="zh"), formats=("svg", "md", "html"), command="shapetrace diagram")
    page, readme, table, fragment = (
        (tmp_path / name).read_text(encoding="utf-8") for name in ("index.html", "README.md", "mlp.md", "mlp.html")
    )
    assert '<html lang="zh">' in page
    for said in ("12 层", "总览", "使用此图", "前馈网络"):
        assert said in page
    english = re.compile(r"overview(?!\.|\"|-)|Attention|Use this|layers|tokens|heads|step\b|parameters|coverage|Query")
    for text in (
        re.sub(r"<style>.*?</style>|<svg.*?</svg>", "", each, flags=re.DOTALL)
        for each in (page, readme, table, fragment)
    ):
        assert not english.findall(text)


@pytest.mark.skipif(not png._has("M", ()), reason="needs a font")
def test_a_page_says_how_to_use_and_to_draw_each_figure(tmp_path):
    publish(gpt2(), tmp_path, formats=("png", "svg"), command="shapetrace diagram gpt2 --out x/")
    page = (tmp_path / "index.html").read_text(encoding="utf-8")
    assert "<code>![MLP in GPT-2 small](mlp.svg)</code>" in page
    assert "<code>shapetrace diagram gpt2 --out x/ --section h.0.mlp</code>" in page
    assert '<a href="mlp.png" download>PNG</a>' in page
    assert page.count('loading="lazy"') == 6
    assert "    shapetrace diagram gpt2 --out x/ --section h.0.mlp\n" in (tmp_path / "README.md").read_text(
        encoding="utf-8"
    )


def test_a_command_stays_on_its_line(tmp_path):
    publish(gpt2(), tmp_path, command="shapetrace diagram --title 'a\n# b'")
    assert "    shapetrace diagram --title 'a # b'\n" in (tmp_path / "README.md").read_text(encoding="utf-8")


def test_templates_of_the_user_make_the_page(tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "gallery.html").write_text("{{ folder.title }}: {{ folder.pictures | length }}")
    publish(gpt2(), tmp_path / "out", options=Options(look=Look(templates=tmp_path / "mine")))
    assert (tmp_path / "out" / "index.html").read_text() == "GPT-2 small: 6\n"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (Options(theme="drk"), "no theme named 'drk'"),
        (Options(lang="fr"), "no labels for the language 'fr'; there are en, zh"),
        (Options(scale=0), "scale is 0; expected more than 0"),
        (Options(scale=float("nan")), "scale is nan"),
        (Options(fonts=(Path("/none.ttf"),)), "cannot read the font"),
        (Options(look=Look(templates=Path("/none"))), "there is no folder /none of templates"),
    ],
)
def test_a_style_that_names_what_is_not_there_is_refused(options, message):
    with pytest.raises(UsageError, match=message):
        ready(("svg",), "outline", options)
