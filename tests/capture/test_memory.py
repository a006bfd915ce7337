"""A trace costs no memory of the model's: while it runs, and afterwards."""

import gc
import os
import subprocess
import sys
import types
import weakref
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

import shapetrace
from tests.capture.samples import NAMES, samples

ROOT = Path(__file__).resolve().parents[2]
STATUS = Path("/proc/self/status")
needs_proc = pytest.mark.skipif(
    not (STATUS.exists() and "VmHWM" in STATUS.read_text()), reason="this system does not tell a peak of memory"
)

PROGRAM = """
import os
import sys
from pathlib import Path
import torch
from torch import nn
import shapetrace

MIB = 16

def peak():
    (line,) = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM")]
    return int(line.split()[1]) / 1024

class Deep(nn.Module):
    def __init__(self, kept):
        super().__init__()
        self.fc, self.kept = nn.Linear(512, 512), kept

    def forward(self, x):
        for _ in range(8):
            x = self.fc(x).sigmoid().mul(0.5)
            if self.kept is not None:
                self.kept.append(x)
        return x

def run(model, x, how):
    with torch.set_grad_enabled(how.endswith("trained")):
        if how.startswith("traced"):
            return shapetrace.trace(model, x)
        model(x)

torch.set_num_threads(1)
for each in ("traced", "traced, trained"):
    run(Deep(None), torch.ones(2, 512), each)  # what is imported and made once
for how in sys.argv[1:]:
    if child := os.fork():
        assert os.waitpid(child, 0)[1] == 0
        continue
    x, before = torch.ones(MIB * 512, 512), peak()
    run(Deep([] if how == "leaking" else None), x, how)
    print(peak() - before, flush=True)
    os._exit(0)
"""


@cache
def peaks_mib() -> dict[str, float]:
    """What passes add to the peaks of processes, in MiB: their values are 16 MiB each."""
    ways = ("plain", "traced", "plain, trained", "traced, trained", "leaking")
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *ways],
        cwd=ROOT, capture_output=True, encoding="utf-8", check=True,
        env={**os.environ, "PYTHONPATH": str(ROOT), "MALLOC_MMAP_THRESHOLD_": "1048576"},
    )  # fmt: skip
    return dict(zip(ways, map(float, done.stdout.split()), strict=True))


@needs_proc
@pytest.mark.parametrize("kind", ["", ", trained"])
def test_the_peak_of_a_traced_pass_is_that_of_an_untraced_one(kind: str) -> None:
    plain, traced = peaks_mib()[f"plain{kind}"], peaks_mib()[f"traced{kind}"]
    assert plain >= 30
    assert traced <= plain * 1.05


@needs_proc
def test_the_measure_of_the_peak_can_fail() -> None:
    assert peaks_mib()["leaking"] > peaks_mib()["plain"] * 2


_NOT_DATA = (type, types.ModuleType, types.FunctionType, types.BuiltinFunctionType, types.MethodDescriptorType)


def reachable(start: object) -> Iterator[object]:
    """All objects that an object holds, directly or not, but for code."""
    seen, waiting = {id(start)}, [start]
    while waiting:
        found = waiting.pop()
        yield found
        for each in gc.get_referents(found):
            if id(each) not in seen and not isinstance(each, _NOT_DATA):
                seen.add(id(each))
                waiting.append(each)


def watched(model: nn.Module, args: tuple[object, ...]) -> list[weakref.ref[object]]:
    """Weak references to a model, all that it consists of, its inputs, and what its modules will compute."""
    parts = [*model.modules(), *model.parameters(), *model.buffers(), *args]
    refs = [weakref.ref(part) for part in parts if isinstance(part, nn.Module | Tensor)]
    for module in model.modules():
        module.register_forward_hook(
            lambda _module, _args, out: refs.append(weakref.ref(out)) if isinstance(out, Tensor) else None
        )
    return refs


@pytest.mark.parametrize("grad", [False, True])
def test_nothing_of_a_model_outlives_it_in_its_trace(grad: bool) -> None:
    model, x = nn.TransformerEncoderLayer(8, 2, 16), torch.ones(2, 3, 8)
    refs = watched(model, (x,))
    n_parts = len(refs)
    with torch.set_grad_enabled(grad):
        trace = shapetrace.trace(model, x)
    assert str(trace) and shapetrace.figure(trace).svg
    assert len(refs) > n_parts
    del model, x
    gc.collect()
    assert [type(ref()).__name__ for ref in refs if ref() is not None] == []


class Fails(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(4, 4)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(self.fc(x)[:, :3])  # type: ignore[no-any-return]


def test_nothing_of_a_model_outlives_it_in_the_trace_of_its_failure() -> None:
    model, x = Fails(), torch.ones(2, 4)
    refs = watched(model, (x,))
    with pytest.raises(RuntimeError) as caught:
        shapetrace.trace(model, x)
    trace = caught.value.trace  # type: ignore[attr-defined]
    del model, x, caught
    gc.collect()
    assert trace.failure is not None
    assert [type(ref()).__name__ for ref in refs if ref() is not None] == []


@pytest.mark.parametrize("name", NAMES)
def test_a_trace_holds_no_tensor_and_no_module(name: str) -> None:
    model, args, kwargs = samples()[name]
    trace = shapetrace.trace(model, *args, **kwargs)
    trace.outline()
    held = [type(each).__name__ for each in reachable(trace) if isinstance(each, Tensor | nn.Module | torch.Size)]
    assert held == []


def test_the_search_for_what_a_trace_holds_can_fail() -> None:
    trace = shapetrace.trace(nn.Linear(4, 4), torch.ones(2, 4))
    object.__setattr__(trace, "kept", {"deep": [torch.ones(2)]})
    assert any(isinstance(each, Tensor) for each in reachable(trace))
