"""Two models in step: what a page knows of them, against their comparison and their traces."""

import pytest

import shapetrace
from shapetrace.comparing import compare
from shapetrace.drawing.wording import words_in
from shapetrace.errors import UsageError
from shapetrace.exploring import Tour, page_data
from tests.exploring.models import explored, trace

PAIRS = [("gpt2", "llama-3.1-8b"), ("alike", "wider"), ("broken", "mended"), ("gpt2", "gpt2")]


def forms(left, right):
    data, _ = page_data(Tour((explored(left), explored(right)), in_step=True), [words_in("en")])
    return data, [subject["forms"]["head"] for subject in data["subjects"]]


@pytest.mark.parametrize("names", PAIRS)
def test_steps_with_one_number_are_those_that_a_comparison_puts_side_by_side(names):
    data, sides = forms(*names)
    found = compare(*map(trace, names))
    pairs = [change.steps for change in found.changes if not change.section]
    shown = list(zip(*(form["steps"] for form in sides), strict=True))
    assert shown and [tuple(step and step["id"] for step in pair) for pair in shown] == [
        tuple(step and step.id for step in pair) for pair in pairs
    ]
    marks = data["changes"]["head"]["steps"]
    assert [bool(mark) for mark in marks] == [c.differs for c in found.changes if not c.section]
    assert sides[0]["sections"][0]["items"] == sides[1]["sections"][0]["items"]


def test_a_model_beside_itself_differs_in_nothing():
    data, _ = forms("gpt2", "gpt2")
    assert not any(mark for form in data["changes"].values() for kind in form.values() for mark in kind)
    assert data["verdict"]["en"][0].startswith("the products are equal")


@pytest.mark.parametrize("names", [("alike", "wider"), ("wider", "alike")])
def test_layers_taken_apart_have_operations_and_weights_of_their_own(names):
    _, sides = forms(*names)
    for name, form in zip(names, sides, strict=True):
        recorded = trace(name)
        layers = [step for step in form["steps"] if step and step.get("path", "").endswith(".up")]
        assert [step["path"] for step in layers] == ["layers.0.up", "layers.3.up", "layers.4.up"]
        assert [step.get("repeat", 1) for step in layers] == [3, 1, 2]
        for step in layers:
            assert {recorded.calls[recorded.ops[op["id"]].call].path for op in step["ops"]} == {step["path"]}
            assert step["operands"][1]["source"] == f"{step['path']}.weight"
        weights = [step["operands"][1]["value"] for step in layers]
        assert len(set(weights)) == 3


@pytest.mark.parametrize("names", [("alike", "wider"), ("wider", "alike")])
def test_what_follows_layers_taken_apart_reads_the_last_of_them(names):
    _, sides = forms(*names)
    for form in sides:
        *_, residual, last = [step for step in form["steps"] if step]
        assert last["path"] == "last" and residual["kind"] == "residual"
        assert last["operands"][0]["value"] == residual["results"][0]["value"]
        for one, two in ((a, b) for a in form["steps"] for b in form["steps"] if a and b and a is not b):
            made = [{result["value"] for result in step["results"]} for step in (one, two)]
            assert not made[0] & made[1]


def test_costs_of_both_add_up_to_their_totals():
    _, sides = forms("alike", "wider")
    for name, form in zip(("alike", "wider"), sides, strict=True):
        steps = [step for step in form["steps"] if step]
        totals = trace(name).outline().totals
        assert sum(step.get("flops", 0) * step.get("repeat", 1) for step in steps) == totals.flops
        assert sum(step.get("parameters", 0) * step.get("repeat", 1) for step in steps) == totals.parameters


@pytest.mark.parametrize("n", [0, 3])
def test_one_or_two_models_are_shown(n):
    with pytest.raises(UsageError, match=f"got {n} models"):
        shapetrace.explore(*[trace("gpt2")] * n)
