import pytest
import torch
from torch import nn

from shapetrace.errors import UsageError
from shapetrace.testing import UPDATE, assert_shapes


@pytest.fixture
def held(tmp_path, monkeypatch):
    """A snapshot of a small model."""
    monkeypatch.setenv(UPDATE, "1")
    path = tmp_path / "net.json"
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


def test_a_missing_snapshot_fails_and_names_its_file():
    with pytest.raises(AssertionError, match=r"shapes/test_testing\.test_a_missing_snapshot\S+\.json: run"):
        assert_shapes(nn.Linear(8, 4), torch.zeros(2, 8))


def test_a_model_that_fails_is_explained(held):
    with pytest.raises(RuntimeError) as caught:
        assert_shapes(nn.Linear(8, 4), torch.zeros(2, 9), snapshot=held)
    assert "9 ≠ 8" in caught.value.__notes__[0]
