"""A generation in one file: read back it is the same passes, equal parts stand once, and a spoiled file is one line."""

import copy
import json
import random
from dataclasses import fields, replace
from typing import Any

import pytest
import torch

import shapetrace
from shapetrace import ir, serialize
from shapetrace.errors import UsageError
from shapetrace.generations import files
from shapetrace.generations.decoding import Generation
from shapetrace.generations.running import generated
from shapetrace.outlining.choice import Choice
from shapetrace.request import Request
from tests.generations import passes
from tests.test_generation import ids, llama
from tests.test_hostile_traces import exchange, places

N_MUTANTS = 150


def gpt2(n_steps: int, **shape: Any) -> Generation:
    return generated(Request(model="gpt2", shape={"seq": 5, "layers": 2} | shape), print, n_steps)


def same(one: Generation, other: Generation) -> bool:
    pairs = zip(one.passes, other.passes, strict=True)
    return all(
        serialize.to_json(a.trace) == serialize.to_json(b.trace) and a.choice == b.choice for a, b in pairs
    )  # fmt: skip


def stretched(of: Generation, n_passes: int) -> bytes:
    """The file of a generation whose last pass goes on in the same way until there are so many."""
    document = json.loads(files.written(of))
    document["passes"][-1]["times"] = document["passes"][-1].get("times", 1) + n_passes - len(of.passes)
    return json.dumps(document).encode()


@pytest.mark.parametrize("name", ["g.json", "g.json.gz"])
@pytest.mark.parametrize("model", ["gpt2", "transformer-base", "hf:gpt_oss"])
def test_what_is_read_back_is_what_ran(model, name, tmp_path) -> None:
    rows = 200 if model == "hf:gpt_oss" else 5  # beyond its window: the first step drops rows, the next ones do not
    ran = passes(model, 3, seq=rows)
    ran.save(tmp_path / name)
    read = shapetrace.load(tmp_path / name)
    assert isinstance(read, Generation)
    assert same(ran, read)
    assert read.bills == ran.bills
    assert str(read) == str(ran)


def test_a_generation_without_a_cache_keeps_the_one_beside_it(tmp_path) -> None:
    ran = generated(Request(model="gpt2", shape={"seq": 5, "layers": 2}), print, 2, cached=False)
    ran.save(tmp_path / "g.json")
    read = shapetrace.load(tmp_path / "g.json")
    assert read.beside is not None and same(ran.beside, read.beside)
    assert str(read) == str(ran)


def test_a_loop_of_ones_own_is_saved_with_how_it_chose(tmp_path) -> None:
    with shapetrace.generation() as g:
        llama().generate(ids(), max_new_tokens=4, do_sample=True, top_k=0, pad_token_id=0)
    g.save(tmp_path / "g.json")
    read = shapetrace.load(tmp_path / "g.json")
    assert same(g, read)
    assert [each.choice for each in read.passes] == [Choice(("softmax", "sample"))] * 4


def test_a_thousand_steps_of_gpt2_take_less_than_two_megabytes(tmp_path) -> None:
    short, longer = gpt2(3, layers=12), gpt2(6, layers=12)
    assert files.written(longer) == files.written(files.read(stretched(short, 7), "short"))
    long = files.read(stretched(short, 1001), "long")
    long.save(tmp_path / "g.json")
    assert (tmp_path / "g.json").stat().st_size < 2_000_000
    assert max(step.results[0].shape[-1] for step in long.passes[-1].steps if step.kind == "scores") == 1005


def test_passes_in_memory_share_what_they_have_alike() -> None:
    passes = [each.trace for each in gpt2(2).passes]
    for name in ("ops", "calls", "parameters"):
        one, other = (getattr(each, name) for each in passes[1:])
        alike = [a is b for a, b in zip(one, other, strict=True) if a == b]
        assert alike and all(alike)


def test_the_same_passes_give_the_same_bytes() -> None:
    assert files.written(gpt2(2)) == files.written(gpt2(2))


