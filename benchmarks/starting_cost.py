"""What starting and reading cost, as a Markdown table: ``python benchmarks/starting_cost.py``.

Commands are held against a Python that does nothing, the reading of a trace against plain ``json.loads``.
"""

import json
import sys

from msgspec.structs import replace
from timing import command_seconds, seconds

from shapetrace import ir, serialize

N_OPS = 15_000


def large_trace() -> bytes:
    """A trace file of many equal operations."""
    kernel = ir.Kernel("aten.addmm.default", (0, 0, 0), (0,), {"beta": 1})
    op = ir.Op(0, "linear", 0, (0, 0), (0,), {"dim": -1}, (kernel,), "model.py:12 in forward")
    tensor = ir.Tensor(0, (1, 1024, 768), "float32", "data")
    call = ir.Call(0, "", "Model", None)
    tensors, ops = ([replace(one, id=i) for i in range(N_OPS)] for one in (tensor, op))
    return serialize.to_json(ir.Trace(ir.Model("Model"), (0,), (0,), tuple(tensors), tuple(ops), (call,), ()))


def main() -> None:
    """Print the table."""
    print("| what | seconds | times | of |\n| --- | ---: | ---: | --- |")
    python = command_seconds(sys.executable, "-c", "pass")
    for word in ("--version", "--help", "models"):
        took = command_seconds(sys.executable, "-m", "shapetrace", word)
        print(f"| `shapetrace {word}` | {took:.2f} | {took / python:.1f} | `python -c pass` |", flush=True)
    data = large_trace()
    took, plain = (
        min(seconds(lambda read=read: read(data)) for _ in range(3)) for read in (serialize.from_json, json.loads)
    )
    print(f"| reading {N_OPS:,} operations | {took:.2f} | {took / plain:.1f} | `json.loads` |")


if __name__ == "__main__":
    main()
