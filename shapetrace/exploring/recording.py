"""The recorded operations behind each step, and where those of other layers are."""

import re
from collections import defaultdict
from collections.abc import Sequence
from itertools import pairwise
from math import prod
from typing import Any

from shapetrace.ir import Op, Trace
from shapetrace.outlining.structure import Section, Step


def operation(trace: Trace, number: int) -> dict[str, Any]:
    """One recorded operation: its name, shapes, kernels and line of code."""
    op = trace.ops[number]
    kernels = [kernel.name.removesuffix(".default") for kernel in op.kernels]
    told = {
        "id": op.id,
        "name": op.name,
        "inputs": [list(trace.tensors[value].shape) for value in op.inputs],
        "outputs": [list(trace.tensors[value].shape) for value in op.outputs],
        "kernels": list(dict.fromkeys(kernels)),
        "path": trace.calls[op.call].path if trace.calls else "",
        "line": op.line,
    }
    return {name: value for name, value in told.items() if value not in ("", [])}


class Layers:
    """Where the operations of folded layers begin."""

    def __init__(self, trace: Trace) -> None:
        """Sort operations by the paths of the modules that they ran in, all of them."""
        self._ops: dict[str, list[Op]] = defaultdict(list)
        for op in trace.ops:
            path = trace.calls[op.call].path if trace.calls else ""
            for prefix in _prefixes(path):
                self._ops[prefix].append(op)

    def starts(self, section: Section) -> Sequence[int]:
        """The first operation of each member; () where the members' operations are not the same ones in one run."""
        runs = [self._ops.get(path, []) for path in section.members]
        if section.repeat < 2 or not all(map(_is_one_run, runs)):
            return ()
        names: set[tuple[str, ...]] = {tuple(op.name for op in run) for run in runs}
        return [run[0].id for run in runs] if len(names) == 1 else ()


def _is_one_run(ops: Sequence[Op]) -> bool:
    return bool(ops) and all(after.id == before.id + 1 for before, after in pairwise(ops))


def _prefixes(path: str) -> list[str]:
    words = path.split(".")
    return [".".join(words[:end]) for end in range(1, len(words) + 1)]


def made_bytes(trace: Trace, step: Step) -> int:
    """Bytes of what one layer's step gives; what is a view of an operand takes none."""
    seen = {operand.value for operand in step.operands}
    made = [result for result in step.results if result.value >= 0 and result.value not in seen]
    return sum(prod(each.shape) * each.stack * _itemsize(trace.tensors[each.value].dtype) for each in made)


def _itemsize(dtype: str) -> int:
    """Bytes of one value: the first number in the name of its format, in bits."""
    bits = re.search(r"\d+", dtype)
    return max(int(bits[0]) // 8, 1) if bits else 1
