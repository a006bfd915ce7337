"""`tools/check_on_gpu.py` on the CPU: it passes there, and each of its checks is seen to fail."""

import importlib.util
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest
import torch
from torch import Tensor, nn

ROOT = Path(__file__).resolve().parents[1]
SCRIPT = ROOT / "tools" / "check_on_gpu.py"


def run(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, SCRIPT, *words],
        cwd=ROOT, capture_output=True, encoding="utf-8", check=False, env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.setattr(sys, "path", list(sys.path))
    spec = importlib.util.spec_from_file_location("check_on_gpu", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "check_on_gpu", module)
    spec.loader.exec_module(module)
    return module


def test_the_script_passes_on_the_cpu():
    names = "gpt-2,mixtral,decode-step,grouped-experts,encoder-layer"
    done = run("--device", "cpu", "--only", names)
    assert done.returncode == 0, done.stdout + done.stderr
    for name in names.split(","):
        assert f"| {name} | " in done.stdout
    assert "\n0 of 6 wrong, 2 left out, " in done.stdout  # a decode step has four backends, the CPU has two of them


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_without_a_gpu_it_says_that_nothing_was_checked():
    done = run()
    assert (done.returncode, done.stderr) == (2, "")
    assert done.stdout.startswith("this PyTorch sees no CUDA device: nothing was checked")


def test_a_model_that_is_not_there_is_one_line():
    done = run("--device", "cpu", "--only", "nope")
    assert (done.returncode, done.stderr) == (2, "")
    assert done.stdout.startswith("no model 'nope': choose among gpt-2, ")


class Fickle(nn.Module):
    """Does one thing more where a condition holds."""

    def __init__(self, when: Callable[[Tensor], bool]) -> None:
        super().__init__()
        self.fc, self.when = nn.Linear(4, 4), when

    def forward(self, x: Tensor) -> Tensor:
        y = self.fc(x)
        return self.fc(y) if self.when(x) else y


def is_traced(_x: Tensor) -> bool:
    return torch._C._len_torch_dispatch_stack() > 0


@pytest.mark.parametrize(
    ("when", "said"),
    [(lambda x: x.is_meta, ", on meta "), (is_traced, "another output than that of an untraced pass")],
)
def test_each_check_can_fail(script, monkeypatch, capsys, when, said):
    def build(device: str):
        torch.manual_seed(0)
        return Fickle(when).to(device), (torch.ones(2, 4, device=device),)

    architecture = script.importlib.import_module("gpu_architectures").Architecture(build)
    monkeypatch.setitem(script.ARCHITECTURES, "fickle", architecture)
    assert script.main(["--device", "cpu", "--only", "fickle"]) == 1
    printed = capsys.readouterr().out
    assert said in printed
    assert "1 of 1 wrong" in printed