@pytest.mark.parametrize("words", [["run"], ["diagram", "--out", "figures"], ["explore", "--out", "page.html"]])
def test_commands_take_the_file(words, tmp_path, monkeypatch, capsys) -> None:
    from shapetrace.cli import main

    monkeypatch.chdir(tmp_path)
    gpt2(2).save("g.json")
    monkeypatch.setattr("sys.argv", ["shapetrace", words[0], "g.json", *words[1:]])
    with pytest.raises(SystemExit) as ended:
        main.main()
    assert not ended.value.code
    said = capsys.readouterr().out
    assert {"run": "Decode step 2", "diagram": "generation.svg", "explore": "page.html"}[words[0]] in said


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["diff", "g.json", "gpt2"], "holds the 3 passes of a generation"),
        (["check", "g.json"], "holds the 3 passes of a generation"),
        (["run", "g.json", "--ops"], "--ops is of one pass, g.json of several"),
        (["run", "g.json", "--generate", "2"], "leave --generate out"),
        (["run", "g.json", "--no-cache"], "leave --no-cache out"),
        (["run", "g.json", "--seq", "4"], "--seq has no meaning"),
        (["diagram", "g.json", "--step", "1", "-o", "out"], "--step is of one pass, g.json of several"),
    ],
)
def test_what_does_not_fit_several_passes_is_refused_in_one_line(words, said, tmp_path, monkeypatch, capsys) -> None:
    from shapetrace.cli import main

    monkeypatch.chdir(tmp_path)
    gpt2(2).save("g.json")
    monkeypatch.setattr("sys.argv", ["shapetrace", *words])
    with pytest.raises(SystemExit) as ended:
        main.main()
    assert ended.value.code == 2
    err = capsys.readouterr().err
    assert said in err and "Traceback" not in err


def spoiled(document: dict[str, Any], chance: random.Random) -> dict[str, Any]:
    document = copy.deepcopy(document)
    outside = [place for place in places(document) if "trace" not in place]
    place = chance.choice(outside if chance.random() < 0.6 else list(places(document)))
    exchange(document, place, chance, often=0.5, steps=(-1, 1, 7, -100, 10**12))
    return document


@pytest.mark.parametrize("seed", [0, 1])
def test_a_spoiled_file_is_refused_in_one_line_or_read(seed, tmp_path) -> None:
    chance = random.Random(seed)
    ran = generated(Request(model="gpt2", shape={"seq": 5, "layers": 1}), print, 4, cached=bool(seed))
    document = json.loads(files.written(ran))
    path, n_read, said = tmp_path / "g.json", 0, list[str]()
    for _ in range(N_MUTANTS):
        path.write_text(json.dumps(spoiled(document, chance)), encoding="utf-8")
        try:
            read = shapetrace.load(path)
            str(read)
            if isinstance(read, Generation) and read.passes:
                read.figure()
            n_read += 1
        except UsageError as error:
            said.append(str(error))
    assert n_read > 5
    assert len(said) > 10
    assert all(line.isprintable() and len(line) < 400 for line in said)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"times": 10**9}, "holds more than"),
        ({"times": 0}, "a pass that ran 0 times"),
        ({"grows": [[["tensors", 10**6, "shape", 0], 1]]}, "contradicts itself"),
        ({"grows": [[["model", "name"], 1]]}, "'name' is no number"),
        ({"grows": [[[], 1]]}, "a change of nothing"),
        ({"sets": [[["ops", 0, "outputs"], [10**6]]]}, "contradicts itself"),
        ({"sets": [[["tensors"], 7]]}, "contradicts itself"),
    ],
)
def test_what_a_pass_changes_must_be_there(change, said, tmp_path) -> None:
    document = json.loads(files.written(gpt2(3)))
    document["passes"][-1] |= change
    path = tmp_path / "g.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    with pytest.raises(UsageError, match=said):
        shapetrace.load(path)


def test_a_newer_file_and_one_that_begins_with_a_change_are_refused(tmp_path) -> None:
    document = json.loads(files.written(gpt2(2)))
    path = tmp_path / "g.json"
    path.write_text(json.dumps(document | {"version": 2}), encoding="utf-8")
    with pytest.raises(UsageError, match="generation format 2, this shapetrace reads 1"):
        shapetrace.load(path)
    path.write_text(json.dumps(document | {"passes": document["passes"][2:] or [{}]}), encoding="utf-8")
    with pytest.raises(UsageError, match="its first pass changes one before it"):
        shapetrace.load(path)


def test_a_trace_of_one_pass_is_read_as_before(tmp_path) -> None:
    trace = shapetrace.trace(torch.nn.Linear(3, 4), torch.zeros(2, 3))
    trace.save(tmp_path / "t.json")
    read = shapetrace.load(tmp_path / "t.json")
    assert isinstance(read, shapetrace.Trace)
    assert all(getattr(read, field.name) == getattr(trace, field.name) for field in fields(ir.Trace))
    assert replace(read) == replace(trace)
