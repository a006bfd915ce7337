"""Symbols for operands: X, X̂, Q, K, V, S, A, Z, O, H, E, W_Q. What no pass knows keeps no symbol."""

from collections.abc import Iterator, Mapping

from shapetrace.outlining.attention import Attention, operands_of
from shapetrace.outlining.drafts import HAT, Draft, Ref, base_of
from shapetrace.outlining.flow import Flow
from shapetrace.outlining.tree import Node

_ONE_OPERAND = ("position", "activation", "softmax", "split", "concat", "select", "pointwise")


class Symbols:
    """Gives every operand of a tree its symbol, once, in the order of reading.

    Attributes:
        of: Symbol by value, where a value has one.
    """

    def __init__(self, flow: Flow, attentions: list[Attention]) -> None:
        self.of: dict[int, str] = {}
        self._flow = flow
        self._tables: dict[int, str] = {}
        for attention in attentions:
            for letter, value, _ in operands_of(flow, attention):
                root = flow.root(value)
                self.of[root] = letter if self.of.get(root, letter) == letter else ""

    def name(self, root: Node, encoded: Mapping[int, str]) -> None:
        """Name the drafts of a folded tree; members of a fold get the symbols of the first.

        Args:
            root: The tree.
            encoded: Symbols that are known before: what cross-attention reads (`crossing.contexts`).
        """
        self.of |= encoded
        for draft, twins in _in_step(root):
            self._name(draft)
            for twin in twins:
                for mine, other in zip(draft.results, twin.results, strict=False):
                    if other.value is not None and other.value not in encoded:
                        self.of[other.value] = mine.letter

    def _name(self, draft: Draft) -> None:
        for operand in draft.operands:
            if not operand.letter:
                operand.letter = self._operand(operand)
        if draft.kind == "lookup":
            self._lookup(draft)
        for result in draft.results:
            if not result.letter:
                result.letter = self._result(draft, result)
            if result.value is not None and draft.share[0] == draft.share[1]:  # pieces share one value
                self.of[result.value] = result.letter

    def _operand(self, operand: Ref) -> str:
        if operand.value is None:
            return ""
        known = self.of.get(operand.value)
        if known is not None:
            return known
        if operand.role == "weight":
            return "W" if len(operand.shape) > 1 else "w"
        tensor = self._flow.facts.tensor(operand.value)
        if tensor.origin == "input":
            whole = "mask" if tensor.dtype == "bool" else "ids"
            self.of[operand.value] = "X" if self._flow.is_floating(operand.value) else whole
            return self.of[operand.value]
        return ""

    def _lookup(self, draft: Draft) -> None:
        ids, table = draft.operands
        if table.value is not None:
            ids_name = self._flow.facts.tensor(ids.value).name if ids.value is not None else ""
            fallback = "P" if "position" in ids_name else f"E_{len(self._tables) + 1}" if self._tables else "E"
            table.letter = self._tables.setdefault(table.value, fallback)
            self.of[table.value] = table.letter

    def _result(self, draft: Draft, result: Ref) -> str:
        first = draft.operands[0].letter if draft.operands else ""
        known = self.of.get(result.value, "") if result.value is not None else ""
        if known:
            return known
        if draft.kind == "lookup":
            table = draft.operands[1].letter
            return "X" if table == "E" else table
        if draft.kind == "residual":
            return self._next_stream(draft)
        if draft.kind == "add":
            return self._sum(draft)
        return self._after(draft, first)

    def _after(self, draft: Draft, first: str) -> str:
        """The symbol of what a step makes of its first operand."""
        if draft.kind == "norm":
            base, _, index = first.partition("_")
            return f"{base}{HAT}" + (f"_{index}" if index else "") if base and not base.endswith(HAT) else first
        if draft.kind == "activation" and first == "GU":
            return "H"
        if draft.kind == "concat":
            return next((operand.letter for operand in draft.operands if operand.role == "data"), "")
        if first == "ids" and draft.kind != "select":
            return ""  # numbers made of ids are none
        if draft.kind in _ONE_OPERAND and len(draft.operands) == 1:
            return first.lower() if draft.kind == "select" and first[:1] == "X" else first
        if draft.kind == "activation":
            return "H"
        return {"product": "Y", "contraction": "Y", "convolution": "X"}.get(draft.kind, "")

    def _sum(self, draft: Draft) -> str:
        """M + M is M, Y + Y is Y; what positions or other embeddings are added to is the stream."""
        if any(operand.role != "data" and min(operand.shape, default=1) == 1 for operand in draft.operands):
            return draft.operands[0].letter  # a bias of one row or column
        bases = {base_of(operand.letter) for operand in draft.operands}
        if bases & {"X", "E", "P"} or any(operand.role != "data" for operand in draft.operands):
            return self._next_stream(draft)
        return bases.pop() if len(bases) == 1 else ""

    def _next_stream(self, draft: Draft) -> str:
        for operand in draft.operands:
            if operand.role != "data" and not operand.letter.startswith(("E", "P")):
                operand.letter = "P" if draft.kind == "add" else operand.letter
            elif operand.letter == "W":
                operand.letter = "P"
        _, _, index = draft.operands[0].letter.partition("_")
        if draft.kind == "residual":
            return f"X_{int(index) + 1 if index.isdigit() else 1}"
        return f"X_{int(index) + 1 if index.isdigit() else 0}"


def _in_step(node: Node) -> Iterator[tuple[Draft, list[Draft]]]:
    """Each draft of the first members with its twins in the folded ones, in the order of reading."""
    yield from _paired(node, [])


def _paired(node: Node, others: list[Node]) -> Iterator[tuple[Draft, list[Draft]]]:
    siblings = [*others, *node.folded, *(twin for other in others for twin in other.folded)]
    for index, item in enumerate(node.items):
        twins = [other.items[index] for other in siblings if index < len(other.items)]
        if isinstance(item, Draft):
            same = [twin for twin in twins if isinstance(twin, Draft)]
            yield item, [*same, *item.twins]
        else:
            yield from _paired(item, [twin for twin in twins if isinstance(twin, Node)])
