import contextlib
import gzip
import json
from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shapetrace import serialize
from shapetrace.errors import UsageError
from shapetrace.ir import Failure, Op, Pattern, Tensor, Trace
from tests.traces import linear

FAILURE = Failure("RuntimeError", "mat1 and mat2", 1, "linear", (0, 1), {"dim": -1}, "model.py:12 in forward")


def load(path: Path) -> Trace:
    return serialize.from_json(serialize.content(path), str(path))


@pytest.mark.parametrize("trace", [linear(), linear(failure=FAILURE)])
def test_what_is_written_is_read(trace):
    assert serialize.from_json(serialize.to_json(trace)) == trace


@pytest.mark.parametrize("number", [np.float64(0.5), np.float32(0.5), np.int64(3)])
def test_numbers_of_numpy_are_numbers(number):
    trace = linear(failure=replace(FAILURE, attrs={"scale": number}))
    assert serialize.from_json(serialize.to_json(trace)) == trace


def test_the_same_trace_gives_the_same_bytes():
    assert serialize.to_json(linear()) == serialize.to_json(linear())


def test_a_tensor_an_operation_and_a_call_have_a_line_each():
    lines = serialize.to_json(linear()).decode().splitlines()
    assert sum('"shape"' in line and '"role"' in line for line in lines) == 5
    assert json.loads("\n".join(lines))["format"] == "shapetrace-trace"


def test_a_file_is_written_whole_and_leaves_nothing_beside(tmp_path):
    serialize.save(linear(), tmp_path / "new" / "trace.json")
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["trace.json"]
    assert load(tmp_path / "new" / "trace.json") == linear()


def test_a_gz_name_compresses_and_is_read_by_content(tmp_path):
    serialize.save(linear(), tmp_path / "trace.json.gz")
    assert gzip.decompress((tmp_path / "trace.json.gz").read_bytes()) == serialize.to_json(linear())
    assert load(tmp_path / "trace.json.gz") == linear()


def changed(**parts: object) -> bytes:
    return json.dumps(json.loads(serialize.to_json(linear())) | parts).encode()


