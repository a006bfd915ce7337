"""A size is solved exactly, or not at all; the last sample is one that nothing was solved with."""

import pytest

from shapetrace.sizing import parse
from shapetrace.sizing.solving import Solver
from shapetrace.sizing.variables import Variable, draws

BASE = {"B": 1, "T": 64, "h": 8, "h_kv": 2, "d_model": 128, "d_head": 128, "W": 16}
VARIABLES = [Variable(name, name, value, "input" if name in "BT" else "entry") for name, value in BASE.items()]
SAMPLES = [BASE, *({each.symbol: value for each, value in draw.items()} for draw in draws(VARIABLES, 3))]
UNSEEN = {"B": 4, "T": 77, "h": 10, "h_kv": 5, "d_model": 90, "d_head": 14, "W": 11}


@pytest.mark.parametrize(
    "text",
    ["7", "T", "4·d_model", "B·T", "B·h·T", "h/h_kv", "B·h/h_kv", "2·T−1", "T+W", "2·T+W+1", "d_head/2", "h·d_head",
     "h·d_head+2·h_kv·d_head", "d_model²/h²", "⌈T/W⌉"],
)  # fmt: skip
def test_sizes_that_models_have_are_solved(text: str) -> None:
    truth = parse(text)
    solver = Solver(SAMPLES)
    for known in ("B", "T", "W", "h·d_head", "h_kv·d_head", "2·h_kv·d_head"):
        solver.of(tuple(parse(known).at(sample) for sample in SAMPLES))
    solver.of_sums(tuple(parse("h/h_kv").at(sample) for sample in SAMPLES))
    vector = tuple(truth.at(sample) for sample in SAMPLES)
    found = solver.of(vector) or solver.of_sums(vector)
    assert found is not None
    assert found.exactly(UNSEEN) == truth.exactly(UNSEEN), str(found)


def test_two_entries_of_one_size_are_never_confused() -> None:
    solver = Solver(SAMPLES)
    wide = tuple(sample["d_model"] for sample in SAMPLES)
    many = tuple(sample["d_head"] for sample in SAMPLES)
    assert wide[0] == many[0] == 128
    assert (str(solver.of(wide)), str(solver.of(many))) == ("d_model", "d_head")


def test_what_fails_the_check_point_stays_a_number() -> None:
    solver = Solver(SAMPLES)
    *solved_with, last = [sample["T"] for sample in SAMPLES]
    for wrong in (last + 1, last * 2, last - 3):
        vector = (*solved_with, wrong)
        assert solver.of(vector) is None
        assert solver.of_sums(vector) is None


def test_values_keep_what_a_model_may_rely_on() -> None:
    for sample in SAMPLES[1:]:
        assert sample["h"] % sample["h_kv"] == 0
        assert sample["d_model"] % sample["h"] == 0
        assert (sample["d_model"] // sample["h"]) % 2 == 0
        assert sample["d_head"] % 2 == 0


def test_heads_go_on_dividing_a_width_that_many_counts_divide_by_chance() -> None:
    bases = {"h_kv": 4, "k": 8, "E": 16, "h": 32, "V": 1024, "d_model": 2048}
    variables = [Variable(name, name, value, "entry") for name, value in bases.items()]
    for draw in draws(variables, 3):
        width, rest = divmod(draw[variables[-1]], draw[variables[3]])
        assert (rest, width % 2) == (0, 0)


def test_the_width_of_a_head_is_a_multiple_of_no_number_of_heads() -> None:
    variables = [Variable("h", "h", 8, "entry"), Variable("d_head", "d_head", 256, "entry")]
    assert any(draw[variables[1]] % draw[variables[0]] for draw in draws(variables, 3))
