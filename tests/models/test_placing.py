import pytest
import torch
from torch import Tensor, nn

from shapetrace.capture.known_calls import forward
from shapetrace.errors import UnknownValueError, UsageError
from shapetrace.models import placing
from shapetrace.obtaining import obtain
from shapetrace.request import Request


class Choosing(nn.Module):
    """Looks at a computed value if it is told to."""

    def __init__(self, looks: bool) -> None:
        super().__init__()
        self.gate = nn.Linear(4, 2)
        self.looks = looks

    def forward(self, x: Tensor) -> Tensor:
        y = self.gate(x)
        return x if self.looks and y.sum() > 0 else y


def device_of_pass(requested: str, *, looks: bool) -> tuple[str, str]:
    def build(device: str) -> nn.Module:
        with torch.device(device):
            return Choosing(looks)

    return placing.placed(requested, build, lambda model: forward(model, (torch.ones(4),)).device.type)


def test_what_we_build_runs_on_meta() -> None:
    assert device_of_pass("auto", looks=False) == ("meta", "")


def test_a_model_that_looks_at_computed_values_runs_on_the_cpu_and_says_so() -> None:
    device, sentence = device_of_pass("auto", looks=True)
    assert device == "cpu"
    assert "item needs computed values" in sentence


def test_a_device_that_was_asked_for_is_not_left() -> None:
    assert device_of_pass("cpu", looks=True) == ("cpu", "")
    with pytest.raises(UnknownValueError):
        device_of_pass("meta", looks=True)


def test_weights_that_do_not_fit_are_not_built(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(placing, "available_bytes", lambda: 8)
    with pytest.raises(UnknownValueError, match="memory are free"):
        device_of_pass("auto", looks=True)


@pytest.mark.parametrize("model", ["llama-3.1-405b", "hf:gpt2"])
def test_what_the_machine_cannot_hold_is_refused_before_it_is_made(model: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if model.startswith("hf:"):
        pytest.importorskip("transformers")
        monkeypatch.setattr(placing, "_memory_bytes", lambda _pages: 2**28)
    made = []
    monkeypatch.setattr(torch.nn.init, "normal_", lambda tensor, *_args, **_kwargs: made.append(tensor.device.type))
    with pytest.raises(UsageError, match=r"and this machine has .* of memory: without --device nothing is allocated"):
        obtain(Request(model=model, shape={"device": "cpu"}), str)
    assert set(made) <= {"meta"}


def test_shared_weights_count_once() -> None:
    model = nn.Sequential(nn.Linear(4, 4, bias=False), nn.Linear(4, 4, bias=False))
    model[1].weight = model[0].weight
    assert placing.weight_bytes(model) == 64


def test_the_system_tells_how_much_memory_is_free() -> None:
    assert placing.available_bytes() > 0
