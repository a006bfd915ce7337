"""Words of text formats: one thing and several, and another language."""

from dataclasses import replace

import pytest

from shapetrace.drawing.content.facts import facts_of
from shapetrace.drawing.wording import _ONE, ENGLISH, words_in
from shapetrace.formats import markdown, summary
from shapetrace.formats.contract import Options
from shapetrace.formats.summary import part_named
from shapetrace.ir import Model
from tests.outlines import gpt2


@pytest.mark.parametrize(("n", "said"), [(1, "1 layer"), (2, "2 layers"), (1000, "1,000 layers"), (0, "0 layers")])
def test_one_layer_is_no_layers(n, said):
    assert ENGLISH.several("{n} layers", n) == said


def test_facts_of_a_small_model_are_grammatical():
    model = Model("Toy", {"layers": 1, "d_model": 8, "heads": 1, "seq": 1, "experts": 1}, "meta")
    assert facts_of(model, ENGLISH) == ["1 layer", "d_model 8", "1 head", "1 token", "1 expert"]
    assert facts_of(model, words_in("zh")) == ["1 层", "d_model 8", "1 个注意力头", "1 个词元", "1 个专家"]


def test_labels_have_one_thing_and_several():
    for lang in ("en", "zh"):
        assert {*_ONE, *_ONE.values()} <= set(words_in(lang).phrases)


def test_a_part_of_a_model_is_no_number():
    chinese = words_in("zh")
    assert (chinese.say("experts"), part_named(chinese, "experts")) == ("专家数", "专家")
    assert part_named(ENGLISH, "experts") == "experts"


def test_english_from_its_file_is_english():
    assert all(phrase == said for phrase, said in words_in("en").phrases.items())


def test_a_table_is_in_the_language_with_its_notes_and_totals():
    text = markdown.render(gpt2(), Options(lang="zh"))
    assert "| 步骤 | 模块 | 形状 | 头数 | 参数量 | FLOPs |" in text
    assert "注意力分数 *scaled by 1/√64 · causal*".replace("causal", "因果掩码") in text
    assert "`[1024]→查表 [50257,768]→[1024,768]`" in text
    assert "与 wte 共享权重" in text
    assert "覆盖：220 次运算 = 画出 20 + 折叠 140（并入 ×12） + 略去 60（48 视图、12 dropout）" in text


def test_closed_sections_are_in_the_language():
    text = markdown.render(gpt2(), Options(depth=1, lang="zh"))
    assert "**注意力** *8 步*" in text
    assert "Attention" not in text


def test_what_is_not_known_to_a_pass_is_said():
    outline = replace(gpt2(), coverage=replace(gpt2().coverage, unknown=3))
    assert "20 drawn (3 not known to any pass)" in summary.coverage(outline)
    assert "画出 20（其中 3 次未识别）" in summary.coverage(outline, words_in("zh"))
