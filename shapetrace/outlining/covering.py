"""Where every operation went: three sets, counted one by one."""

from shapetrace.ir import Trace
from shapetrace.outlining.counts import Coverage
from shapetrace.outlining.drafts import Draft
from shapetrace.outlining.sections import Node
from shapetrace.outlining.steps.collecting import Collected, count_reasons


def coverage(trace: Trace, folded: Node, collected: Collected) -> Coverage:
    """Count the operations that are drawn, folded and elided; an operation in none or in two of them is misplaced."""
    shown, hidden = _drafts(folded)
    drawn = {op for draft in shown for op in draft.ops}
    unknown = {op for draft in shown if draft.kind == "unknown" for op in draft.ops}
    behind = {op for draft in hidden for op in draft.ops}
    away = set(collected.elided)
    placed = len(drawn) + len(behind) + len(away)
    together = drawn | behind | away
    misplaced = len({op.id for op in trace.ops} ^ together) + placed - len(together)
    return Coverage(
        len(trace.ops), len(drawn), len(behind), len(away), len(unknown),
        count_reasons(collected.elided.values()), misplaced,
    )  # fmt: skip


def _drafts(node: Node) -> tuple[list[Draft], list[Draft]]:
    """The drafts that a tree shows, with those beside them, and the drafts of the members folded into others."""
    shown: list[Draft] = []
    hidden: list[Draft] = []
    for item in node.items:
        if isinstance(item, Draft):
            shown += (item, *item.twins)
        else:
            inner = _drafts(item)
            shown += inner[0]
            hidden += inner[1]
    for member in node.folded:
        inner = _drafts(member)
        hidden += (*inner[0], *inner[1])
    return shown, hidden
