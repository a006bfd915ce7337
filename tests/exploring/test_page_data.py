"""What a page knows, against the outline that it was made from and the trace behind it."""

from functools import cache
from itertools import chain

import pytest

from shapetrace.drawing.wording import words_in
from shapetrace.exploring import Explored, mapping, page_data
from shapetrace.outlining.structure import Section
from tests.exploring.models import trace

MODELS = ["gpt2", "transformer-base", "deepseek-v3", "hostile", "broken"]


@cache
def told_of(name):
    outline = trace(name).outline()
    data, drawn = page_data(Explored.of(outline), [words_in("en"), words_in("zh")])
    return outline, data, drawn


@pytest.fixture(params=MODELS)
def told(request):
    """The outline of a model, what its page knows, and what is drawn on it; all tests read the same."""
    return told_of(request.param)


def shown(step):
    return [*step.get("operands", []), *step.get("results", [])]


def values(form):
    return {operand["value"] for step in form["steps"] for operand in shown(step)}


def test_steps_and_sections_are_those_of_the_outline(told):
    outline, data, _ = told
    form = data["subjects"][0]["forms"]["head"]
    assert [step["id"] for step in form["steps"]] == [step.id for step in outline.steps()]
    assert [section.get("path", "") for section in form["sections"]] == [s.path for s in outline.root.sections()]
    inside = chain.from_iterable(section.get("items", []) for section in form["sections"])
    assert sorted(item["step"] for item in inside if "step" in item) == list(range(len(form["steps"])))


def test_costs_of_all_layers_add_up_to_the_totals(told):
    outline, data, _ = told
    for form in data["subjects"][0]["forms"].values():
        steps = form["steps"]
        flops = sum(step.get("flops", 0) * step.get("repeat", 1) for step in steps)
        parameters = sum(step.get("parameters", 0) * step.get("repeat", 1) - step.get("shared", 0) for step in steps)
        assert flops == outline.totals.flops
        assert parameters == outline.totals.parameters - outline.totals.unused_parameters


def test_every_value_is_made_once_and_before_it_is_read(told):
    _, data, _ = told
    for form in data["subjects"][0]["forms"].values():
        made = {}
        for n, step in enumerate(form["steps"]):
            for operand in step.get("operands", []):
                assert made.get(operand["value"], -1) < n
            for result in step.get("results", []):
                assert result["value"] not in made
                made[result["value"]] = n


def test_every_picture_has_a_cell_for_each_operand_and_result(told):
    _, data, drawn = told
    for form in data["subjects"][0]["forms"].values():
        for step in form["steps"]:
            for row in step["rows"]:
                cells = [drawn.cells[number] for number in drawn.rows[row]]
                places = [cell.operand for cell in cells if cell.operand is not None]
                assert places == list(range(len(shown(step)))), step["id"]


def test_every_box_of_a_map_stands_for_a_part_and_lies_on_it(told):
    _, data, drawn = told
    for form in data["subjects"][0]["forms"].values():
        for chosen in (each for sizes in form["maps"].values() for each in sizes.values()):
            _, around = drawn.plates[chosen["picture"]]
            for title, key, (left, top, right, bottom) in chosen["areas"]:
                assert title and int(key[1:]) < len(form["sections" if key[0] == "s" else "steps"])
                assert around.left <= left < right <= around.right
                assert around.top <= top < bottom <= around.bottom


@pytest.mark.parametrize(("most", "has_map"), [(3, False), (100, True)])
def test_a_map_of_too_many_boxes_is_left_out(monkeypatch, most, has_map):
    monkeypatch.setattr(mapping, "MOST_BOXES", most)
    data, _ = page_data(Explored.of(trace("gpt2").outline()), [words_in("en")])
    assert all(bool(form["maps"]) == has_map for form in data["subjects"][0]["forms"].values())


