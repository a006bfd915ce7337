import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import nn

from shapetrace import sizes
from shapetrace.errors import UsageError
from shapetrace.holding import hold
from shapetrace.testing import UPDATE, assert_shapes

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(params=["txt", "json"])
def held(request, tmp_path, monkeypatch):
    """A snapshot of a small model."""
    monkeypatch.setenv(UPDATE, "1")
    path = tmp_path / f"net.{request.param}"
    assert_shapes(nn.Linear(8, 4), torch.zeros(2, 8), snapshot=path)
    monkeypatch.delenv(UPDATE)
    return path


def test_the_same_shapes_pass(held):
    trace = assert_shapes(nn.Linear(8, 4), torch.zeros(2, 8), snapshot=held)
    assert trace.totals.parameters == 36


def test_other_shapes_fail_with_the_comparison(held):
    with pytest.raises(AssertionError, match=r"SHAPETRACE_UPDATE=1") as caught:
        assert_shapes(nn.Linear(8, 5), torch.zeros(2, 8), snapshot=held)
    assert "[2,8]×[8,4]→[2,4]" in str(caught.value)
    assert "[2,8]×[8,5]→[2,5]" in str(caught.value)


def test_other_names_may_be_ignored(held):
    model = nn.Sequential(nn.Linear(8, 4))
    with pytest.raises(AssertionError):
        assert_shapes(model, torch.zeros(2, 8), snapshot=held)
    assert_shapes(model, torch.zeros(2, 8), snapshot=held, ignore=("names", "kernels"))
    with pytest.raises(UsageError, match="cannot ignore products"):
        assert_shapes(model, torch.zeros(2, 8), snapshot=held, ignore=("products",))


def test_a_snapshot_with_names_asks_for_the_command_that_proves_them(tmp_path):
    path = tmp_path / "net.txt"
    hold(sizes(nn.Linear(8, 4), torch.zeros(2, 8)), path, named=True)
    assert "[B,8]" in path.read_text(encoding="utf-8")
    with pytest.raises(UsageError, match=r"net\.txt has names of sizes, and this pass has none"):
        assert_shapes(nn.Linear(8, 4), torch.zeros(3, 8), snapshot=path)


def test_a_missing_snapshot_fails_and_names_its_file():
    with pytest.raises(AssertionError, match=r"shapes/test_testing\.test_a_missing_snapshot\S+\.txt: run"):
        assert_shapes(nn.Linear(8, 4), torch.zeros(2, 8))


def test_a_model_that_fails_is_explained(held):
    with pytest.raises(RuntimeError) as caught:
        assert_shapes(nn.Linear(8, 4), torch.zeros(2, 9), snapshot=held)
    assert "9 ≠ 8" in caught.value.__notes__[0]


NET = """
import torch
from torch import nn
from shapetrace.testing import assert_shapes

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.up, self.down = nn.Linear(8, 4), nn.Linear(5, 8)

    def forward(self, x):
        return self.down(self.up(x).relu())

def test_differs():
    assert_shapes(nn.Linear(8, 5), torch.zeros(2, 8), snapshot="net.txt")

def test_traced():
    assert_shapes(Net(), torch.zeros(2, 8), snapshot="net.txt")

def test_run():
    Net()(torch.zeros(2, 8))

def test_fixture(shapetrace_explain):
    Net()(torch.zeros(2, 8))

def test_of_its_own():
    assert 1 == 2
"""

# What the place of the outer run says to pytest, and the inner run must not hear.
ELSEWHERE = (UPDATE, "CI", "BUILD_NUMBER", "FORCE_COLOR", "PY_COLORS", "PYTEST_ADDOPTS", "PYTEST_XDIST_WORKER")


@pytest.fixture
def failures(tmp_path, monkeypatch):
    """What pytest shows of each test that fails, by its name."""
    monkeypatch.setenv(UPDATE, "1")
    assert_shapes(nn.Linear(8, 4), torch.zeros(2, 8), snapshot=tmp_path / "net.txt")
    (tmp_path / "test_net.py").write_text(NET, encoding="utf-8")

    def run(*options: str) -> dict[str, str]:
        words = [sys.executable, "-m", "pytest", "-p", "shapetrace.pytest_plugin", "-p", "no:cacheprovider", *options]
        environment = {name: value for name, value in os.environ.items() if name not in ELSEWHERE}
        environment["PYTHONPATH"] = str(ROOT)
        environment["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"  # ours is named: it may be installed too, and loads once
        shown = subprocess.run(
            [*words, "--color=no", "test_net.py"],
            cwd=tmp_path,
            capture_output=True,
            encoding="utf-8",
            check=False,
            env=environment,
        ).stdout
        parts = re.split(r"^_+ (test_\w+) _+$", shown, flags=re.MULTILINE)
        return dict(zip(parts[1::2], parts[2::2], strict=True))

    return run


def test_pytest_shows_the_code_of_the_test_and_none_of_ours(failures):
    shown = failures()
    for text in shown.values():
        assert "shapetrace/" not in text
    assert len(shown["test_differs"].strip().splitlines()) < 20
    assert "[2,8]×[8,4]→[2,4]" in shown["test_differs"]


def test_an_option_and_a_fixture_explain_failures(failures):
    without, explained = failures(), failures("--shapetrace-explain")
    assert "4 ≠ 5" in without["test_traced"] and "4 ≠ 5" in without["test_fixture"]
    assert "4 ≠ 5" not in without["test_run"]
    assert "the result of up has 4 in its last axis; down takes 5" in explained["test_run"]
    for name in ("test_of_its_own", "test_differs"):
        assert "while tracing" not in explained[name]
