"""Titles, symbols and labels are for people: replaced by random words, one each, they change no number and no order."""

import random
import re
from dataclasses import replace
from types import SimpleNamespace

import pytest

from shapetrace.api import Trace
from shapetrace.comparing import compare as diff
from shapetrace.drawing import compare, figure
from shapetrace.drawing.kinds.differing import difference
from shapetrace.drawing.primitives import Text
from shapetrace.formats import FORMATS
from shapetrace.formats.contract import Options
from shapetrace.formats.summary import parameter_parts
from shapetrace.obtaining import obtain
from shapetrace.outlining.structure import Operand, Outline, Section, Step
from shapetrace.request import Request

SMALL = {"seq": 8}
MODELS = ["gpt2", "gpt2-medium", "deepseek-v2-lite", "mixtral-8x7b"]


def scrambled(outline: Outline, seed: int = 0) -> Outline:
    chance = random.Random(seed)

    def word() -> str:
        return "".join(chance.choices("bdfghklmprstvz", k=6))

    def operand(old: Operand) -> Operand:
        return replace(old, name=word() if old.name else "", dims=tuple(word() if name else "" for name in old.dims))

    def step(old: Step) -> Step:
        shown = {"operands": tuple(map(operand, old.operands)), "results": tuple(map(operand, old.results))}
        return replace(old, title=word(), **shown)

    def section(old: Section) -> Section:
        items = tuple(step(item) if isinstance(item, Step) else section(item) for item in old.items)
        return replace(old, title=word(), items=items)

    return replace(outline, root=section(outline.root))


@pytest.fixture(scope="module")
def traces() -> dict[str, Trace]:
    return {name: obtain(Request(model=name, shape=SMALL), str) for name in MODELS}


def numbers(drawn) -> list[str]:
    """Sizes, shapes and stacks of a figure, in the order in which they are painted."""
    inks = {"size", "match", "shape", "stack"}
    return [mark.plain for mark in drawn.marks() if isinstance(mark, Text) and mark.ink in inks]


@pytest.mark.parametrize("name", MODELS)
def test_parameters_cache_and_figures_stay(traces, name):
    outline = traces[name].outline()
    other = scrambled(outline)
    assert other != outline
    assert parameter_parts(other) == parameter_parts(outline)
    for section in (None, "attention", "block"):
        assert sorted(numbers(figure(other, section=section))) == sorted(numbers(figure(outline, section=section)))


@pytest.mark.parametrize("name", ["csv", "json", "table"])
def test_every_number_of_a_text_format_stays(traces, name):
    outline = traces["deepseek-v2-lite"].outline()
    written = [FORMATS[name].outline(each, Options(width=300)) for each in (outline, scrambled(outline))]
    rows = [re.findall(r"\[[\d,]*\]|\d[\d,.]+", text) for text in written]
    assert rows[0] == rows[1]


def renamed(trace: Trace, seed: int) -> SimpleNamespace:
    outline = scrambled(trace.outline(), seed)
    return SimpleNamespace(outline=lambda: outline, model=trace.model, ops=trace.ops)


@pytest.mark.parametrize(("left", "right"), [("gpt2", "gpt2-medium"), ("gpt2", "mixtral-8x7b"), ("gpt2", "gpt2")])
def test_a_diff_pairs_the_same_rows(traces, left, right):
    told = diff(traces[left], traces[right])
    other = diff(renamed(traces[left], 1), renamed(traces[right], 2))

    def facts(found):
        return [
            (
                change.status,
                change.aspects,
                change.notes,
                change.left and change.left.path,
                change.right and change.right.path,
            )
            for change in found.changes
        ]

    assert facts(other) == facts(told)
    assert other.totals == told.totals
    assert numbers(difference(other)) == numbers(difference(told))


def test_models_side_by_side_have_the_same_bands(traces):
    outlines = [traces[name].outline() for name in ("gpt2", "deepseek-v2-lite")]
    others = [scrambled(outline, seed) for seed, outline in enumerate(outlines)]
    assert numbers(compare(others)) == numbers(compare(outlines))
