"""``with shapetrace.explain():`` around code that knows nothing of shapetrace."""

from concurrent.futures import ThreadPoolExecutor

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


def test_keyword_inputs_have_their_names():
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.fc = nn.Linear(9, 2)

        def forward(self, *, features: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
            return self.fc(input=features * mask)

    narrow, wide = torch.zeros(2, 3), torch.zeros(2, 4)
    with pytest.raises(RuntimeError) as caught, shapetrace.explain():
        Net()(features=narrow, mask=wide)
    assert "axis 1 of features [2,3] is 3, axis 1 of mask [2,4] is 4" in caught.value.__notes__[0]
    with pytest.raises(RuntimeError) as caught, shapetrace.explain():
        Net()(features=wide, mask=wide + 1)
    trace = caught.value.trace
    assert [[trace.tensors[i].name for i in call.inputs] for call in trace.calls[1:]] == [["features", "mask"], [""]]


def test_a_model_that_is_cast_in_the_block_is_known_as_it_is():
    with pytest.raises(RuntimeError) as caught, shapetrace.explain():
        nn.Linear(4, 4).half()(torch.zeros(2, 4))
    assert "float32 ≠ float16" in caught.value.__notes__[0]


def test_a_checkpoint_of_another_model_is_explained():
    net = nn.Sequential(nn.Linear(4, 8), nn.Linear(8, 2))
    with pytest.raises(RuntimeError) as caught, shapetrace.explain():
        net.load_state_dict(nn.Sequential(nn.Linear(4, 6), nn.Linear(6, 2)).state_dict())
    note = caught.value.__notes__[0]
    assert "[6,4] → [8,4]   6 ≠ 8" in note
    assert "0.weight is [6,4] in the checkpoint and [8,4] in the model; further parameters of other shapes: 2" in note
    shapetrace.figure(caught.value.trace, section="failure")
    with pytest.raises(RuntimeError) as caught, shapetrace.explain():
        net.load_state_dict({f"module.{name}": value for name, value in net.state_dict().items()})
    assert "k.removeprefix('module.')" in caught.value.__notes__[0]


@pytest.mark.parametrize(
    ("model", "turn", "says"),
    [
        (nn.Linear(8, 24), ".t()", "weight.t()"),
        (nn.Sequential(nn.Linear(8, 24), nn.Linear(24, 8)), ".t()", "0.weight.t(), 1.weight.t()"),
        (nn.Conv1d(4, 6, 3), ".transpose(0, 1)", "weight.transpose(0, 1)"),
        (nn.Conv2d(4, 6, 1), ".flatten(1)", "weight.reshape(6, 4, 1, 1)"),
        (nn.Conv2d(4, 6, 3), ".permute(2, 3, 1, 0)", "weight.permute(3, 2, 0, 1)"),
        (nn.Conv1d(4, 6, 3), ".permute(2, 1, 0)", "weight.transpose(0, 2)"),
    ],
)
def test_weights_of_another_layout_are_turned(model, turn, says):
    kept = {
        name: eval(f"value{turn}", {"value": value}) if value.ndim > 1 else value
        for name, value in model.state_dict().items()
    }
    with pytest.raises(RuntimeError) as caught, shapetrace.explain():
        model.load_state_dict(kept)
    assert f"would fit: {says}" in caught.value.__notes__[0]
    calls = says.split(", ", 1) if "(" not in says.split(", ", 1)[0] or says.count("weight") > 1 else [says]
    for call in calls:
        name = call.rpartition("weight")[0] + "weight"
        kept[name] = eval(f"value{call.removeprefix(name)}", {"value": kept[name]})
    model.load_state_dict(kept)


def test_weights_of_which_some_are_turned_and_others_differ_have_no_mend():
    net = nn.Sequential(nn.Linear(4, 8), nn.Linear(8, 2))
    kept = net.state_dict() | {"0.weight": torch.zeros(4, 8), "1.weight": torch.zeros(5, 8)}
    with pytest.raises(RuntimeError) as caught, shapetrace.explain():
        net.load_state_dict(kept)
    assert "would fit" not in caught.value.__notes__[0]


def test_a_block_in_a_block_and_a_trace_in_a_block_explain_once():
    case = FAILING["layers of different width"]
    with pytest.raises(RuntimeError) as caught, shapetrace.explain(), shapetrace.explain():
        case.model(*case.inputs)
    assert len(caught.value.__notes__) == 1
    with pytest.raises(RuntimeError) as caught, shapetrace.explain():
        shapetrace.trace(case.model, *case.inputs)
    assert len(caught.value.__notes__) == 1


def test_blocks_in_threads_explain_their_own_failure():
    def run(width: int) -> str:
        try:
            with shapetrace.explain():
                nn.Linear(width, 2)(torch.zeros(1, width + 1))
        except RuntimeError as error:
            return error.__notes__[0]
        return ""

    with ThreadPoolExecutor(4) as pool:
        notes = list(pool.map(run, range(2, 10)))
    assert all(f"{width + 1} ≠ {width}" in note for width, note in enumerate(notes, start=2))


def test_an_interrupt_passes_and_leaves_nothing():
    with pytest.raises(KeyboardInterrupt), shapetrace.explain():
        raise KeyboardInterrupt
    hooks = torch.nn.modules.module
    assert not hooks._global_forward_pre_hooks
    assert not hooks._global_forward_hooks


def test_a_hook_of_the_user_that_raises_is_told_as_what_it_is():
    model = nn.Sequential(nn.Linear(4, 4))

    def hook(*_: object) -> None:
        raise LookupError("from the hook")

    model[0].register_forward_hook(hook)
    with pytest.raises(LookupError, match="from the hook") as caught, shapetrace.explain():
        model(torch.zeros(1, 4))
    assert "LookupError raised in Sequential" in caught.value.__notes__[0]


def test_an_exception_comes_through_as_the_same_object():
    class Own(Exception):  # noqa: N818 - a name of the user
        def __init__(self, first: str, second: int) -> None:
            super().__init__(first, second)
            self.second = second

    error = Own("a", 7)

    class Raises(nn.Module):
        def forward(self, _x: torch.Tensor) -> torch.Tensor:
            raise error

    for run in (lambda m, x: m(x), shapetrace.trace):
        with pytest.raises(Own) as caught, shapetrace.explain():
            run(Raises(), torch.zeros(1))
        assert caught.value is error
        assert (error.args, error.second, error.__cause__) == (("a", 7), 7, None)
