"""What tracing costs, as a Markdown table: ``python benchmarks/tracing_cost.py [MODEL ...]``.

Forward passes on meta, bare, under two empty modes, and traced, are timed in one process, by turns, in processor time
and with one thread, so that a busy machine slows all of them. Peak memory and the time of the whole command are those
of processes of their own.
"""

import resource
import sys
from dataclasses import replace
from functools import cache
from typing import Any

from timing import command_seconds, measured, print_table, seconds

CLASSES = {"hf:gpt2": "GPT2LMHeadModel", "hf:llama": "LlamaForCausalLM", "hf:qwen3": "Qwen3ForCausalLM"}
"""Models of transformers, with the class whose import their command is measured by."""

MODELS = ("gpt2", "llama-3.1-405b", "deepseek-v3", *CLASSES)
TURNS = 5
HEADER = """\
| model | operations | bare s | empty modes | traced | µs an operation | outline s | peak MiB | command \
| of the import |
| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |"""


def measure(name: str) -> dict[str, float]:
    """Trace one model in this process."""
    import limit
    import torch

    from shapetrace.capture import capture
    from shapetrace.outlining import outline

    torch.set_num_threads(1)
    model, args, kwargs = _of_transformers(name) if name in CLASSES else _preset(name)
    trace = capture(model, args, kwargs)  # also warms up what all turns share
    turns = [
        (
            seconds(lambda: model(*args, **kwargs)),
            seconds(lambda: limit.run(model, *args, **kwargs)),
            seconds(lambda: capture(model, args, kwargs)),
        )
        for _ in range(TURNS)
    ]
    bare, empty, traced = (min(times) for times in zip(*turns, strict=True))
    return {
        "operations": len(trace.ops),
        "bare": bare,
        "empty": empty,
        "traced": traced,
        "outline": min(seconds(lambda: outline(trace)) for _ in range(3)),
        "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def _preset(name: str) -> tuple[Any, Any, Any]:
    from shapetrace.models.building import build, inputs
    from shapetrace.models.presets import preset

    settings = replace(preset(name).settings, device="meta")
    return build(settings), *inputs(settings)


def _of_transformers(name: str) -> tuple[Any, Any, Any]:
    """A model in its default configuration, and 1,024 ids."""
    import torch
    import transformers

    from shapetrace.capture.known_calls import building

    with torch.device("meta"), building():
        model = getattr(transformers, CLASSES[name])(transformers.AutoConfig.for_model(name.removeprefix("hf:"))).eval()
    return model, (torch.zeros(1, 1024, dtype=torch.long, device="meta"),), {}


def row(name: str) -> str:
    """One line of the table; what is told without a unit is times the bare pass."""
    found = measured(__file__, name)
    whole = command_seconds(sys.executable, "-m", "shapetrace", "run", name)
    bare, empty, traced = found["bare"], found["empty"], found["traced"]
    return (
        f"| {name} | {found['operations']:,} | {bare:.2f} | {empty / bare:.2f} × | {traced / bare:.2f} × "
        f"| {traced / found['operations'] * 1e6:.0f} | {found['outline']:.2f} | {found['peak_mib']:,.0f} "
        f"| {whole:.1f} s | {whole / _import(name):.2f} × |"
    )


@cache
def _import(name: str) -> float:
    imported = f"from transformers import {CLASSES[name]}" if name in CLASSES else "import torch"
    return command_seconds(sys.executable, "-c", imported)


if __name__ == "__main__":
    print_table(HEADER, MODELS, measure, row)
