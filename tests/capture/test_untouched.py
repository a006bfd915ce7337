"""The user's model, and torch itself, are afterwards what they were before."""

import contextlib
import gc
import os
import random
import signal
import sys
import threading
import time
import weakref
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from shapetrace.capture import capture, scopes
from tests.capture.oracles import names, state_of_torch
from tests.capture.samples import NAMES, samples


class Stops(nn.Module):
    """Raises in the middle of its forward."""

    def __init__(self, error: BaseException) -> None:
        super().__init__()
        self.fc, self.error = nn.Linear(4, 4), error

    def forward(self, x: Tensor) -> Tensor:
        self.fc(x)
        raise self.error


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("name", [name for name in NAMES if name != "writes"])
def test_nothing_stays_behind(name: str, training: bool) -> None:
    model, args, kwargs = samples()[name]
    model.train(training)
    model(*args, **kwargs)  # what a model leaves behind itself is not the trace's
    torch.manual_seed(1)
    before = state_of_torch(model)
    capture(model, args, kwargs)
    torch.manual_seed(1)
    assert state_of_torch(model) == before


@pytest.mark.parametrize("error", [ValueError("no"), KeyboardInterrupt(), SystemExit(3), StopIteration()])
def test_nothing_stays_behind_after_an_error(error: BaseException) -> None:
    model = Stops(error)
    before = state_of_torch(model)
    with pytest.raises(type(error)) as caught:
        capture(model, (torch.ones(2, 4),))
    assert caught.value is error
    assert state_of_torch(model) == before


class Collected(nn.Module):
    """Keeps whether Python searches for cycles while it runs, and may fail."""

    def __init__(self, *, fails: bool = False) -> None:
        super().__init__()
        self.fc, self.fails = nn.Linear(4, 4, device="meta"), fails

    def forward(self, x: Tensor) -> Tensor:
        self.searched = gc.isenabled()
        if self.fails:
            raise ValueError("no")
        return self.fc(x)


@pytest.mark.parametrize("is_on", [True, False])
@pytest.mark.parametrize("fails", [True, False])
def test_cycles_are_searched_for_as_before_and_not_while_a_pass_without_memory_runs(is_on: bool, fails: bool) -> None:
    model = Collected(fails=fails)
    try:
        (gc.enable if is_on else gc.disable)()
        with pytest.raises(ValueError, match="no") if fails else contextlib.nullcontext():
            capture(model, (torch.ones(2, 4, device="meta"),))
        assert gc.isenabled() == is_on
        assert not model.searched
        capture(model := Collected().to_empty(device="cpu"), (torch.ones(2, 4),))
        assert model.searched == is_on
    finally:
        gc.enable()


def test_what_was_frozen_stays_frozen() -> None:
    try:
        gc.freeze()
        before = gc.get_freeze_count()
        capture(nn.Linear(4, 4, device="meta"), (torch.ones(2, 4, device="meta"),))
        assert gc.get_freeze_count() > before // 2  # some of it may have ended by itself
    finally:
        gc.unfreeze()


class Circular(nn.Module):
    """Makes an object that holds itself."""

    def forward(self, x: Tensor) -> Tensor:
        made = nn.Identity()
        made.itself = [made]
        self.made = weakref.ref(made)
        return x + 1


def test_cycles_that_a_pass_makes_are_found_after_it() -> None:
    model = Circular()
    capture(model, (torch.ones(2, 4, device="meta"),))
    assert gc.get_freeze_count() == 0
    gc.collect()
    assert model.made() is None


def all_state(model: nn.Module) -> object:
    return {**state_of_torch(model), "limit": sys.getrecursionlimit(), "handler": signal.getsignal(signal.SIGINT)}


@pytest.mark.skipif(signal.getsignal(signal.SIGINT) is not signal.default_int_handler, reason="Ctrl-C is ignored here")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # of a lost one: see trace_until_stopped
def test_nothing_stays_behind_wherever_ctrl_c_comes() -> None:
    model, x = nn.Sequential(*(nn.TransformerEncoderLayer(8, 2, 16) for _ in range(3))).eval(), torch.ones(2, 3, 8)
    capture(model, (x,))
    before, started, random_times = all_state(model), time.perf_counter(), random.Random(0)
    capture(model, (x,))
    lasts = time.perf_counter() - started
    for _ in range(40):
        with pytest.raises(KeyboardInterrupt):
            trace_until_stopped(model, x, random_times.random() * lasts)
        assert all_state(model) == before


