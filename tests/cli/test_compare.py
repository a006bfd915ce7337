import struct

import pytest

from shapetrace.cli.format_options import loaded
from shapetrace.formats import png
from shapetrace.serialize import save
from tests.traces import linear

needs_font = pytest.mark.skipif(not png._has("M", ()), reason="needs a font")


def test_without_models_three_attentions_are_compared(shapetrace, tmp_path):
    file = tmp_path / "attention.svg"
    assert shapetrace("compare", "--out", file, "--lang", "zh").out == f"{file}\n"
    written = file.read_text(encoding="utf-8")
    assert "多头潜在注意力（MLA）" in written
    assert "每词元缓存 640 字节" in written


def test_presets_are_compared_in_a_section_or_whole(shapetrace, tmp_path):
    for section in ("mlp", "all"):
        file = tmp_path / f"{section}.svg"
        shapetrace("compare", "gpt2", "llama-3.2-1b", "--section", section, "--out", file)
        assert "GPT-2 small and Llama 3.2 1B" in file.read_text(encoding="utf-8")


def test_the_story_is_one_figure(shapetrace, tmp_path):
    shapetrace("diagram", "gpt2", "--view", "story", "--out", tmp_path)
    assert [path.name for path in tmp_path.glob("*.svg")] == ["story.svg"]


@pytest.fixture
def traces(tmp_path):
    save(linear(), tmp_path / "a.json")
    save(linear(), tmp_path / "b.json")
    return tmp_path / "a.json", tmp_path / "b.json"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("gpt2",), "got one model, gpt2: expected two or three"),
        (("gpt2", "gpt2", "--step", "1"), "No such option: --step"),
        (("gpt2", "gpt2", "--view", "story"), "No such option: --view"),
        (("gpt2", "gpt2", "--scale", "0"), "scale is 0"),
        (("gpt2", "gpt2", "--font", "none.ttf"), "cannot read the font none.ttf"),
        (("gpt2", "gpt2", "--templates", "none"), "there is no folder none of templates"),
    ],
)
def test_a_wrong_request_exits_2_before_anything_runs(shapetrace, tmp_path, words, message):
    assert message in shapetrace("compare", *words, "--out", tmp_path / "x.svg", code=2).err


def test_a_section_that_is_not_there_names_those_that_are(shapetrace, traces, tmp_path):
    assert (
        "no section 'nope'"
        in shapetrace("compare", *traces, "--section", "nope", "--out", tmp_path / "x.svg", code=2).err
    )


def test_the_file_names_the_format(shapetrace, traces, tmp_path):
    options = ("--section", "all", "--out")
    shapetrace("compare", *traces, *options, tmp_path / "x.pdf")
    assert (tmp_path / "x.pdf").read_bytes().startswith(b"%PDF")
    for name, message in (("x.bmp", "no table is a .bmp: expected .txt, .md"), ("x", "has no suffix")):
        assert message in shapetrace("compare", *traces, *options, tmp_path / name, code=2).err


@needs_font
def test_the_scale_is_that_of_the_png(shapetrace, traces, tmp_path):
    sizes = []
    for scale in ("1", "3"):
        shapetrace("compare", *traces, "--section", "all", "--scale", scale, "--out", tmp_path / "x.png")
        sizes.append(struct.unpack(">II", (tmp_path / "x.png").read_bytes()[16:24]))
    assert sizes[1][0] == pytest.approx(3 * sizes[0][0], abs=3)


def test_how_a_comparison_looks_is_chosen_by_options(shapetrace, traces, tmp_path):
    file = tmp_path / "x.svg"
    options = ("--title", "Two nets", "--caption", "Both are small.", "--theme", "dark", "--width", "900")
    shapetrace("compare", *traces, "--section", "all", *options, "--out", file)
    written = file.read_text(encoding="utf-8")
    assert "Two nets</title>" in written
    assert ">Both are small.</text>" in written
    assert 'width="900"' in written
    assert 'fill="#0d1117"' in written


def test_sizes_of_the_input_are_for_each_model(shapetrace, tmp_path):
    shapetrace("compare", "gpt2", "gpt2-medium", "--seq", "16", "--out", tmp_path / "x.svg")
    assert "[16,768]" in (tmp_path / "x.svg").read_text(encoding="utf-8")


def options_of(command):
    return {name for param in loaded(command).params for name in param.opts if "-" in name}


def test_a_comparison_takes_what_one_pass_takes():
    of_one_model = {"--annotate", "--costs", "--depth", "--explain", "--generate", "--name", "--no-cache", "--ops"}
    assert options_of("run") - options_of("compare") == of_one_model


def test_the_bytes_of_the_cache_are_those_of_the_type_asked_for(shapetrace):
    found = []
    for dtype in ("bfloat16", "float32"):
        written = shapetrace("compare", "gpt2", "qwen2.5-0.5b", "--seq", "8", "--dtype", dtype, "--format", "csv").out
        row = next(line for line in written.splitlines() if "KV cache" in line)
        found.append(row.replace('"', "").replace(",", ""))
    # 12 layers x 2 x 768; 24 layers x 2 x 2 heads x 64
    assert found == ["KV cache: bytes per token3686412288", "KV cache: bytes per token7372824576"]


def test_options_without_models_are_for_the_three_attentions(shapetrace):
    written = shapetrace("compare", "--seq", "8", "--dtype", "bfloat16", "--format", "csv").out
    assert "[8,768]×[768,64]→[8,64]" in written
    assert '"36,864","12,288","3,840"' in written


def test_what_one_model_cannot_take_is_for_the_others(shapetrace, traces, tmp_path):
    files = tmp_path / "one.json", tmp_path / "two.json"
    options = ("--section", "all", "--seq", "8", "--layers", "1", "--format", "csv")
    written = shapetrace("compare", "gpt2", traces[0], *options, "--save", files[0], "--save", files[1]).out
    assert "[8,768]" in written
    assert files[1].read_text(encoding="utf-8") == traces[0].read_text(encoding="utf-8")
    assert "give --save once for each" in shapetrace("compare", *traces, "--save", files[0], code=2).err


def test_what_no_model_can_take_is_told(shapetrace):
    message = "--hf-class has no meaning"
    assert message in shapetrace("compare", "gpt2", "gpt2-medium", "--hf-class", "X", code=2).err


def test_one_model_is_compared_by_several_degrees(shapetrace, tmp_path):
    words = ("compare", "gpt2", "--tp", "1,4", "--layers", "1", "--seq", "8")
    assert "all-reduce" in shapetrace(*words).out
    for options in ((), ("--section", "mlp")):
        file = tmp_path / f"{len(options)}.svg"
        shapetrace(*words, *options, "--out", file)
        assert "tp 4" in file.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("gpt2", "--tp", "1,x"), "--tp 1,x: give one number from 1, or up to 5"),
        (("gpt2", "gpt2", "--tp", "1,2"), "several degrees are of one model"),
        (("--tp", "1,2"), "several degrees are of one model"),
    ],
)
def test_wrong_degrees_are_said_in_one_line(shapetrace, words, message):
    assert message in shapetrace("compare", *words, code=2).err
