"""Does a GPU give what the CPU gives? ``PYTHONPATH=. python tools/check_on_gpu.py``: a table, exit code 1 if not.

Tiny models run in bfloat16, those with fused attention once under each backend. Of each: the steps with their
sections, roles, shapes, parameters and FLOPs are those of CPU and meta; the output is bit for bit that of an untraced
pass, the fused fast path of PyTorch's encoder layers apart, which hooks turn off; a traced pass allocates as much as an
untraced one. Nothing is downloaded. ``--device cpu`` tries the script itself.
"""

import argparse
import importlib
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

import shapetrace
from shapetrace import ShapetraceError

sys.path.insert(0, str(Path(__file__).parent))
ARCHITECTURES: dict[str, Any] = importlib.import_module("gpu_architectures").ARCHITECTURES

SPARE_BYTES = 1 << 20
OK = "ok"


@dataclass(frozen=True)
class Row:
    """What was found of one model.

    Attributes:
        name: The model.
        backend: Of attention; empty for PyTorch's choice.
        said: ``ok``, or what is wrong, or why it was left out.
        memory: Peak of the traced pass beside that of the untraced one.
        is_wrong: Whether the check failed.
    """

    name: str
    backend: str
    said: str
    memory: str = ""
    is_wrong: bool = False


def backends(name: str) -> Iterator[tuple[str, AbstractContextManager[Any]]]:
    """The ways in which to run a model: under each backend if it has fused attention."""
    if not ARCHITECTURES[name].fused_attention:
        yield "", nullcontext()
        return
    from torch.nn.attention import SDPBackend, sdpa_kernel

    for backend in ("FLASH_ATTENTION", "EFFICIENT_ATTENTION", "CUDNN_ATTENTION", "MATH"):
        yield backend.partition("_")[0].lower(), sdpa_kernel([getattr(SDPBackend, backend)])


@contextmanager
def no_fast_path() -> Iterator[None]:
    """PyTorch's encoder layers run one operation after the other."""
    before = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        yield
    finally:
        torch.backends.mha.set_fastpath_enabled(before)


def facts(model: nn.Module, args: Sequence[Any]) -> list[str]:
    """What a trace means, a line a step, without kernels: they are another device's own."""
    outline = shapetrace.trace(model, *args).outline()
    steps = [
        f"{step.section}: {step.title} {step.role.value} {step.equation} ×{step.repeat} {step.parameters} {step.flops}"
        for step in outline.steps()
    ]
    totals = outline.totals
    return [
        *steps,
        f"{totals.parameters} parameters, {totals.matmul_flops} FLOPs in products, {outline.coverage.unknown}",
    ]


def tensors(output: Any) -> list[Tensor]:
    """All tensors of an output, in order."""
    if isinstance(output, Tensor):
        return [output]
    return [tensor for each in output or () for tensor in tensors(each)] if isinstance(output, tuple | list) else []


def run(model: nn.Module, args: Sequence[Any], call: Callable[..., Any]) -> tuple[list[Tensor], int]:
    """The output of a pass, which a hook catches, and the peak of what it allocated on a GPU."""
    kept: list[Any] = []
    hook = model.register_forward_hook(lambda _module, _args, out: kept.append(out))
    on_gpu = torch.cuda.is_available() and any(tensor.is_cuda for tensor in model.parameters())
    before = 0
    if on_gpu:
        torch.cuda.synchronize()
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
    torch.manual_seed(0)
    try:
        call(model, *args)
    finally:
        hook.remove()
    return tensors(kept[-1]), torch.cuda.max_memory_allocated() - before if on_gpu else 0


def check(name: str, backend: str, chosen: AbstractContextManager[Any], device: str) -> Row:
    """Compare one model on a device with itself."""
    architecture = ARCHITECTURES[name]
    model, args = architecture.build(device)
    with torch.no_grad(), chosen:
        try:
            plain, peak = run(model, args, lambda module, *given: module(*given))
        except Exception as error:  # noqa: BLE001 - what this PyTorch refuses is told
            return Row(name, backend, f"PyTorch refuses: {str(error).strip().splitlines()[0][:70]}")
        again, _ = run(model, args, lambda module, *given: module(*given))
        traced, traced_peak = run(model, args, shapetrace.trace)
        found = facts(model, args)
    notes = [OK] + ["two untraced passes differ themselves"] * (not equal(plain, again))
    wrong = ""
    for other in {"cpu": ("meta",)}.get(device, ("cpu", "meta")):
        try:
            wrong = wrong or difference(other, found, architecture.build(other))
        except ShapetraceError:  # which experts get how many rows is not known without values
            notes.append(f"not on {other}, where values are not known")
    if traced_peak > peak * 1.05 + SPARE_BYTES:
        wrong = wrong or "a traced pass allocates more"
    if equal(plain, again) and not architecture.compiled and not equal(plain, traced):
        wrong = wrong or "another output than that of an untraced pass"
    memory = f"{peak:,} → {traced_peak:,} bytes" if peak else ""
    return Row(name, backend, wrong or "; ".join(notes), memory, bool(wrong))


def equal(first: list[Tensor], second: list[Tensor]) -> bool:
    """Bit for bit."""
    return len(first) == len(second) and all(map(torch.equal, first, second))


def difference(device: str, found: list[str], built: tuple[nn.Module, Sequence[Any]]) -> str:
    """The first line that is another one on a device; empty if none is."""
    with torch.no_grad():
        expected = facts(*built)
    if found == expected:
        return ""
    pairs = [(here, there) for here, there in zip(found, expected, strict=False) if here != there]
    here, there = pairs[0] if pairs else (f"{len(found)} lines", f"{len(expected)} lines")
    return f"{here!r}, on {device} {there!r}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--only", default="", help="names of models, with commas")
    asked = parser.parse_args(arguments)
    if asked.device.startswith("cuda") and not torch.cuda.is_available():
        print("this PyTorch sees no CUDA device: nothing was checked (--device cpu tries the script itself)")
        return 2
    names = asked.only.split(",") if asked.only else list(ARCHITECTURES)
    if unknown := [name for name in names if name not in ARCHITECTURES]:
        print(f"no model {unknown[0]!r}: choose among {', '.join(ARCHITECTURES)}")
        return 2
    start = time.perf_counter()
    card = torch.cuda.get_device_name(asked.device) if asked.device.startswith("cuda") else asked.device
    print(
        f"{card}, torch {torch.__version__}\n\n| model | attention | found | peak memory |\n| --- | --- | --- | --- |"
    )
    rows = []
    with no_fast_path():
        for name, (backend, chosen) in ((each, way) for each in names for way in backends(each)):
            rows.append(check(name, backend, chosen, asked.device))
            print(f"| {name} | {backend} | {rows[-1].said} | {rows[-1].memory} |", flush=True)
    wrong = sum(row.is_wrong for row in rows)
    ran = sum(row.said.startswith(OK) for row in rows) + wrong
    print(f"\n{wrong} of {ran} wrong, {len(rows) - ran} left out, {time.perf_counter() - start:.0f} s")
    return 1 if wrong or not ran else 0


if __name__ == "__main__":
    sys.exit(main())
