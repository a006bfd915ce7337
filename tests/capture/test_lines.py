"""The lines of model code that made a call: never one inside of torch."""

import os
import subprocess
import sys
from pathlib import Path

import torch

_PROGRAM = """
import torch
from torch import nn
import shapetrace

trace = shapetrace.trace(nn.Sequential(nn.LayerNorm(4), nn.Linear(4, 2)), torch.zeros(1, 4))
print(torch.__file__, *sorted({op.line for op in trace.ops}), sep="\\n")
"""


def test_torch_behind_a_link_is_no_code_of_the_model(tmp_path):
    (tmp_path / "linked").symlink_to(Path(torch.__file__).resolve().parents[1])
    path = os.pathsep.join([str(tmp_path / "linked"), str(Path(__file__).parents[2])])
    told = subprocess.run(
        [sys.executable, "-c", _PROGRAM], env={**os.environ, "PYTHONPATH": path}, cwd=tmp_path,
        check=True, capture_output=True, encoding="utf-8",
    )  # fmt: skip
    imported, *lines = told.stdout.splitlines()
    assert imported.startswith(str(tmp_path / "linked")), "the link was what Python went through"
    assert lines and not any("torch" in line for line in lines), lines
