"""Cross-attention: queries come from one sequence, keys and values from another."""

from collections import defaultdict
from collections.abc import Container, Mapping

from shapetrace.outlining.columns import TITLES
from shapetrace.outlining.drafts import Draft
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
    for node in root.sections(folded=True):
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


def name_sides(root: Node, encoded: Container[int]) -> None:
    """Call the blocks of an encoder and of a decoder so: one attends across, the other makes what is attended to.

    Args:
        root: The folded tree.
        encoded: Values that cross-attention reads as keys and values: what encoders end in.
    """
    for node in root.sections(folded=True):
        for child in node.nodes():
            if child.kind == "block" and not child.title and any(n.title == "Cross-attention" for n in child.nodes()):
                child.title = "Decoder block"
        makers = [i for i, item in enumerate(node.items) if _makes(item, encoded)]
        for item in node.items[: makers[-1] + 1] if makers else ():
            if isinstance(item, Node) and item.kind == "block" and not item.title and not _holds_blocks(item):
                item.title = "Encoder block"


def _makes(item: Draft | Node, values: Container[int]) -> bool:
    drafts = [item] if isinstance(item, Draft) else [d for part in (item, *item.folded) for d in part.own()]
    return any(result.value in values for draft in drafts for result in draft.results if result.value is not None)


def _holds_blocks(node: Node) -> bool:
    return any(child.kind == "block" for child in node.nodes())


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
