"""Random words in place of every title, symbol, operator, section title and name of a size: the facts stay."""

import random
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, replace
from itertools import product
from typing import Any

import pytest

from shapetrace import outlining
from shapetrace.api import Trace
from shapetrace.comparing import aligning
from shapetrace.comparing import compare as diff
from shapetrace.comparing.structure import Side
from shapetrace.drawing import figure
from shapetrace.drawing.primitives import Rect, Text
from shapetrace.formats import summary
from shapetrace.outlining import words
from shapetrace.outlining.passes import Pass
from shapetrace.outlining.structure import Operand, Outline, Section, Step
from tests.outlining.traced import traced

MODELS = ["gpt2", "llama", "mixtral", "deepseek", "encoder-decoder", "adapters", "heads apart"]
SHOWN = ("title", "symbol", "operator", "section_title")
"""The functions of `words` that give what an outline shows; ``slug`` makes ids of titles."""


def random_words(seed: int) -> Callable[..., str]:
    """A function that answers each call with a word of its own, as short as a symbol."""
    every = ["".join(letters) for letters in product("bdfghklmprstvwxz", repeat=3)]
    left = iter(random.Random(seed).sample(every, len(every)))
    return lambda *_, **__: next(left)


def reworded(trace: Trace, seed: int = 0) -> Outline:
    """The outline of a trace by passes that know no words."""
    word = random_words(seed)
    with pytest.MonkeyPatch.context() as patch:
        for name in SHOWN:
            patch.setattr(words, name, word)
        patch.setattr(outlining, "PASSES", tuple(map(_with_random_sizes(word), outlining.PASSES)))
        return outlining.outline(trace)


def _with_random_sizes(word: Callable[..., str]) -> Callable[[Pass], Pass]:
    """What turns the pass that names sizes into one that names each at random."""

    def change(each: Pass) -> Pass:
        if each.gives != "sizes":
            return each

        def sizes(flow: Any, attentions: Any, folded: Any, symbols: Any) -> Any:
            found = each.run(flow, attentions, folded, symbols)
            return {place: tuple(word() if name else "" for name in names) for place, names in found.items()}

        return Pass("sizes", sizes)

    return change


def fact(operand: Operand) -> tuple[Any, ...]:
    bare = replace(operand, name="", dims=tuple(bool(name) for name in operand.dims), made_by="")
    return tuple(asdict(bare).values())


def facts(item: Step | Section) -> tuple[Any, ...]:
    """All that an outline says, but for its words and the ids that are made of titles."""
    if isinstance(item, Section):
        inside = tuple(map(facts, item.items))
        return (item.path, item.kind, item.type, item.repeat, item.members, item.parameters, item.is_group, inside)
    costs = (item.parameters, item.shared_parameters, item.flops, item.repeat, item.tied_to)
    operands = (tuple(map(fact, item.operands)), tuple(map(fact, item.results)))
    return (item.section, item.kind, item.role, item.path, costs, operands, item.inner, item.ops)


def origins(outline: Outline) -> list[list[int]]:
    """For each operand that a step made: that step's place."""
    places = {step.id: place for place, step in enumerate(outline.steps())}
    return [[places.get(operand.made_by, -1) for operand in step.operands] for step in outline.steps()]


NUMBERS = frozenset({"size", "match", "shape", "stack"})
"""Inks of what a figure says in numbers."""
ORIGINS = frozenset({"data", "weight", "constant"})
"""Inks of matrices."""


def drawn(outline: Outline, section: str | None) -> tuple[list[str], Counter[str]]:
    """Numbers written, and how many matrices of each sort are drawn; how large they are depends on the words."""
    marks = list(figure(outline, section=section).marks())
    written = sorted(mark.plain for mark in marks if isinstance(mark, Text) and mark.ink in NUMBERS)
    return written, Counter(mark.ink for mark in marks if isinstance(mark, Rect) and mark.ink in ORIGINS)


def differences(left: Outline, right: Outline, trace: tuple[Trace, Trace]) -> tuple[Any, ...]:
    """What a diff says of two models, but for titles."""

    def numbers(side: Side | None) -> object:
        return side and (side.path, side.stack, side.repeat, side.parameters, side.flops)

    class Renamed:
        def __init__(self, found: Outline, recorded: Trace) -> None:
            self.model, self.ops, self._found = recorded.model, recorded.ops, found

        def outline(self) -> Outline:
            return self._found

    found = diff(Renamed(left, trace[0]), Renamed(right, trace[1]))
    rows = [
        (change.status, change.aspects, change.depth, change.section, *map(numbers, (change.left, change.right)))
        for change in found.changes
    ]
    return rows, found.totals, found.n_products, found.products_equal


@pytest.mark.parametrize("name", MODELS)
def test_every_fact_of_an_outline_stays(name: str) -> None:
    expected, found = traced(name).outline(), reworded(traced(name))
    assert {step.title for step in found.steps()}.isdisjoint(step.title for step in expected.steps())
    assert facts(found.root) == facts(expected.root)
    assert origins(found) == origins(expected)
    assert (asdict(found.totals), found.coverage) == (asdict(expected.totals), expected.coverage)


@pytest.mark.parametrize("name", MODELS)
def test_the_cache_and_the_shares_of_parameters_stay(name: str) -> None:
    expected, found = traced(name).outline(), reworded(traced(name))
    assert found.cache == expected.cache
    assert summary.parameter_parts(found) == summary.parameter_parts(expected)


@pytest.mark.parametrize("section", [None, "attention", "block"])
@pytest.mark.parametrize("name", MODELS)
def test_the_numbers_and_rectangles_of_figures_stay(name: str, section: str | None) -> None:
    expected, found = traced(name).outline(), reworded(traced(name))
    assert drawn(expected, section)[0]
    assert drawn(found, section) == drawn(expected, section)


@pytest.mark.parametrize(("left", "right"), [("gpt2", "llama"), ("mixtral", "deepseek"), ("gpt2", "gpt2")])
def test_a_diff_says_the_same(left: str, right: str) -> None:
    traces = traced(left), traced(right)
    expected = differences(traces[0].outline(), traces[1].outline(), traces)
    assert differences(reworded(traces[0], 1), reworded(traces[1], 2), traces) == expected


def test_shares_that_read_titles_are_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(summary, "_share", lambda step, name: "norms" if step.title == "LayerNorm" else name)
    expected, found = traced("gpt2").outline(), reworded(traced("gpt2"))
    assert summary.parameter_parts(found) != summary.parameter_parts(expected)


def test_a_diff_that_reads_operators_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aligning, "_function", lambda step: step.operator)
    traces = traced("gpt2"), traced("gpt2")
    plain = [trace.outline() for trace in traces]
    assert differences(plain[0], plain[1], traces) != differences(
        reworded(traces[0], 1), reworded(traces[1], 2), traces
    )