def test_a_size_stands_at_the_edge_of_its_own_axis(told):
    _, data, drawn = told
    for step in data["subjects"][0]["forms"]["head"]["steps"]:
        for cell in (drawn.cells[number] for number in drawn.rows[step["rows"][0]]):
            for axis, box in cell.edges:
                written = [m.plain for m in cell.cell.marks if getattr(m, "ink", "") in {"size", "match"}]
                size = str(shown(step)[cell.operand]["shape"][axis])
                assert size in written or "·" in "".join(written), step["id"]
                assert box.right > box.left


@pytest.mark.parametrize("name", ["gpt2", "deepseek-v3"])
def test_layers_run_the_same_operations_from_where_they_start(name):
    recorded = trace(name)
    data, _ = page_data(Explored.of(recorded.outline()), [words_in("en")])
    folded = [section for section in data["subjects"][0]["forms"]["head"]["sections"] if section.get("starts")]
    assert folded
    for section in folded:
        first, *others = section["starts"]
        length = (others[0] if others else first) - first
        for start in others:
            for offset in range(length):
                assert recorded.ops[first + offset].name == recorded.ops[start + offset].name
        assert recorded.calls[recorded.ops[others[-1]].call].path.startswith(section["members"][-1])


def test_keys_are_the_result_that_their_step_made_also_when_turned():
    data, _ = page_data(Explored.of(trace("gpt2").outline()), [words_in("en")])
    steps = {step["id"]: step for step in data["subjects"][0]["forms"]["head"]["steps"]}
    query, key = (steps["h.0.attn/scores"]["operands"][n]["value"] for n in (0, 1))
    assert steps["h.0.attn/query"]["results"][0]["value"] == query
    assert steps["h.0.attn/key"]["results"][0]["value"] == key != query


def test_what_follows_the_folded_layers_reads_their_last_result():
    data, _ = page_data(Explored.of(trace("gpt2").outline()), [words_in("en")])
    steps = {step["id"]: step for step in data["subjects"][0]["forms"]["head"]["steps"]}
    assert steps["<unembedding>/layernorm"]["operands"][0]["value"] == steps["h.0/residual-2"]["results"][0]["value"]


def test_a_value_that_is_copied_and_kept_is_not_taken_for_its_copy():
    """The rows of a shared expert are those of the norm, not those that were copied for the experts beside it."""
    data, _ = page_data(Explored.of(trace("deepseek-v3").outline()), [words_in("en")])
    steps = {step["id"]: step for step in data["subjects"][0]["forms"]["head"]["steps"]}
    shared = steps["h.3.mlp.shared_experts/gate"]["operands"][0]["value"]
    assert shared == steps["h.3/rmsnorm-2"]["results"][0]["value"]
    assert shared != steps["h.3.mlp.experts/dispatch"]["results"][0]["value"]


def test_an_outline_without_its_trace_is_told_all_but_operations():
    from tests.outlines import gpt2

    outline = gpt2()
    data, _ = page_data(Explored.of(outline), [words_in("en")])
    assert list(data["subjects"][0]["forms"]) == ["head"]
    assert len(data["subjects"][0]["forms"]["head"]["steps"]) == len(list(outline.steps()))
    assert isinstance(outline.root, Section)
    assert not any("ops" in step for step in data["subjects"][0]["forms"]["head"]["steps"])


@pytest.mark.parametrize("name", ["gpt2", "transformer-base", "deepseek-v3"])
def test_heads_side_by_side_keep_their_rows_and_meet_the_weight_that_they_multiply(name):
    form = page_data(Explored.of(trace(name).outline()), [words_in("en")])[0]["subjects"][0]["forms"]["head"]
    joined = [step for step in form["steps"] if step["role"] == "concat_heads"]
    assert joined
    for step in joined:
        (heads,), (together,) = step["operands"], step["results"]
        assert together["axes"][0] == heads["axes"][0] >= 0
        (output,) = [s for s in form["steps"] if any(o["value"] == together["value"] for o in s["operands"])]
        assert output["operands"][1]["axes"][0] == together["axes"][1] >= 0
