"""What is offered holds: torch runs each mend, and the examples of a batch are where they were."""

from collections.abc import Callable, Sequence
from copy import deepcopy

import pytest
import torch
from torch import nn

from shapetrace.failing.explaining import case_of, finding
from tests.failing.applying import called, made, mended, run
from tests.failing.every import EVERY, failed, failed_case
from tests.failing.models import Fails, of

_STATES = ["a state of another width", "a state of another number of layers", "a state of another batch",
           "a state of another layer"]  # fmt: skip
_OF_A_MODULE = {"a single image", "an LSTM in a model", "an image in an LSTM", *_STATES}
"""Modules that check their inputs themselves: a mend of them is an input, or another module."""

_WITHIN = ("multi_head", "cross", "nll", "embedding", "setitem")
"""Functions that torch runs inside of others: not what a model calls."""


@pytest.mark.parametrize("name", [name for name in EVERY if name not in _OF_A_MODULE])
def test_torch_runs_the_operation_of_every_mend(name):
    case = case_of(failed_case(name))
    for mend in finding(case).mends:
        run(mend.operation)


@pytest.mark.parametrize("name", _STATES)
def test_a_recurrent_layer_takes_the_state_that_is_proposed(name):
    case = case_of(failed_case(name))
    (mend,) = finding(case).mends
    layer, (x, *state) = EVERY[name].model.get_submodule(case.path), made(mend.operation)
    if "hidden_size" in str(mend.text):
        layer = type(layer)(layer.input_size, state[0].shape[-1], batch_first=True)
    if isinstance(layer, nn.LSTM):
        state = [state[0], state[0]]
    assert layer(x, state[0] if len(state) == 1 else tuple(state))[0].shape[:2] == x.shape[:2]


@pytest.mark.parametrize("name", EVERY)
def test_what_is_called_on_an_operand_gives_the_shape_that_is_said(name):
    case = case_of(failed_case(name))
    for mend in finding(case).mends:
        for place, steps in mend.calls.items():
            result = called(made(case.operation)[place], steps)
            assert tuple(result.shape) == mend.operation.shapes[place]
            assert str(result.dtype) == f"torch.{mend.operation.operands[place].dtype}"


def changed_models(fails: Fails) -> dict[str, Callable[..., torch.Tensor]]:
    """A model with each of the mends that can be made in it, by what they say."""
    case = case_of(failed(fails.model, fails.inputs))
    if case.failure.op.startswith(_WITHIN) or not case.failure.op:
        return {}
    model = deepcopy(fails.model).eval()  # others look at it as it is
    found = {str(mend.text): mended(model, case, mend) for mend in finding(case).mends}
    return {text: changed for text, changed in found.items() if changed is not None}


def test_most_mends_can_be_made_in_the_model_itself():
    assert sum(len(changed_models(fails)) for fails in EVERY.values()) > 40


@pytest.mark.parametrize("name", EVERY)
def test_a_model_with_a_mend_runs_and_keeps_each_example_to_itself(name):
    inputs = EVERY[name].inputs
    for text, model in changed_models(EVERY[name]).items():
        assert keeps_apart(model, inputs), text


def keeps_apart(model: Callable[..., torch.Tensor], inputs: Sequence[torch.Tensor]) -> bool:
    """Whether other values in the first example change nothing of the others."""
    torch.manual_seed(0)
    n = inputs[0].shape[0]
    inputs = [torch.randn_like(x) if x.is_floating_point() else x for x in inputs]
    before = model(*inputs)
    others = [with_other_first(x) if x.ndim > 1 and x.shape[0] == n else x for x in inputs]
    after = model(*others)
    return not before.ndim or n == 1 or (before.shape[0] == n and torch.equal(before[1:], after[1:]))


ALONE = {
    "stacked features": (
        lambda s, x, *_: s.fc(torch.stack([x, 2 * x], 1)), torch.ones(3, 6), nn.Linear(12, 2),
        [".flatten(1) on the result of stack: [3,12]"]),
    "columns turned to rows": (
        lambda s, x, *_: s.fc((2 * x).mT), torch.ones(2, 6, 16), nn.Linear(16, 4),
        [".transpose(1, 2) on the result of mT: [2,6,16]"]),
    "more positions than rows of a table": (
        lambda s, x, *_: s.fc(torch.arange(x.shape[1])), torch.ones(2, 6), nn.Embedding(4, 8),
        ["at least 6 rows", "an input of at most 4, if these are positions"]),
}  # fmt: skip


@pytest.mark.parametrize("name", ALONE)
def test_no_mend_moves_examples_turns_a_table_or_changes_nothing(name):
    function, x, module, mends = ALONE[name]
    found = finding(case_of(failed(*of(function, x, fc=module)))).mends
    assert [str(mend.text) for mend in found] == mends


def test_an_example_that_reaches_others_is_seen():
    x = torch.randn(3, 4)
    assert not torch.equal((x - x.mean(0))[1:], (with_other_first(x) - with_other_first(x).mean(0))[1:])


def with_other_first(x: torch.Tensor) -> torch.Tensor:
    """The same batch with another first example."""
    x = x.clone()
    x[0] = x[0] + 3 if x.is_floating_point() else 1 - x[0].long()
    return x
