"""A stage has some of the layers: all stages together are the whole model, and rows go from one to the next."""

from collections import Counter
from typing import Any

import pytest

from shapetrace.api import Trace
from shapetrace.errors import UsageError
from shapetrace.obtaining import obtain
from shapetrace.outlining.roles import Role
from shapetrace.request import Request
from shapetrace.serialize import from_json, to_json
from shapetrace.sharding.degrees import Degrees
from shapetrace.sharding.stages import layers_of
from tests.sharding.small import hugging, preset

ROWS = 16 * 64 * 4
"""Bytes of 16 rows of 64 floats."""


def one_of(name: str, **degrees: Any) -> Trace:
    return hugging(name, **degrees) if name == "llama" else preset(name, **degrees)


def stages(name: str, n: int, **degrees: Any) -> list[Trace]:
    each = n * degrees.get("tp", 1)
    return [one_of(name, pp=n, rank=rank, **degrees) for rank in range(0, each, each // n)]


def sent(trace: Trace) -> list[tuple[str, int, int]]:
    found = [step.transfer for step in trace.outline().steps() if step.transfer and "pp" in step.transfer.axes]
    return [(transfer.talk, transfer.peer, transfer.payload) for transfer in found]


@pytest.mark.parametrize("name", ["llama-3.1-8b", "llama", "mixtral-8x7b"])
def test_stages_add_up_to_the_whole(name: str) -> None:
    whole, parts = one_of(name), stages(name, 2)
    assert sum(part.totals.parameters for part in parts) == whole.totals.parameters
    assert sum(part.totals.flops for part in parts) == whole.totals.flops
    assert sum(map(_roles, parts), Counter()) == _roles(whole)
    assert all(part.outline().ranks.parameters == whole.totals.parameters for part in parts)


def _roles(trace: Trace) -> Counter[str]:
    """How often each role is played, in all layers."""
    found: Counter[str] = Counter()
    for step in trace.outline().steps():
        role = Role.UNEMBED if step.role is Role.HEAD else step.role  # a stage has no table to compare its head with
        found[role.value] += step.repeat if step.kind != "collective" else 0
    return +found


def test_a_tied_head_is_held_by_the_first_stage_and_by_the_last() -> None:
    whole, parts = preset("gpt2"), stages("gpt2", 2)
    assert sum(part.totals.parameters for part in parts) == whole.totals.parameters + 98 * 64


@pytest.mark.parametrize("name", ["llama-3.1-8b", "llama"])
def test_rows_go_from_each_stage_to_the_next(name: str) -> None:
    first, last = stages(name, 2)
    assert sent(first) == [("send", 1, ROWS)]
    assert sent(last) == [("receive", 0, ROWS)]


def test_a_stage_in_the_middle_gets_and_gives() -> None:
    middle = obtain(Request(model="llama-3.1-8b", shape={"layers": 3, "d_model": 64, "heads": 8, "kv_heads": 4,
                                                         "d_ff": 96, "vocab": 96, "seq": 16},
                            ranks=Degrees(pp=3, rank=1)), print)  # fmt: skip
    assert sent(middle) == [("receive", 0, ROWS), ("send", 2, ROWS)]
    assert [step.title for step in middle.outline().steps() if step.transfer] == ["Receive", "Send"]


@pytest.mark.parametrize("name", ["llama-3.1-8b", "llama"])
def test_stages_whose_matrices_are_shared_send_to_the_same_place_of_the_next_stage(name: str) -> None:
    traces = [one_of(name, pp=2, tp=4, rank=rank) for rank in (1, 5)]
    assert [sent(trace) for trace in traces] == [[("send", 5, ROWS)], [("receive", 1, ROWS)]]
    whole, per_stage = one_of(name), [one_of(name, pp=2, tp=4, rank=rank).totals.flops for rank in range(8)]
    assert sum(per_stage) == whole.totals.flops


def test_layers_that_do_not_divide_are_more_for_the_last() -> None:
    assert [list(layers_of(7, stage, 3)) for stage in range(3)] == [[0, 1], [2, 3], [4, 5, 6]]


def test_a_trace_of_a_stage_is_read_back() -> None:
    trace = preset("llama-3.1-8b", pp=2, rank=1)
    assert from_json(to_json(trace)).world == trace.world
    assert trace.world is not None
    assert dict(trace.world.place)["pp"] == 1


@pytest.mark.parametrize(
    ("model", "degrees", "said"),
    [
        ("gpt2", {"pp": 13}, "12 layers make at most 12 stages"),
        ("transformer-base", {"pp": 2}, "stages are of decoders"),
        ("llama-3.1-8b", {"pp": 2, "tp": 2, "sp": True}, "leave --sp out"),
        ("hf:bert", {"pp": 2}, "decoders with a head"),
        ("hf:llama", {"pp": 33}, "32 layers make at most 32 stages"),
    ],
)
def test_what_makes_no_stages_is_said_in_one_line(model: str, degrees: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said) as caught:
        obtain(Request(model=model, ranks=Degrees(**degrees)), print)
    assert "\n" not in str(caught.value)
