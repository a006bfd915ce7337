"""One architecture of transformers, shrunk, three times: on plain meta, on meta with known values, on the CPU.

Run as a program it reads model types from its standard input, one a line, and writes a line of JSON for each.
"""

import json
import os
import resource
import signal
import sys
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Callable
from math import prod
from typing import Any

import torch

from shapetrace import ir
from shapetrace.capture import capture
from shapetrace.capture.known_calls import building
from shapetrace.models import hf_inputs, huggingface
from shapetrace.outlining.analysis import analyse
from tests.models.shrinking import shrink

SECONDS = 60
"""One type may take so long."""

MOST_BYTES = 8 << 30


def contractions(trace: ir.Trace) -> Counter[tuple[int, ...]]:
    """The products of a pass by their sizes: batch, m, k, n."""
    facts = analyse(trace)
    size, shape = facts.atoms.size, facts.atoms.shape
    return Counter((prod(shape(p.batch)), size(p.m), size(p.k), size(p.n)) for p in facts.products)


def measure(model_type: str) -> dict[str, str]:
    """What became of each of the three passes: an empty text if it ran, else why not.

    ``known`` compares: a pass on meta whose contractions are not those of the CPU has failed.
    """
    found: dict[str, str] = {}
    try:
        model = _build(model_type, "cpu")
        kwargs = hf_inputs.inputs(model)
        expected = contractions(trace(model, kwargs))
    except Exception as error:  # noqa: BLE001 - whatever a model raises is the finding
        return {"cpu": told(error)}
    found["cpu"] = ""
    found["plain"] = _attempt(lambda: _plain(model_type, kwargs))
    found["known"] = _attempt(lambda: _compared(model_type, kwargs, expected))
    return found


def _plain(model_type: str, kwargs: dict[str, Any]) -> None:
    model = _build(model_type, "meta")
    with torch.no_grad():
        model(**{name: _to_meta(value) for name, value in kwargs.items()})


def _compared(model_type: str, kwargs: dict[str, Any], expected: Counter[tuple[int, ...]]) -> None:
    with building():
        model = _build(model_type, "meta")
    seen = contractions(trace(model, kwargs))
    more, less = seen - expected, expected - seen
    assert not more and not less, f"other contractions: {_few(more)} on meta, {_few(less)} on the CPU"


def trace(model: torch.nn.Module, kwargs: dict[str, Any]) -> ir.Trace:
    """Record a pass without gradients."""
    with torch.no_grad():
        return capture(model, (), kwargs)


def _build(model_type: str, device: str) -> torch.nn.Module:
    return huggingface.build(shrink(huggingface.config(model_type)), device=device)


def _to_meta(value: Any) -> Any:
    return value.to("meta") if isinstance(value, torch.Tensor) else value


def _attempt(action: Callable[[], object]) -> str:
    try:
        action()
    except Exception as error:  # noqa: BLE001 - whatever a model raises is the finding
        return told(error)
    return ""


def _few(counted: Counter[tuple[int, ...]]) -> str:
    return ", ".join(f"{count} x {sizes}" for sizes, count in counted.most_common(3)) or "none"


def told(error: Exception) -> str:
    """An exception in one line, with where the model raised it."""
    frames = [f for f in traceback.extract_tb(error.__traceback__) if "shapetrace" not in f.filename]
    inside = [f for f in frames if "transformers/models" in f.filename] or frames
    where = f" @ {inside[-1].filename.rpartition('/')[2]}:{inside[-1].lineno} {inside[-1].line}" if inside else ""
    return f"{type(error).__name__}: {' '.join(str(error).split())[:400]}{where}"


class Late(BaseException):
    """The time is up; nobody who catches exceptions may catch this."""


def _late(*_arguments: object) -> None:
    raise Late(f"took more than {SECONDS} s")


def main(measured: Callable[[str], dict[str, Any]] = measure) -> None:
    """Measure the types that standard input names."""
    warnings.simplefilter("ignore")
    huggingface.transformers().logging.set_verbosity(100)
    torch.set_num_threads(1)
    resource.setrlimit(resource.RLIMIT_AS, (MOST_BYTES, MOST_BYTES))
    signal.signal(signal.SIGALRM, _late)
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # some libraries print what they think; what reads us waits for answers
    for line in sys.stdin:
        signal.alarm(SECONDS)
        start = time.perf_counter()
        try:
            found = measured(line.strip())
        except Late as error:
            found = {"cpu": str(error)}
        signal.alarm(0)
        answer = {"type": line.strip(), **found, "seconds": round(time.perf_counter() - start, 1)}
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main()
