"""``shapetrace scale``: the numbers are those of real passes, and what is said to cross crosses there."""

import json

import pytest

from shapetrace.obtaining import obtain
from shapetrace.outlining import outline
from shapetrace.outlining.growing import growth, values_of
from shapetrace.proving import prove
from shapetrace.request import Request

SHAPE = {"layers": 2, "d_model": 32, "heads": 4, "vocab": 60, "positions": "rope", "norm": "rmsnorm"}
WORDS = (
    "--layers",
    "2",
    "--d-model",
    "32",
    "--heads",
    "4",
    "--vocab",
    "60",
    "--positions",
    "rope",
    "--norm",
    "rmsnorm",
)


def test_costs_at_lengths_never_traced_are_those_of_real_passes(shapetrace) -> None:
    found = json.loads(shapetrace("scale", *WORDS, "--seq", "16:64", "-f", "json").out)
    assert [row["value"] for row in found] == [16, 32, 64]
    for row in found:
        real = outline(obtain(Request(shape=SHAPE | {"seq": row["value"]}), str))
        assert row["flops"] == real.totals.flops
        assert row["activations_bytes"] == real.totals.activation_bytes
        assert real.cache is not None
        assert row["cache_bytes"] == real.cache.bytes_per_token() * row["value"]
        assert row["weights_bytes"] == real.totals.parameter_bytes
        attention = [s.flops_in_all for s in real.steps() if s.kind in {"scores", "weighted_sum"}]
        assert row["attention_flops"] == sum(attention)


def test_attention_passes_the_mlp_where_it_is_said_to() -> None:
    request = Request(shape=SHAPE)
    grown = growth(prove(request, obtain(request, str)).outline(), "T", [8])
    at = grown.crossings[0].at
    assert (grown.crossings[0].cost, grown.crossings[0].other) == ("attention", "MLP")
    assert at is not None
    for length, passes in ((at - 1, False), (at, True)):
        steps = list(outline(obtain(Request(shape=SHAPE | {"seq": length}), str)).steps())
        attention = sum(s.flops_in_all for s in steps if s.kind in {"scores", "weighted_sum"})
        mlp = sum(s.flops_in_all for s in steps if ".mlp" in s.section)
        assert (attention >= mlp) is passes


@pytest.mark.parametrize(
    ("text", "values"),
    [("1k:4k", [1024, 2048, 4096]), ("1:6", [1, 2, 4, 6]), ("3,1k", [3, 1024]), ("8:8", [8])],
)
def test_ranges_double(text: str, values: list[int]) -> None:
    assert values_of(text) == values


@pytest.mark.parametrize("text", ["1k:", "k", "4k:1k", "0:4", "a:b", "1.5k:2k", "10"])
def test_what_is_no_range_is_refused_in_one_line(shapetrace, text: str) -> None:
    result = shapetrace("scale", *WORDS, "--seq", text, code=2)
    assert len(result.err.strip().splitlines()) == 1


def test_another_size_can_grow(shapetrace) -> None:
    found = json.loads(shapetrace("scale", *WORDS, "--seq", "32", "--over", "d_ff=64:128", "-f", "json").out)
    assert [row["flops"] - found[0]["flops"] for row in found] == [0, 2 * 2 * 2 * 32 * 32 * 64]
    wrong = shapetrace("scale", *WORDS, "--seq", "32", "--over", "d_f=64:128", code=2)
    assert "d_ff" in wrong.err


def test_the_terminal_gets_lines_and_a_file_a_figure(shapetrace, tmp_path) -> None:
    shown = shapetrace("scale", *WORDS, "--seq", "16:256", "--log").out
    assert "A attention" in shown
    assert "T = 16" in shown
    shapetrace("scale", *WORDS, "--seq", "16:256", "--out", str(tmp_path / "growth.svg"))
    drawn = (tmp_path / "growth.svg").read_text()
    assert drawn.startswith("<svg")
    assert "attention outgrows MLP from T = " in drawn
