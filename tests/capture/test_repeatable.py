"""The same model and inputs give the same bytes, and every way to run it the same meaning."""

import json
import os
import subprocess
import sys
from typing import Any

import pytest
import torch
from torch import nn

from shapetrace.capture import capture
from shapetrace.formats.json import render
from shapetrace.outlining import outline
from shapetrace.serialize import to_json
from tests.capture.samples import NAMES, samples

_SCRIPT = """
import hashlib, sys
from shapetrace.capture import capture
from shapetrace.serialize import to_json
from tests.capture.samples import samples
for name, (model, args, kwargs) in samples().items():
    print(name, hashlib.sha256(to_json(capture(model, args, kwargs))).hexdigest())
"""


@pytest.mark.parametrize("name", NAMES)
def test_two_traces_are_equal_byte_for_byte(name: str) -> None:
    model, args, kwargs = samples()[name]
    model(*args, **kwargs)  # a model that counts its calls differs in values only
    assert to_json(capture(model, args, kwargs)) == to_json(capture(model, args, kwargs))


def test_two_processes_write_the_same_bytes() -> None:
    running = [
        subprocess.Popen(
            [sys.executable, "-c", _SCRIPT], stdout=subprocess.PIPE, text=True,
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": "."},
        )
        for seed in ("1", "2")
    ]  # fmt: skip
    seen = {process.communicate()[0] for process in running}
    assert [process.returncode for process in running] == [0, 0]
    assert len(seen) == 1


def meaning(model: nn.Module, args: Any, kwargs: Any) -> dict[str, Any]:
    document = json.loads(render(outline(capture(model, args, kwargs))))
    del document["model"]["device"]
    for step in document["steps"]:
        del step["ops"]  # ids count what was run, which differs
        for operand in (*step["operands"], *step["results"]):
            del operand["value"]
        step["notes"] = [note for note in step["notes"] if note != "one fused call"]
    return {key: document[key] for key in ("model", "sections", "steps")} | {
        "totals": {key: document["totals"][key] for key in ("parameters", "matmul_flops", "flops", "buffers")}
    }


_SAME = [name for name in NAMES if name != "writes"]


@pytest.mark.parametrize("name", _SAME)
def test_every_grad_mode_gives_the_same_outline(name: str) -> None:
    model, args, kwargs = samples()[name]
    model.eval()
    with torch.enable_grad():
        expected = meaning(model, args, kwargs)
    for mode in (torch.no_grad, torch.inference_mode):
        with mode():
            assert meaning(model, args, kwargs) == expected, mode.__name__


@pytest.mark.parametrize("name", _SAME)
def test_cpu_and_meta_give_the_same_outline(name: str) -> None:
    model, args, kwargs = samples()[name]
    expected = meaning(model.eval(), args, kwargs)
    moved = {id(value): value.to("meta") for value in args}
    assert meaning(model.to("meta"), tuple(moved[id(value)] for value in args), kwargs) == expected


@pytest.mark.parametrize("name", NAMES)
def test_a_trained_model_gives_the_same_outline_as_an_evaluated_one(name: str) -> None:
    model, args, kwargs = samples()[name]
    assert meaning(model.train(), args, kwargs)["steps"] == meaning(model.eval(), args, kwargs)["steps"]
