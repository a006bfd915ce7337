import pytest


def test_without_models_three_attentions_are_compared(shapetrace, tmp_path):
    file = tmp_path / "attention.svg"
    assert shapetrace("compare", "--out", file, "--lang", "zh").out == f"{file}\n"
    written = file.read_text(encoding="utf-8")
    assert "多头潜在注意力（MLA）" in written
    assert "KV 缓存：每词元每层 640 字节" in written


def test_presets_are_compared_in_a_section_or_whole(shapetrace, tmp_path):
    for section in ("mlp", "all"):
        file = tmp_path / f"{section}.svg"
        shapetrace("compare", "gpt2", "llama-3.2-1b", "--section", section, "--out", file)
        assert "GPT-2 small and Llama 3.2 1B" in file.read_text(encoding="utf-8")


def test_the_story_is_one_figure(shapetrace, tmp_path):
    shapetrace("diagram", "gpt2", "--view", "story", "--out", tmp_path)
    assert [path.name for path in tmp_path.glob("*.svg")] == ["story.svg"]


@pytest.mark.parametrize("words", [("gpt2",), ("gpt2", "gpt2", "--step", "1"), ("gpt2", "gpt2", "--section", "nope")])
def test_a_wrong_request_exits_2(shapetrace, tmp_path, words):
    assert shapetrace("compare", *words, "--out", tmp_path / "x.svg", code=2).err.startswith("error: ")
