"""What tracing costs, as a Markdown table: ``python benchmarks/tracing_cost.py [PRESET ...]``.

Forward passes on meta, bare, under two empty modes, and traced, are timed in one process, by turns, in processor time
and with one thread, so that a busy machine slows all of them. Peak memory and the time of the whole command are those
of processes of their own.
"""

import json
import resource
import subprocess
import sys
from dataclasses import replace

from timing import command_seconds, seconds

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


def row(name: str, import_torch: float) -> str:
    """One line of the table; what is told without a unit is times the bare pass."""
    done = subprocess.run([sys.executable, __file__, "--measure", name], check=True, capture_output=True, text=True)
    found = json.loads(done.stdout)
    whole = command_seconds(sys.executable, "-m", "shapetrace", "run", name)
    bare, empty, traced = found["bare"], found["empty"], found["traced"]
    return (
        f"| {name} | {found['operations']:,} | {bare:.2f} | {empty / bare:.2f} × | {traced / bare:.2f} × "
        f"| {traced / found['operations'] * 1e6:.0f} | {found['outline']:.2f} | {found['peak_mib']:,.0f} "
        f"| {whole:.1f} s | {whole / import_torch:.2f} × |"
    )


def main(arguments: list[str]) -> None:
    """Print the table, or measure one preset for it."""
    if arguments[:1] == ["--measure"]:
        print(json.dumps(measure(arguments[1])))
        return
    import_torch = command_seconds(sys.executable, "-c", "import torch")
    print(HEADER)
    for name in arguments or PRESETS:
        print(row(name, import_torch), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