def trace_until_stopped(model: nn.Module, x: Tensor, after: float) -> None:
    while True:  # one that comes while Python runs a callback of its own is lost, as it is anywhere: press again
        thread = threading.Thread(target=press_ctrl_c, args=(after,))
        thread.start()
        try:
            for _ in range(20):
                capture(model, (x,))
        finally:
            thread.join()


def press_ctrl_c(after: float) -> None:
    time.sleep(after)
    os.kill(os.getpid(), signal.SIGINT)


@pytest.mark.skipif(signal.getsignal(signal.SIGINT) is not signal.default_int_handler, reason="Ctrl-C is ignored here")
def test_ctrl_c_in_the_recorder_itself_waits_for_the_next_operation(monkeypatch: pytest.MonkeyPatch) -> None:
    model, seen = nn.Sequential(nn.Linear(4, 4), nn.ReLU()), []
    before = all_state(model)
    body = "def enter(self, module, args):\n    signal.raise_signal(signal.SIGINT)\n    seen.append(module)\n"
    names: dict[str, Callable[..., None]] = {"signal": signal, "seen": seen}  # type: ignore[dict-item]
    exec(compile(body, str(Path(scopes.__file__).with_name("here.py")), "exec"), names)
    monkeypatch.setattr(scopes.Scopes, "enter", names["enter"])
    with pytest.raises(KeyboardInterrupt):
        capture(model, (torch.ones(2, 4),))
    assert seen[0] is model
    assert all_state(model) == before


def test_the_random_numbers_are_those_of_an_untraced_run() -> None:
    model, x = nn.Dropout(0.5).train(), torch.ones(1000)
    torch.manual_seed(3)
    model(x)
    after = torch.rand(1)
    torch.manual_seed(3)
    capture(model, (x,))
    assert torch.equal(torch.rand(1), after)


def test_weights_can_be_trained_after_a_trace() -> None:
    model = nn.Linear(4, 4)
    capture(model, (torch.ones(2, 4),))
    model(torch.ones(2, 4)).sum().backward()
    assert model.weight.grad is not None


def test_gradients_flow_through_a_traced_pass() -> None:
    model, x = nn.Sequential(nn.Linear(4, 4), nn.GELU()), torch.ones(2, 4)
    kept: list[Tensor] = []
    model.register_forward_hook(lambda _module, _args, out: kept.append(out))
    capture(model, (x,))
    kept[0].sum().backward()
    traced = model[0].weight.grad
    model.zero_grad()
    model(x).sum().backward()
    assert torch.equal(traced, model[0].weight.grad)


class TracesAnother(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.fc, self.inner = nn.Linear(4, 4), [nn.Sequential(nn.Linear(4, 4), nn.ReLU())]

    def forward(self, x: Tensor) -> Tensor:
        y = self.fc(x)
        self.seen = capture(self.inner[0], (y,))
        return y.exp()


def test_a_model_may_trace_another_in_its_forward() -> None:
    model = TracesAnother()
    before = state_of_torch(model)
    trace = capture(model, (torch.ones(2, 4),))
    assert names(model.seen) == ["linear", "relu"]
    assert names(trace)[0] == "linear" and names(trace)[-1] == "exp"
    del model.seen
    assert state_of_torch(model) == before


class RunsAnotherInAThread(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.other = nn.Sequential(nn.Linear(4, 4), nn.Tanh())

    def forward(self, x: Tensor) -> Tensor:
        thread = threading.Thread(target=lambda: self.other(torch.ones(3, 4)))
        thread.start()
        thread.join()
        return x.exp()


def test_what_another_thread_runs_is_not_recorded() -> None:
    trace = capture(RunsAnotherInAThread(), (torch.ones(2, 4),))
    assert names(trace) == ["exp"]
    assert [call.path for call in trace.calls] == [""]


def test_two_threads_trace_at_once() -> None:
    traces: dict[str, list[str]] = {}
    models = {"a": nn.Sequential(nn.Linear(4, 4), nn.ReLU()), "b": nn.Sequential(nn.Tanh(), nn.Tanh(), nn.GELU())}
    before = {key: state_of_torch(model) for key, model in models.items()}
    threads = [
        threading.Thread(target=lambda key=key: traces.update({key: names(capture(models[key], (torch.ones(2, 4),)))}))
        for key in models
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert traces == {"a": ["linear", "relu"], "b": ["tanh", "tanh", "gelu"]}
    assert {key: state_of_torch(model) for key, model in models.items()} == before
