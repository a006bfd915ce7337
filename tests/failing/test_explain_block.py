"""``with shapetrace.explain():`` around code that knows nothing of shapetrace."""

import pytest
import torch
from torch import nn

import shapetrace
from tests.failing.models import FAILING


def test_a_block_that_raises_has_the_explanation_as_a_note():
    case = FAILING["layers of different width"]
    with pytest.raises(RuntimeError, match="shapes cannot be multiplied") as caught, shapetrace.explain():
        case.model(*case.inputs)
    (note,) = caught.value.__notes__
    assert "768 ≠ 512" in note
    assert "fc1 (Linear 512→768) produced [4,768]" in note
    assert isinstance(caught.value.trace, shapetrace.Trace)
    assert "768 ≠ 512" in str(caught.value.trace)


def test_a_model_that_is_built_in_the_block_is_known_by_its_names():
    with pytest.raises(IndexError) as caught, shapetrace.explain():
        nn.Sequential(nn.Embedding(10, 4))(torch.tensor([[20]]))
    assert "0.weight has 10 rows" in caught.value.__notes__[0]
    assert "20 ≥ 10" in caught.value.__notes__[0]


def test_a_loss_outside_of_the_model_is_explained():
    model, loss = nn.Linear(3, 5), nn.CrossEntropyLoss()
    with pytest.raises(ValueError, match="batch_size") as caught, shapetrace.explain():
        loss(model(torch.zeros(4, 3)), torch.zeros(3, dtype=torch.long))
    assert "Linear 3→5 produced [4,5]" in caught.value.__notes__[0]


def test_a_block_that_raises_nothing_leaves_nothing(capsys):
    model = nn.Linear(3, 5)
    with shapetrace.explain():
        model(torch.zeros(2, 3)).sum().backward()
    assert model.weight.grad is not None
    assert capsys.readouterr() == ("", "")
    assert not torch.nn.modules.module._global_forward_pre_hooks


def test_an_exception_that_was_caught_in_the_block_is_no_failure():
    with shapetrace.explain(), pytest.raises(RuntimeError):
        torch.zeros(2) @ torch.zeros(3)


def test_it_decorates_a_function():
    @shapetrace.explain()
    def train() -> None:
        torch.zeros(2, 3) @ torch.zeros(2, 3)

    with pytest.raises(RuntimeError) as caught:
        train()
    assert "3 ≠ 2" in caught.value.__notes__[0]


def test_what_is_no_error_of_shapes_is_told_as_what_it_is():
    with pytest.raises(KeyError) as caught, shapetrace.explain():
        nn.Identity()({}["loss"])
    assert "KeyError: 'loss'" in caught.value.__notes__[0]


def test_a_long_loop_is_not_kept(monkeypatch):
    monkeypatch.setattr("shapetrace.capture.watching._MOST_OPS", 5)
    model = nn.Linear(2, 2)
    batches = [torch.zeros(1, 2)] * 20 + [torch.zeros(1, 3)]
    with pytest.raises(RuntimeError) as caught, shapetrace.explain():
        list(map(model, batches))
    assert len(caught.value.trace.ops) <= 7
    assert "3 ≠ 2" in caught.value.__notes__[0]
