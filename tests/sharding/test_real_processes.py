"""Two processes that really talk, over the loopback, give what one of them gives in a group that is simulated."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from torch import distributed

from shapetrace import ir
from shapetrace.outlining import outline
from shapetrace.serialize import content, from_json
from tests.sharding.small import SHAPES, preset

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not distributed.is_gloo_available(), reason="this PyTorch has no gloo"),
]
_PROCESS = Path(__file__).with_name("one_process.py")


def traced(name: str, folder: Path, degrees: dict[str, Any]) -> list[ir.Trace]:
    """What each of two processes recorded."""
    words = (str(folder), name, json.dumps(SHAPES[name]), json.dumps(degrees))
    run = {**os.environ, "GLOO_SOCKET_IFNAME": "lo", "OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(sys.path)}
    processes = [
        subprocess.Popen([sys.executable, _PROCESS, str(rank), *words], env=run, stderr=subprocess.PIPE)
        for rank in range(2)
    ]
    for process in processes:
        _, said = process.communicate(timeout=120)
        assert process.returncode == 0, said.decode()
    return [from_json(content(folder / f"{rank}.json")) for rank in range(2)]


def told(trace: ir.Trace) -> list[tuple[Any, ...]]:
    """Each step with its local shapes, and each collective with who talks and how much."""
    return [(step.title, step.path, step.equation, step.repeat, step.parameters, step.transfer)
            for step in outline(trace).steps()]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "degrees"),
    [
        ("llama-3.1-8b", {"tp": 2}),
        ("gpt2", {"tp": 2}),
        ("mixtral-8x7b", {"tp": 2}),
        ("llama-3.1-8b", {"tp": 2, "sp": True}),
        ("llama-3.1-8b", {"pp": 2}),
    ],
    ids=str,
)
def test_what_is_recorded_is_what_the_simulation_gives(name: str, degrees: dict[str, Any], tmp_path: Path) -> None:
    for rank, real in enumerate(traced(name, tmp_path, degrees)):
        simulated = preset(name, rank=rank, **degrees)
        assert told(real) == told(simulated)
        assert {each.name: each.shape for each in real.parameters} == {
            each.name: each.shape for each in simulated.parameters
        }
        assert (real.world is None) == (not degrees.get("tp"))
