"""What one symbol is, and what steps make of the symbols of their operands."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from shapetrace.outlining.drafts import Draft
from shapetrace.outlining.roles import Part, Role


@dataclass(frozen=True, slots=True)
class Symbol:
    """What an operand is, and which one of its sort.

    Attributes:
        part: What it is.
        index: Its number in the stream, or which of two sequences it is: ``1``, ``A``.
        normed: True for what comes out of a norm.
        role: Of a weight: what its product is for.
        latent: Of a weight that makes a latent: the latent.
    """

    part: Part
    index: str = ""
    normed: bool = False
    role: Role = Role.OTHER
    latent: Part = Part.OTHER


NOTHING = Symbol(Part.OTHER)
STREAM, TABLE, POSITIONS = Part.STREAM, Part.TABLE, Part.POSITIONS

RESULTS: Mapping[Role, Part] = {
    Role.QUERY: Part.QUERY, Role.KEY: Part.KEY, Role.VALUE: Part.VALUE, Role.QUERY_KEY: Part.QUERY_KEY,
    Role.KEY_VALUE: Part.KEY_VALUE, Role.QUERY_KEY_VALUE: Part.QUERY_KEY_VALUE, Role.OUT_PROJ: Part.ATTENTION,
    Role.COMPRESS_KEY: Part.KEY, Role.COMPRESS_VALUE: Part.VALUE,
    Role.ROUTER: Part.ROUTING, Role.GATE: Part.GATE, Role.SIDE_GATE: Part.GATE, Role.UP: Part.UP,
    Role.GATE_UP: Part.GATE_UP,
    Role.DOWN: Part.FEED_FORWARD, Role.SHRINK: Part.FEED_FORWARD, Role.EXPAND: Part.HIDDEN, Role.GLU: Part.HIDDEN,
    Role.HIDDEN: Part.HIDDEN,
    Role.UNEMBED: Part.LOGITS, Role.HEAD: Part.LOGITS, Role.COMBINE_EXPERTS: Part.FEED_FORWARD, Role.LOSS: Part.LOSS,
}  # fmt: skip
"""What the first result of a step is, by what the step is for."""

_KEEPING = frozenset({"position", "split", "select", "pointwise", "collective"})
"""Kinds of steps that make of one operand something of the same sort."""

_TOGETHER: Mapping[frozenset[Part], Part] = {
    frozenset({Part.KEY, Part.VALUE}): Part.KEY_VALUE,
    frozenset({Part.QUERY, Part.KEY}): Part.QUERY_KEY,
    frozenset({Part.QUERY, Part.KEY, Part.VALUE}): Part.QUERY_KEY_VALUE,
}
"""What is put side by side, where that has a symbol of its own."""

_OF_COLUMNS = frozenset({Part.PRODUCT, Part.GATE_UP, Part.QUERY_KEY, Part.KEY_VALUE, Part.QUERY_KEY_VALUE})
"""What a convolution of the columns of a product is, too."""


def with_positions(draft: Draft, operands: list[Symbol], *, told: bool = True) -> list[Symbol]:
    """Weights and constants that are added to the stream are its positions, unless they are rows of a table.

    Args:
        draft: The sum.
        operands: What is known of what it adds.
        told: False where the sum adds other embeddings too: which of them are positions, nobody knows.
    """
    found = Symbol(POSITIONS) if told else NOTHING
    return [
        found if ref.origin != "data" and symbol.part not in (TABLE, POSITIONS) and len(ref.shape) > 1 else symbol
        for ref, symbol in zip(draft.operands, operands, strict=True)
    ]


def next_in_stream(symbol: Symbol, first: int) -> Symbol:
    """The stream after what has a symbol; with a number to begin with, where that one has none."""
    return Symbol(STREAM, str(int(symbol.index) + 1 if symbol.index.isdigit() else first))


def symbol_made(draft: Draft, operands: list[Symbol]) -> Symbol:
    """What a step makes, by its kind and what it reads."""
    first = operands[0]
    rule = _MADE.get(draft.kind)
    if rule is not None:
        return rule(draft, operands)
    if first.part is Part.IDS and draft.kind != "select":
        return NOTHING  # numbers made of ids are none
    if first.part is Part.MIXING and draft.operands[0].shape != draft.result.shape:
        return NOTHING  # degrees
    if draft.kind in _KEEPING and len(draft.operands) == 1:
        return replace(first, part=Part.SELECTED) if draft.kind == "select" and first.part is STREAM else first
    return first if _stays(draft, first) else NOTHING


def _stays(draft: Draft, first: Symbol) -> bool:
    """Whether a step only scales its first operand by numbers, or writes some rows of a stream anew."""
    by_numbers = draft.kind == "multiply" and not any(ref.shape for ref in draft.operands[1:])
    same = draft.operands[0].shape == draft.result.shape
    return same and (by_numbers or (draft.kind == "route" and first.part is STREAM))


def together(symbols: Sequence[Symbol]) -> Symbol:
    """One symbol for values that are drawn as a stack: what all are, or queries, keys and values; else none."""
    first, parts = symbols[0], {symbol.part for symbol in symbols}
    if len(parts) > 1:
        return Symbol(_TOGETHER.get(frozenset(parts), Part.OTHER))
    return first if all(symbol == first for symbol in symbols) else Symbol(first.part)


def _joined(draft: Draft, operands: list[Symbol]) -> Symbol:
    """What is put side by side: as the first of the data; keys and values are both."""
    data = [symbol for ref, symbol in zip(draft.operands, operands, strict=True) if ref.origin == "data"]
    together = _TOGETHER.get(frozenset(symbol.part for symbol in data))
    return Symbol(together) if together is not None else (data or operands)[0]


def _normed(_: Draft, operands: list[Symbol]) -> Symbol:
    return replace(operands[0], normed=operands[0].part is not Part.OTHER)


def _convolved(_: Draft, operands: list[Symbol]) -> Symbol:
    if operands[0].part is Part.HIDDEN:
        return NOTHING
    return replace(operands[0], normed=False) if operands[0].part in _OF_COLUMNS else Symbol(STREAM)


def _activated(draft: Draft, operands: list[Symbol]) -> Symbol:
    alone = len(draft.operands) == 1 and operands[0].part not in (Part.GATE_UP, Part.IDS)
    return operands[0] if alone else NOTHING if operands[0].part is Part.IDS else Symbol(Part.HIDDEN)


def _shared_out(draft: Draft, operands: list[Symbol]) -> Symbol:
    if operands[0].part is Part.LOGITS and draft.function != "log-softmax":
        return Symbol(Part.SHARES)
    return operands[0] if len(draft.operands) == 1 and operands[0].part is not Part.IDS else NOTHING


_PRODUCT = Symbol(Part.PRODUCT)
_MADE: Mapping[str, Callable[[Draft, list[Symbol]], Symbol]] = {
    "norm": _normed, "concat": _joined, "convolution": _convolved, "activation": _activated, "softmax": _shared_out,
    "product": lambda *_: _PRODUCT, "contraction": lambda *_: _PRODUCT,
}  # fmt: skip
"""What steps make, by their kind, where that takes more than keeping what was."""
