"""Cross-attention: queries come from one sequence, keys and values from another."""

from collections import defaultdict
from collections.abc import Mapping

from shapetrace.outlining.columns import TITLES
from shapetrace.outlining.flow import Flow
from shapetrace.outlining.tree import Node


def crosses(flow: Flow, node: Node) -> bool:
    """Whether the attention of a section reads queries from another sequence than keys and values."""
    read = _sources(node)
    scores = [draft for draft in node.own() if draft.kind == "scores"]
    return bool(read["Q"]) and read["Q"].isdisjoint(read["K"]) and len(scores) == 1 and _apart(flow, read)


def contexts(flow: Flow, root: Node) -> dict[int, str]:
    """Symbols of what cross-attention alone reads: C is the encoder's result; two inputs are X_A and X_B."""
    readers: dict[int, set[str]] = defaultdict(set)
    crossing: dict[str, set[int]] = defaultdict(set)
    for node in _sections(root):
        letters = _sources(node) if crosses(flow, node) else {}
        for draft in node.own():
            letter = draft.results[0].letter if letters and draft.kind == "product" else ""
            for operand in draft.operands:
                if operand.value is not None:
                    readers[operand.value].add(letter)
        for letter, values in letters.items():
            crossing[letter] |= values
    found = {}
    for value in crossing["K"]:
        if all(set(letter) <= set("KV") and letter for letter in readers[value]):
            found[value] = "X_B" if _is_input(flow, value) else "C"
    for value in crossing["Q"]:
        if readers[value] == {"Q"} and _is_input(flow, value):
            found[value] = "X_A"
    return found


def _sources(node: Node) -> Mapping[str, set[int]]:
    """What the projections that stand in a section read, by the letter of their result."""
    found: dict[str, set[int]] = defaultdict(set)
    for draft in node.own():
        value = draft.operands[0].value if draft.operands else None
        if draft.kind == "product" and value is not None:
            for letter in TITLES.keys() & set(draft.results[0].letter):
                found[letter].add(value)
    return found


def _apart(flow: Flow, read: Mapping[str, set[int]]) -> bool:
    """Whether queries and keys are rows of different sequences: by atoms, not by size."""
    facts = flow.facts
    queries, keys = (
        {leaf for value in read[letter] for leaf in facts.atoms.flat(facts.axes_of(value)[-2:-1])} for letter in "QK"
    )
    return bool(keys) and queries.isdisjoint(keys)


def _is_input(flow: Flow, value: int) -> bool:
    return flow.facts.tensor(value).origin == "input"


def _sections(node: Node) -> list[Node]:
    return [node, *(below for child in (*node.nodes(), *node.folded) for below in _sections(child))]
