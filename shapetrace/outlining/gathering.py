"""Attention and feed-forward that a block does itself, without modules for them, get sections of their own."""

from collections.abc import Callable

from shapetrace.outlining.columns import TITLES
from shapetrace.outlining.drafts import Draft
from shapetrace.outlining.structure import SectionKind
from shapetrace.outlining.tree import Node, classify

_OPENING = frozenset({"Gate", "Up", "Expand", "Gate and up"})
_CLOSING = frozenset({"Down", "Shrink"})
_PROJECTIONS = frozenset({*TITLES.values(), "Key, Value", "Compress"})


def gather(root: Node) -> None:
    """Wrap loose runs of steps in every section that holds more than the run."""
    for child in root.nodes():
        gather(child)
    classify(root)
    if root.kind not in ("block", "model"):
        return
    _wrap(root, "attention", lambda draft: draft.title in _PROJECTIONS, lambda draft: draft.title == "Output")
    _wrap(root, "mlp", lambda draft: draft.title in _OPENING, lambda draft: draft.title in _CLOSING)


def _wrap(node: Node, kind: SectionKind, opens: Callable[[Draft], bool], closes: Callable[[Draft], bool]) -> None:
    start: int | None = None
    place = 0
    while place < len(node.items):
        item = node.items[place]
        if not isinstance(item, Draft) or item.kind == "residual":
            start = None
        elif start is None and opens(item):
            start = place
        elif start is not None and closes(item):
            end = _end(node, place, item)
            run = node.items[start:end]
            if len(run) == len(node.items):
                return
            path = f"{node.path}.<{kind}>" if node.path else f"<{kind}>"
            section = Node(path, "", run, kind, members=(path,))
            classify(section)
            if section.kind == kind:
                node.items[start:end] = [section]
                place = start
            start = None
        place += 1


def _end(node: Node, place: int, closing: Draft) -> int:
    """Where the run that a projection closes ends: after the adapters beside it."""
    end = place + 1
    if closing.adapted is None:
        return end
    while end < len(node.items):
        item = node.items[end]
        end += 1
        if not isinstance(item, Draft) or not item.results:
            return place + 1
        if item.results[0].value == closing.adapted:
            return end
    return place + 1
