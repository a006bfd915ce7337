import re
from dataclasses import replace

import pytest

from shapetrace.errors import UsageError
from shapetrace.publishing import publish, slug
from tests.outlines import gpt2


def test_a_folder_has_the_overview_every_part_a_page_and_a_readme(tmp_path):
    files = publish(gpt2(), tmp_path / "new" / "gallery", command="shapetrace diagram --out gallery/")
    names = [path.name for path in files]
    assert names == [
        "overview.svg", "embedding.svg", "block.svg", "attention.svg", "mlp.svg", "index.html", "README.md"
    ]  # fmt: skip
    page, readme = (path.read_text(encoding="utf-8") for path in files[-2:])
    for name in names[:-2]:
        assert f'src="{name}"' in page
        assert f"]({name})" in readme
    assert "shapetrace diagram --out gallery/" in page


def test_the_same_outline_gives_the_same_bytes(tmp_path):
    first, second = publish(gpt2(), tmp_path / "a"), publish(gpt2(), tmp_path / "b")
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]


def test_one_section_is_one_figure(tmp_path):
    files = publish(gpt2(), tmp_path, section="h.3.attn")
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
        publish(gpt2(), tmp_path / "out", section="nope")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("text", "name"), [("h.0.attn", "h-0-attn"), ("<embedding>", "embedding"), ("../..", "section")]
)
def test_a_path_becomes_a_file_name(text, name):
    assert slug(text) == name
