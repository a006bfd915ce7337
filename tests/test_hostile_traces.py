"""Traces that were changed by hand or by chance: one clear line or a result, never a traceback and never a hang."""

import copy
import gzip
import json
import random
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

import shapetrace
from shapetrace import serialize
from shapetrace.comparing import compare
from shapetrace.errors import UsageError
from shapetrace.formats import json as json_format
from shapetrace.formats.comparison import compared

VALUES: list[Any] = [
    None, True, -1, 0, 1, 2**63, 2**70, 1e308, "x", "", [], [[]], {}, [1] * 5, 3.5, "float32", "a" * 1000, "\u202e\x1b",
]  # fmt: skip
N_MUTANTS = 150


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.emb, self.head = nn.Embedding(10, 8), nn.Linear(8, 10)
        self.blocks = nn.ModuleList(nn.TransformerEncoderLayer(8, 2, 16, batch_first=True) for _ in range(2))

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        x = self.emb(ids)
        for block in self.blocks:
            x = block(x)
        return self.head(x)


@pytest.fixture(scope="module")
def sound() -> list[shapetrace.Trace]:
    """A pass that ended, and one that failed."""
    with pytest.raises(RuntimeError) as failed:
        shapetrace.trace(nn.Sequential(nn.Linear(8, 9), nn.ReLU(), nn.Linear(8, 9)), torch.zeros(2, 8))
    return [shapetrace.trace(Net().eval(), torch.zeros(1, 4, dtype=torch.long)), failed.value.trace]


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield (*path, key)
        yield from places(inner, (*path, key))


def exchange(
    document: Any, place: tuple[Any, ...], chance: random.Random, *, often: float, steps: Sequence[int]
) -> None:
    """Exchange what stands at a place, or leave it out; a number is so often moved by one of those steps."""
    *path, last = place
    for key in path:
        document = document[key]
    if chance.random() < 0.2:
        del document[last]
    elif isinstance(document[last], int) and chance.random() < often:
        document[last] += chance.choice(steps)
    else:
        document[last] = chance.choice(VALUES)


def spoiled(document: dict[str, Any], chance: random.Random) -> dict[str, Any]:
    """A value exchanged, moved or left out; or operations wired to others."""
    document = copy.deepcopy(document)
    if chance.random() < 0.5:
        one, other = chance.choice(document["ops"]), chance.choice(document["ops"])
        for role in ("inputs", "outputs"):
            if one[role] and other["outputs"]:
                one[role][chance.randrange(len(one[role]))] = chance.choice(other["outputs"])
        for kernel in one["kernels"]:
            kernel["inputs"] = list(one["outputs"])
        return document
    exchange(document, chance.choice(list(places(document))), chance, often=0.4, steps=(-1, 1, 7, -100))
    return document


@pytest.mark.parametrize("which", [0, 1])
@pytest.mark.parametrize(
    ("seed", "n"), [(0, N_MUTANTS), pytest.param(1, 5_000, marks=pytest.mark.nightly)], ids=["some", "many"]
)
def test_a_spoiled_trace_is_refused_in_one_line_or_read(sound, tmp_path, which, seed, n):
    chance = random.Random(seed)
    document = json.loads(serialize.to_json(sound[which]))
    path, n_read, said = tmp_path / "trace.json", 0, list[str]()
    for _ in range(n):
        path.write_text(json.dumps(spoiled(document, chance)), encoding="utf-8")
        try:
            trace = shapetrace.load(path)
            str(trace)
            json_format.render(trace.outline())
            shapetrace.figure(trace, section="failure" if trace.failure else None)
            compared(compare(sound[0], trace))
            n_read += 1
        except UsageError as error:
            said.append(str(error))
    assert n_read > 10
    assert len(said) > 10
    assert all(line.isprintable() and len(line) < 400 for line in said)


def test_a_lookup_in_what_has_three_axes_is_shown(sound, tmp_path):
    document = json.loads(serialize.to_json(sound[0]))
    path, n_read = tmp_path / "trace.json", 0
    for tensor in [each for each in document["tensors"] if len(each["shape"]) == 3]:
        other = copy.deepcopy(document)
        lookup, value = other["ops"][0], tensor["id"]
        lookup["inputs"][0] = lookup["outputs"][0] = value
        lookup["kernels"][0]["inputs"] = [value]
        path.write_text(json.dumps(other), encoding="utf-8")
        try:
            n_read += bool(str(shapetrace.load(path)))
        except UsageError:
            continue
    assert n_read


def test_a_compressed_file_that_would_fill_the_memory_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(serialize, "_MOST_BYTES", 1 << 20)
    path = tmp_path / "trace.json.gz"
    path.write_bytes(gzip.compress(b" " * (2 << 20)))
    with pytest.raises(UsageError, match=r"holds more than 1 MB: it is no trace"):
        shapetrace.load(path)
    (tmp_path / "trace.json").write_bytes(b" " * (2 << 20))
    with pytest.raises(UsageError, match="holds more than 1 MB"):
        shapetrace.load(tmp_path / "trace.json")


def test_a_file_of_an_older_shapetrace_is_read(sound, tmp_path):
    """Fields that came later have defaults; fields that are not known yet are passed over."""
    document = json.loads(serialize.to_json(sound[0]))
    later = {"tensors": ["band", "alias_of", "name"], "ops": ["line", "kernels"], "calls": ["kind"]}
    for part, names in later.items():
        for item in document[part]:
            for name in names:
                item.pop(name, None)
    del document["failure"], document["versions"]
    document["model"]["of_the_future"] = 1
    path = Path(tmp_path / "old.json")
    path.write_text(json.dumps(document), encoding="utf-8")
    assert len(shapetrace.load(path).ops) == len(sound[0].ops)


def test_a_trace_of_a_model_that_contradicts_itself_is_our_fault_and_no_usage_error(monkeypatch, sound):
    def broken(*_: object, **__: object) -> None:
        raise IndexError

    monkeypatch.setattr("shapetrace.outlining.outline", broken)
    with pytest.raises(IndexError):
        shapetrace.outline(sound[0])
