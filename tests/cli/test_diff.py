import json

import pytest

TINY = ("--d-model", "16", "--vocab", "32", "--seq", "4")


def test_equal_models_exit_0_and_different_ones_1(shapetrace):
    assert "nothing differs" in shapetrace("diff", "gpt2", "gpt2", "--seq", "8").out
    table = shapetrace("diff", "gpt2", "gpt2-medium", "--seq", "8", code=1).out
    assert "parameters 124,439,808 → 354,823,168" in table
    assert "h.0 ×12" in table and "h.0 ×24" in table


def test_the_same_model_of_transformers_has_equal_products(shapetrace):
    table = shapetrace("diff", "gpt2", "hf:gpt2", "--seq", "8").out
    assert "the products are equal" in table
    assert "h.0 → transformer.h.0" in table
    shapetrace("diff", "gpt2", "hf:gpt2", "--seq", "8", "--strict", code=1)


def test_a_trace_is_compared_with_a_model(shapetrace, tmp_path):
    shapetrace("run", "gpt2", "--seq", "8", "--save", tmp_path / "trace.json")
    shapetrace("diff", tmp_path / "trace.json", "gpt2", "--seq", "8")
    document = json.loads(shapetrace("diff", tmp_path / "trace.json", "gpt2", "--seq", "9", "-f", "json", code=1).out)
    assert not document["equal"]


def test_a_wrong_request_exits_2(shapetrace):
    assert "error: no format 'dot'" in shapetrace("diff", "gpt2", "gpt2", "-f", "dot", code=2).err
    assert "no theme named 'nope'" in shapetrace("diff", "gpt2", "gpt2", "-f", "svg", "--theme", "nope", code=2).err
    assert "no labels for the language" in shapetrace("diff", "gpt2", "gpt2", "-f", "svg", "--lang", "x", code=2).err
    shapetrace("diff", "gpt2", code=2)
    shapetrace("diff", "gpt2", "no-such-model", code=2)


@pytest.mark.parametrize("name", ["table", "markdown"])
def test_differences_are_told_in_chinese(shapetrace, name):
    said = shapetrace("diff", "gpt2", "gpt2-medium", "--seq", "8", "-f", name, "--lang", "zh", code=1).out
    for words in (
        "15 处乘积或参数不同",
        "不同的设置：layers 12 → 24",
        "矩阵乘法的 FLOPs",
        "步骤",
        "Transformer 块 ×24",
    ):
        assert words in said, words
    assert "[8]→查表 [50257,768]→[8,768]" in said.replace("\\", "")
    assert "Query" not in said


def test_a_program_gets_the_same_in_every_language(shapetrace):
    words = ("diff", "gpt2", "gpt2-medium", "--seq", "8", "-f", "csv")
    assert shapetrace(*words, "--lang", "zh", code=1).out == shapetrace(*words, code=1).out


def test_a_figure_goes_to_stdout(shapetrace):
    said = shapetrace("diff", "gpt2", "gpt2-medium", "--seq", "8", "-f", "svg", "--lang", "zh", code=1)
    assert said.out.startswith("<svg")
    assert "~ 改变" in said.out
    assert shapetrace("diff", "gpt2", "gpt2", "--seq", "8", "-f", "svg").out.endswith("</svg>\n")
