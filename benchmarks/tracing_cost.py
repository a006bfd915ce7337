"""What tracing costs, as a Markdown table: ``python benchmarks/tracing_cost.py [PRESET ...]``.

Forward passes on meta, bare, under two empty modes, and traced, are timed in one process, by turns, in processor time
and with one thread, so that a busy machine slows all of them. Peak memory and the time of the whole command are those
of processes of their own.
"""

import resource
import sys
from dataclasses import replace
from functools import cache

from timing import command_seconds, measured, print_table, seconds

PRESETS = ("gpt2", "llama-3.1-405b", "deepseek-v3")
TURNS = 5
HEADER = """\
| preset | operations | bare s | empty modes | traced | µs an operation | outline s | peak MiB | command \
| of `import torch` |
| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |"""


def measure(name: str) -> dict[str, float]:
    """Trace one preset in this process."""
    import limit
    import torch

    from shapetrace.capture import capture
    from shapetrace.models.building import build, inputs
    from shapetrace.models.presets import preset
    from shapetrace.outlining import outline

    torch.set_num_threads(1)
    settings = replace(preset(name).settings, device="meta")
    model, (args, kwargs) = build(settings), inputs(settings)
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


def row(name: str) -> str:
    """One line of the table; what is told without a unit is times the bare pass."""
    found = measured(__file__, name)
    whole = command_seconds(sys.executable, "-m", "shapetrace", "run", name)
    bare, empty, traced = found["bare"], found["empty"], found["traced"]
    return (
        f"| {name} | {found['operations']:,} | {bare:.2f} | {empty / bare:.2f} × | {traced / bare:.2f} × "
        f"| {traced / found['operations'] * 1e6:.0f} | {found['outline']:.2f} | {found['peak_mib']:,.0f} "
        f"| {whole:.1f} s | {whole / _import_torch():.2f} × |"
    )


@cache
def _import_torch() -> float:
    return command_seconds(sys.executable, "-c", "import torch")


if __name__ == "__main__":
    print_table(HEADER, PRESETS, measure, row)
