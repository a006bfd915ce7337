"""What tracing a generation costs, as a Markdown table: ``python benchmarks/generating_cost.py [PRESET ...]``.

A prefill of 4,096 tokens and one decode step behind it, with a cache, on meta: bare and traced, by turns, in processor
time and with one thread. "file" is what both passes take when they are saved.
"""

import resource
from dataclasses import replace

from timing import measured, print_table, seconds

PRESETS = ("deepseek-v3", "llama-3.1-405b")
N_TOKENS = 4096
TURNS = 5
HEADER = """\
| preset | operations | bare s | traced | meaning s | peak MiB | file MB | cache, bytes a token |
| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |"""


def measure(name: str) -> dict[str, float]:
    """Trace the passes of one preset in this process."""
    import torch

    from shapetrace.capture import capture
    from shapetrace.generations import files
    from shapetrace.generations.decoding import Generation
    from shapetrace.models.building import build, ids
    from shapetrace.models.caching import Cache
    from shapetrace.models.presets import preset

    torch.set_num_threads(1)
    settings = replace(preset(name).settings, device="meta", dtype="bfloat16", seq=N_TOKENS, last_row=True)
    model, rows = build(settings), (ids(settings, N_TOKENS), ids(settings, 1))

    def bare() -> None:
        cache = Cache(settings)
        for given in rows:
            model(given, cache)

    def traced() -> Generation:
        found, cache = Generation(), Cache(settings)
        for given in rows:
            found.add(capture(model, (given, cache)))
        return found

    generation = traced()  # also warms up what all turns share
    turns = [(seconds(bare), seconds(traced)) for _ in range(TURNS)]
    reading = seconds(lambda: generation.bills)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    best = [min(times) for times in zip(*turns, strict=True)]
    return {
        "operations": sum(len(each.trace.ops) for each in generation.passes),
        "bare": best[0], "traced": best[1], "reading": reading, "peak_mib": peak / 1024,
        "file_mb": len(files.written(generation)) / 1e6, "cache": generation.bill(1).cache_written,
    }  # fmt: skip


def row(name: str) -> str:
    """One line of the table; what is told without a unit is times the bare passes."""
    found = measured(__file__, name)
    return (
        f"| {name} | {found['operations']:,} | {found['bare']:.2f} | {found['traced'] / found['bare']:.2f} × "
        f"| {found['reading']:.2f} | {found['peak_mib']:,.0f} | {found['file_mb']:.1f} | {found['cache']:,} |"
    )


if __name__ == "__main__":
    print_table(HEADER, PRESETS, measure, row)
