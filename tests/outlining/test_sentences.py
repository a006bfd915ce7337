"""A sentence a step: every role and kind has one, in every language, with the sizes of the step."""

import re
from typing import get_args

import pytest

import shapetrace
from shapetrace.drawing.teaching import caption, sentences
from shapetrace.drawing.wording import ENGLISH, words_in
from shapetrace.formats.contract import Options
from shapetrace.formats.table import render
from shapetrace.outlining.roles import Role
from shapetrace.outlining.sentences import sentence
from shapetrace.outlining.structure import Operand, Step, StepKind

MODELS = ["gpt2", "llama-3.2-1b", "mixtral-8x7b", "deepseek-v2-lite", "toy:nsa", "toy:cross-words"]


def step(kind: str, role: Role) -> Step:
    data = Operand("X", "data", (4, 8))
    return Step("a", "", kind, "A", "", "×", (data, Operand("W", "weight", (8, 16))), (Operand("Y", "data", (4, 16)),),
                inner=(1, 0), role=role)  # fmt: skip


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_every_role_and_kind_has_a_sentence_in_every_language(lang):
    words = words_in(lang)
    told = {words.told(sentence(step(kind, role))) for kind in get_args(StepKind) for role in Role}
    assert len(told) > 50
    for line in told:
        assert line.endswith(("。", "？") if lang == "zh" else (".", "?"))
        assert "{" not in line
        assert lang == "en" or not re.search(r"[a-z]{4,}", line), line


def test_sizes_are_those_of_the_step():
    assert str(sentence(step("product", Role.EXPAND))).startswith("Widens each row from 8 to 16 hidden numbers")
    assert "{" not in str(sentence(step("norm", Role.NORM)))


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("lang", ["en", "zh"])
def test_the_table_says_each_below_its_step(name, lang):
    outline = shapetrace.preset(name, **({} if name.startswith("toy:") else {"seq": 16})).outline()
    words = words_in(lang)
    table = "".join(render(outline, Options(width=100, lang=lang, explain=True)).split())
    for title, told in sentences(outline.steps(), words):
        assert title and "".join(told.split()) in table
    assert "".join(str(sentence(next(iter(outline.steps())))).split()) not in "".join(render(outline).split())


def test_a_mask_is_told_where_there_is_one():
    outline = shapetrace.preset("gpt2", seq=8).outline()
    scores = next(each for each in outline.steps() if each.kind == "scores")
    assert str(sentence(scores)).endswith("What comes later is hidden.")
    plain = shapetrace.preset("toy:cross-words").outline()
    assert "hidden" not in str(sentence(next(each for each in plain.steps() if each.kind == "scores")))


def test_a_figure_says_them_below_it():
    trace = shapetrace.preset("gpt2", seq=8)
    svg = shapetrace.figure(trace, section="mlp", explain=True, caption="Mine.").svg
    plain = shapetrace.figure(trace, section="mlp").svg
    shown = " ".join(re.findall(r">([^<]+)<", svg))
    assert "Mine." in shown
    for line in caption(list(trace.outline().steps())[13:16], ENGLISH).splitlines():
        assert line.split(": ")[1][:40] in shown
        assert line.split(": ")[1][:40] not in plain


def test_the_command_line_and_markdown_say_them(tmp_path, monkeypatch, capsys):
    from shapetrace.cli import main as command_line

    for words in (["run", "toy:mha", "--explain", "-f", "markdown"], ["run", "toy:mha", "--explain", "-f", "html"]):
        monkeypatch.setattr("sys.argv", ["shapetrace", *words])
        with pytest.raises(SystemExit):
            command_line.main()
        assert "what it looks for in the others." in capsys.readouterr().out
