"""What tracing one rank of many costs over its bare pass on meta: ``python benchmarks/sharding_cost.py [PRESET ...]``.

Both run in the same simulated group of 1,024 ranks, by turns, in processor time.
"""

import resource

from timing import measured, print_table, seconds

PRESETS = ("llama-3.1-405b", "deepseek-v3")
TP, WORLD, TOKENS, TURNS = 8, 1024, 4096, 3
HEADER = """\
| preset, tp = 8 of 1,024 | operations | bare s | traced s | ratio | outline s | peak MiB |
| --- | ---: | ---: | ---: | ---: | ---: | ---: |"""


def measure(name: str) -> dict[str, float]:
    """Trace one rank of a preset in this process."""
    from shapetrace.capture import capture
    from shapetrace.models import building
    from shapetrace.outlining import outline
    from shapetrace.request import Request, settings_of
    from shapetrace.sharding import megatron
    from shapetrace.sharding.degrees import Degrees
    from shapetrace.sharding.grouping import simulated

    ranks = Degrees(tp=TP, world=WORLD)
    _, settings = settings_of(Request(model=name, shape={"seq": TOKENS, "dtype": "bfloat16"}, ranks=ranks))
    with simulated(ranks):
        model = megatron.shard(building.build(settings), settings, ranks)
        args, kwargs = building.inputs(settings)
        trace = capture(model, args, kwargs)  # also warms up what both turns share
        turns = [
            (seconds(lambda: model(*args, **kwargs)), seconds(lambda: capture(model, args, kwargs)))
            for _ in range(TURNS)
        ]
    bare, traced = (min(times) for times in zip(*turns, strict=True))
    return {
        "operations": len(trace.ops),
        "bare": bare,
        "traced": traced,
        "outline": min(seconds(lambda: outline(trace)) for _ in range(2)),
        "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def row(name: str) -> str:
    """One line of the table."""
    found = measured(__file__, name)
    return (
        f"| {name} | {found['operations']:,} | {found['bare']:.2f} | {found['traced']:.2f} "
        f"| {found['traced'] / found['bare']:.2f} | {found['outline']:.2f} | {found['peak_mib']:,.0f} |"
    )


if __name__ == "__main__":
    print_table(HEADER, PRESETS, measure, row)