TENSOR = {"id": 9, "shape": [1], "dtype": "float32", "role": "data"}
WRONG = {
    "empty": (b"", "no readable trace"),
    "truncated": (serialize.to_json(linear())[:300], "no readable trace"),
    "not json": (b"\x00\xff not json", "no readable trace"),
    "not text": (b'{"format": "\xff"}', "no readable trace"),
    "a list": (b"[1, 2]", "no readable trace"),
    "foreign": (b'{"nodes": []}', "no shapetrace trace"),
    "too new": (changed(version=99), "trace format 99, this shapetrace reads 1"),
    "deep": (b'{"format": ' + b"[" * 100_000, "no readable trace"),
    "wrong type": (changed(inputs="all"), "no readable trace.*inputs"),
    "a missing part": (b'{"format": "shapetrace-trace", "version": 1}', "no readable trace.*missing"),
    "an unknown role": (changed(tensors=[TENSOR | {"id": 0, "role": "evil"}]), "no readable trace.*role"),
    "ids that are no positions": (changed(tensors=[TENSOR]), "contradicts itself: tensor 0 has id 9"),
    "a tensor that is not there": (changed(outputs=[99]), "contradicts itself: the model names tensor 99, of 5"),
    "a negative size": (changed(tensors=[TENSOR | {"id": i, "shape": [-1]} for i in range(5)]), r"shape \[-1\]"),
    "a call that is not there": (changed(calls=[]), "operation 0 names call 1, of 0"),
    "a call inside itself": (changed(calls=[{"id": 0, "path": "", "type": "", "parent": 0}] * 1), "parent 0|call"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_file_gives_one_clear_line(tmp_path, name):
    data, message = WRONG[name]
    path = tmp_path / "trace.json"
    path.write_bytes(data)
    with pytest.raises(UsageError, match=message) as caught:
        load(path)
    assert "\n" not in str(caught.value)
    assert str(path) in str(caught.value)


@given(st.data())
def test_no_damage_is_read_as_something_else_or_crashes(data):
    good = serialize.to_json(linear())
    position = data.draw(st.integers(0, len(good) - 1))
    bad = good[:position] + data.draw(st.binary(max_size=3)) + good[position + data.draw(st.integers(0, 5)) :]
    with contextlib.suppress(UsageError):
        assert isinstance(serialize.from_json(bad), Trace)


def test_a_missing_file_and_a_folder_are_told(tmp_path):
    with pytest.raises(UsageError, match=r"cannot read .*No such file"):
        load(tmp_path / "trace.json")
    with pytest.raises(UsageError, match="cannot read"):
        load(tmp_path)
    (tmp_path / "cut.json.gz").write_bytes(gzip.compress(serialize.to_json(linear()))[:100])
    with pytest.raises(UsageError, match="cannot read"):
        load(tmp_path / "cut.json.gz")


def test_fifteen_thousand_operations_are_small():
    one = linear()
    ops = tuple(msgspec.structs.replace(one.ops[0], id=i) for i in range(15_000))
    tensors = tuple(msgspec.structs.replace(one.tensors[4], id=i) for i in range(15_000))
    data = serialize.to_json(replace(one, ops=ops, tensors=tensors))
    assert len(data) < 10_000_000
    assert all(isinstance(op, Op) for op in serialize.from_json(data).ops)


def masked(**changes):
    """A trace with a mask that opens the past."""
    span = (0, 4, -3, 1, 1, 1, 1, 0)
    pattern = replace(Pattern("causal", (4, 4), 3, 0, causal=True, cells=("1000", "1100"), spans=(span,)), **changes)
    one = linear()
    mask = Tensor(5, (1, 4, 4), "bool", "constant", pattern=pattern, band=(3, 0))
    return replace(one, tensors=(*one.tensors, mask))


def test_the_pattern_of_a_mask_is_kept():
    differs = masked(differs=True, parts=(masked().tensors[5].pattern,) * 2, lead=(2,))
    for trace in (masked(), differs):
        assert serialize.from_json(serialize.to_json(trace)) == trace


def test_an_old_trace_without_patterns_and_picked_rows_is_read():
    document = json.loads(serialize.to_json(linear()))
    for tensor in document["tensors"]:
        del tensor["pattern"], tensor["picks"]
    assert serialize.from_json(json.dumps(document).encode()) == linear()


@pytest.mark.parametrize("picks", [((-1, 1),), ((0, 0),)])
def test_rows_that_cannot_be_picked_are_told(picks):
    one = linear()
    ids = msgspec.structs.replace(one.tensors[0], picks=picks)
    with pytest.raises(UsageError, match="picks rows that no table has"):
        serialize.from_json(serialize.to_json(replace(one, tensors=(ids, *one.tensors[1:]))))


@pytest.mark.parametrize(
    "changes",
    [
        {"size": (4, 5)}, {"size": (1 << 40, 1 << 40)}, {"spans": ((0, 5, 0, 1, 0, 0, 1, 0),)},
        {"spans": ((-1, 1, 0, 1, 0, 0, 1, 0),)}, {"spans": ((0, 4, 0, 1 << 60, 0, 0, 1, 0),)},
        {"spans": ((0, 4, 0, 1, 0, 0, 1 << 60, 1),)}, {"spans": ((0, 4, 0, 1, 7, 0, 1, 0),)},
        {"parts": (Pattern("all", (9, 9)),)},
    ],
)  # fmt: skip
def test_a_pattern_that_does_not_fit_its_tensor_is_told(changes):
    with pytest.raises(UsageError, match="pattern that does not fit"):
        serialize.from_json(serialize.to_json(masked(**changes)))


def test_a_document_is_what_is_read_and_shares_what_another_trace_shares() -> None:
    one = linear()
    wider = msgspec.structs.replace(one.tensors[-1], shape=(5, 16))
    other = replace(one, tensors=(*one.tensors[:-1], wider, one.tensors[0]))
    document = serialize.to_document(one)
    beside = serialize.to_document(other, (one, document))
    assert document == json.loads(serialize.to_json(one))
    assert beside == json.loads(serialize.to_json(other))
    assert [a is b for a, b in zip(document["tensors"], beside["tensors"], strict=False)] == [True] * 4 + [False]
    assert beside["ops"][0] is document["ops"][0]
