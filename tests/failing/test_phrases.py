"""Everything that is said of a failure is in the label files."""

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

import shapetrace
from shapetrace import failing
from shapetrace.drawing.resources import read
from shapetrace.drawing.wording import words_in
from shapetrace.failing import explanation, report
from shapetrace.language import Phrase, joined, say
from tests.failing.every import EVERY, failed_case

ENGLISH = tomllib.loads(read("labels/en.toml"))["phrases"]
SOURCES = sorted(Path(failing.__path__[0]).glob("*.py"))


def templates(source: Path) -> Iterator[str]:
    """First arguments of ``say``, and other texts with fields that are no patterns or docstrings."""
    tree = ast.parse(source.read_text(encoding="utf-8"))
    apart: set[int] = set()
    for node in ast.walk(tree):
        pattern = isinstance(node, ast.Call) and ast.unparse(node.func) in {"re.compile", "re.search"}
        if pattern or (
            isinstance(node, ast.JoinedStr | ast.Expr) and not isinstance(getattr(node, "value", None), ast.Yield)
        ):
            apart |= {id(part) for part in ast.walk(node)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "say" and isinstance(node.args[0], ast.Constant):
            yield node.args[0].value
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in apart:
            yield from [node.value] if re.search(r"\{\w+\}", node.value) else []


def said(part: object) -> Iterator[str]:
    """Templates of a phrase and of those in it."""
    if isinstance(part, Phrase):
        yield part.template
        for value in part.values.values():
            yield from said(value)


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.stem)
def test_every_phrase_of_the_rules_can_be_translated(source):
    assert set(templates(source)) <= set(ENGLISH)


def test_phrases_are_found_in_the_rules():
    assert len({phrase for source in SOURCES for phrase in templates(source)}) > 100


def test_no_phrase_is_left_in_the_labels_that_nothing_says():
    text = read("labels/en.toml").partition("# a forward that fails\n")[2].partition("\n# ")[0]
    kept = set(tomllib.loads(text))
    assert len(kept) > 100
    assert kept <= {phrase for source in SOURCES for phrase in templates(source)} | spoken()


def spoken() -> set[str]:
    return {template for name in EVERY for template in spoken_of(name)}


def spoken_of(name: str) -> set[str]:
    explained = explanation(failed_case(name))
    parts = (explained.title, explained.reason, explained.clash, *explained.fits)
    return {t for part in (*parts, *(p.origin for p in explained.parts), *(p.name for p in explained.parts))
            for t in said(part)}  # fmt: skip


@pytest.mark.parametrize("name", EVERY)
def test_what_is_said_of_a_failure_is_in_the_labels(name):
    assert spoken_of(name) <= set(ENGLISH)


def test_a_note_in_chinese():
    case = EVERY["layers of different width"]
    with pytest.raises(RuntimeError) as caught, shapetrace.explain(lang="zh"):
        case.model(*case.inputs)
    assert "可行的做法：fc2 改为 Linear(768, 10)" in caught.value.__notes__[0]
    assert "fc1 (Linear 512→768) 产生 [4,768]，然后 relu" in caught.value.__notes__[0]


def test_an_unknown_language_is_told_before_anything_runs():
    with pytest.raises(shapetrace.UsageError, match="no labels for the language 'tlh'"), shapetrace.explain(lang="tlh"):
        raise AssertionError


def test_names_of_the_user_are_not_translated():
    assert words_in("zh").told(say("the result of {maker}", maker="the mask")) == "the mask 的结果"
    assert str(say("{name} {shape}", name="{braces}", shape="[1]")) == "{braces} [1]"
    assert str(joined("a", "b", "c", by="{first}, then {second}")) == "a, then b, then c"


def test_a_report_in_english_is_the_same_with_the_english_labels():
    for name in ("layers of different width", "a U-Net of odd sides", "classes last"):
        explained = explanation(failed_case(name))
        assert report(explained, words_in("en").told).split() == report(explained).split()
