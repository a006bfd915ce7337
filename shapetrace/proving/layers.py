"""How many layers show all that a deep model does."""

from collections import defaultdict

from shapetrace import ir

_FEWEST = 2


def distinct_layers(trace: ir.Trace) -> int:
    """The fewest first layers among which there is one of every sort, by the operations that they run."""
    inside: dict[int, list[str | int]] = defaultdict(list)
    for op in trace.ops:
        inside[op.call].append(op.name)
    sorts: dict[tuple[str | int, ...], int] = {}
    firsts: dict[tuple[str, int], int] = {}
    for call in reversed(trace.calls):  # children come after their parents
        sort = sorts.setdefault(tuple(inside[call.id]), len(sorts))
        if call.parent is not None:
            inside[call.parent].append(sort)
        prefix, _, last = call.path.rpartition(".")
        if call.kind == "module" and last.isdigit():
            place = prefix, sort
            firsts[place] = min(int(last), firsts.get(place, int(last)))
    layers = [
        first + 1 for (prefix, _), first in firsts.items() if not any(part.isdigit() for part in prefix.split("."))
    ]
    return max([_FEWEST, *layers])
