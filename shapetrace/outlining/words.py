"""The words of an outline, in English: titles, symbols, operators. Applied last; nothing is decided by them."""

import re
from collections.abc import Callable, Mapping, Set

from shapetrace.ops.words import title_of
from shapetrace.outlining.drafts import Draft
from shapetrace.outlining.recognise.losses import FUNCTIONS
from shapetrace.outlining.roles import Part, Role
from shapetrace.outlining.sections import Node
from shapetrace.outlining.structure import SectionKind, StepKind
from shapetrace.outlining.symbol_rules import Symbol

HAT = "\u0302"
"""What a symbol wears after a norm: a combining circumflex."""

TITLES: Mapping[Role, str] = {
    Role.LOOKUP: "Lookup", Role.LOOKUP_TOKENS: "Token lookup", Role.LOOKUP_POSITIONS: "Position lookup",
    Role.ADD_EMBEDDINGS: "Add embeddings", Role.POSITION: "Position", Role.PATCHES: "Windows",
    Role.QUERY: "Query", Role.KEY: "Key", Role.VALUE: "Value", Role.QUERY_KEY: "Query, Key",
    Role.KEY_VALUE: "Key, Value", Role.QUERY_KEY_VALUE: "Query, Key, Value", Role.SPLIT_HEADS: "Split heads",
    Role.SCORES: "Scores", Role.MIX_HEADS: "Mix heads", Role.WEIGHTED_SUM: "Weighted sum",
    Role.STATE: "State", Role.READ_STATE: "Read state",
    Role.CONCAT_HEADS: "Concat heads", Role.OUT_PROJ: "Output", Role.LATENT_DOWN: "Compress",
    Role.COMPRESS_KEY: "Compress keys", Role.COMPRESS_VALUE: "Compress values",
    Role.CACHE_APPEND: "Append to cache",
    Role.CACHE_WRITE: "Write to cache",
    Role.GATE: "Gate", Role.SIDE_GATE: "Gate",
    Role.UP: "Up", Role.GATE_UP: "Gate and up", Role.DOWN: "Down", Role.HIDDEN: "Hidden layer", Role.ROUTER: "Router",
    Role.CHOOSE_EXPERTS: "Choose experts", Role.CHOOSE_KEYS: "Choose keys",
    Role.CHOOSE_QUERIES: "Choose queries",
    Role.DISPATCH: "Dispatch", Role.COMBINE_EXPERTS: "Combine experts",
    Role.ADAPTER_DOWN: "Low-rank down", Role.ADAPTER_UP: "Low-rank up", Role.RECURRENT: "Recurrent",
    Role.UNEMBED: "Unembedding", Role.HEAD: "Head", Role.RESIDUAL: "Residual", Role.SCALE: "Scale",
}  # fmt: skip

_GATED = {"ReLU": "ReGLU", "GELU": "GEGLU", "SiLU": "SwiGLU", "Quick GELU": "SwiGLU", "Sigmoid": "GLU"}
"""Gates by their activation; Swish has a factor, 1 in SiLU and 1.702 in Quick GELU."""
LOSSES = frozenset(FUNCTIONS.values())

_SELECTIONS: Mapping[str, str] = {
    f"{end} {what}": f"{end.capitalize()} {what}"
    for end in ("first", "last") for what in ("position", "head", "example")
} | {"row": "Select row", "rows": "Select rows", "": "Select"}  # fmt: skip

OPERATORS: Mapping[StepKind, str] = {
    "product": "×", "contraction": "×", "scores": "×", "weighted_sum": "×", "convolution": "∗", "lookup": "→",
    "residual": "+", "add": "+", "multiply": "⊙", "concat": "concat", "split": "split",
}  # fmt: skip

_OPERATORS = {
    Role.COMBINE_EXPERTS: "weighted sum", Role.CHOOSE_EXPERTS: "top-k", Role.LOSS: "loss",
    Role.GATED_ACTIVATION: "⊙", Role.GLU: "⊙",
}  # fmt: skip

SYMBOLS: Mapping[Part, str] = {
    Part.IDS: "ids", Part.TABLE: "E", Part.WEIGHT: "W", Part.BIAS: "w", Part.POSITIONS: "P", Part.STREAM: "X",
    Part.CONTEXT: "C", Part.SELECTED: "x", Part.QUERY: "Q", Part.KEY: "K", Part.VALUE: "V", Part.QUERY_KEY: "QK",
    Part.KEY_VALUE: "KV", Part.QUERY_KEY_VALUE: "QKV", Part.SCORES: "S", Part.ATTENTION_WEIGHTS: "A",
    Part.STATE: "S", Part.HEADS: "Z", Part.ATTENTION: "O", Part.LATENT_QUERY: "C_Q", Part.LATENT_KEY_VALUE: "C_KV",
    Part.CACHED_KEY: "K_past", Part.CACHED_VALUE: "V_past",
    Part.CACHED_KEY_VALUE: "KV_past", Part.CACHED_LATENT: "C_past", Part.HIDDEN: "H", Part.GATE: "G", Part.UP: "U",
    Part.GATE_UP: "GU", Part.FEED_FORWARD: "M", Part.ROUTING: "R", Part.EXPERT_WEIGHTS: "g",
    Part.MIXING: "A", Part.MASK: "mask", Part.LOGITS: "logits", Part.SHARES: "p",
    Part.TARGETS: "y", Part.LOSS: "L", Part.PRODUCT: "Y",
}  # fmt: skip

WEIGHTS: Mapping[Role, str] = {
    Role.QUERY: "W_Q", Role.KEY: "W_K", Role.VALUE: "W_V", Role.QUERY_KEY: "W_QK", Role.KEY_VALUE: "W_KV",
    Role.QUERY_KEY_VALUE: "W_QKV", Role.OUT_PROJ: "W_O", Role.ROUTER: "W_R", Role.GATE: "W_gate",
    Role.SIDE_GATE: "W_gate", Role.UP: "W_up",
    Role.GATE_UP: "W_gu", Role.DOWN: "W_down", Role.EXPAND: "W_1", Role.SHRINK: "W_2", Role.UNEMBED: "W_U",
    Role.HEAD: "W_U", Role.ADAPTER_DOWN: "W_A", Role.ADAPTER_UP: "W_B",
}  # fmt: skip
"""Symbols of weights, by what their product is for."""

SECTIONS: Mapping[SectionKind, str] = {
    "embedding": "Embedding", "attention": "Attention", "mlp": "MLP", "experts": "Experts",
    "unembedding": "Unembedding", "block": "Block",
}  # fmt: skip


def title(draft: Draft, role: Role, name: str, widths: tuple[int, int] | None = None) -> str:
    """The title of a step.

    Args:
        draft: The step.
        role: What it is for.
        name: Name of its module, for products that no recogniser knows.
        widths: Columns of what it reads and of what it makes, on all ranks together; its own where they are not given.
    """
    if role in _BY_WIDTH:
        return _by_width(widths or (draft.operands[0].columns, draft.result.columns), _BY_WIDTH[role])
    named = _NAMED.get(role)
    if named is not None:
        return named(draft)
    if draft.kind == "select" and role is Role.SELECT:
        return _SELECTIONS.get(draft.function, "Select")
    if draft.function:
        return draft.function[:1].upper() + draft.function[1:] if draft.kind != "unknown" else draft.function
    if role in TITLES:
        return TITLES[role]
    if draft.kind in ("product", "contraction"):
        return name or "Product"
    return "Convolution" if draft.kind == "convolution" else title_of(draft.calls) or draft.kind.capitalize()


def _loss(draft: Draft) -> str:
    return f"{draft.function[:1].upper()}{draft.function[1:]} loss" if draft.function in LOSSES else "Loss"


def _glu(draft: Draft) -> str:
    first = title_of(draft.calls[:1]) if draft.kind == "pointwise" else ""
    activation = draft.function or (first if first in _GATED else title_of(draft.calls) if first else "")
    return _GATED.get(activation, activation or "Bilinear")


def _by_width(widths: tuple[int, int], as_many: str) -> str:
    """Expand or shrink, as the columns are more or fewer than before; of as many, which of the two products it is."""
    before, after = widths
    return as_many if before == after else "Expand" if after > before else "Shrink"


_BY_WIDTH = {Role.EXPAND: "MLP in", Role.SHRINK: "MLP out"}
"""Products whose titles say how wide they make rows, and what those are called that keep the width."""

_NAMED: Mapping[Role, Callable[[Draft], str]] = {
    Role.LOSS: _loss,
    Role.GLU: _glu,
    Role.CHOOSE_EXPERTS: lambda _: TITLES[Role.CHOOSE_EXPERTS],
    Role.CHOOSE_KEYS: lambda _: TITLES[Role.CHOOSE_KEYS],
    Role.CHOOSE_QUERIES: lambda _: TITLES[Role.CHOOSE_QUERIES],
    Role.COMBINE_EXPERTS: lambda _: TITLES[Role.COMBINE_EXPERTS],
}  # fmt: skip
"""Titles that need more than the role."""


def operator(draft: Draft, role: Role, written: str) -> str:
    """What stands between the operands, or the name of the function of one operand."""
    if role in _OPERATORS and draft.kind != "contraction" and not (role is Role.GLU and len(draft.operands) == 1):
        return _OPERATORS[role]
    if draft.kind == "softmax":
        return draft.function or "softmax"
    return OPERATORS.get(draft.kind, written)


def symbol(what: Symbol) -> str:
    """A symbol as it is written: ``X̂_1``, ``W_Q``."""
    if what.latent is not Part.OTHER:
        return f"W_D{SYMBOLS[what.latent].partition('_')[2]}"
    if what.part is Part.WEIGHT:
        return WEIGHTS.get(what.role, SYMBOLS[Part.WEIGHT])
    base, _, below = SYMBOLS.get(what.part, "").partition("_")
    index = what.index or below
    return f"{base}{HAT if what.normed and base else ''}" + (f"_{index}" if index and base else "")


def section_title(node: Node, roles: Set[Role], model: str, *, is_loop: bool = False) -> str:
    """The title of a section, from the roles of its own steps and from what is in it.

    Args:
        node: The section.
        roles: What its own steps are for.
        model: Name of the model, which its own section has.
        is_loop: Whether it is steps of no module that run again and again, with no weights of their own in each turn.
    """
    inner = [child.kind for child in node.nodes]
    if is_loop or node.side:
        return "Loop" if is_loop else f"{node.side.capitalize()} block"
    if node.crosses and node.kind == "attention":
        return "Cross-attention"
    if node.repeat > 1 and len(inner) > 1 and set(inner) == {"block"}:
        return "Layer group"
    if node.repeat > 1 and node.kind in ("other", "block"):
        return "Block"
    if node.kind == "other" or (node.kind == "block" and "block" in inner):
        return _place(node) or node.type or model
    if node.kind == "experts" and "experts" in inner:
        return "Mixture of experts"
    if node.kind == "unembedding" and Role.UNEMBED not in roles:
        return TITLES[Role.HEAD]
    return SECTIONS.get(node.kind) or node.type or model


_CONTAINERS = frozenset({"Sequential", "ModuleList", "ModuleDict"})


def _place(node: Node) -> str:
    """What a section is called by where it is: ``pooler``; "" where that tells less than its class (``d1``, ``3``)."""
    tail = node.path.rpartition(".")[2].replace("_", " ")
    is_word = len(tail) > 2 and not any(letter.isdigit() for letter in tail)
    is_held = node.type in _CONTAINERS and not tail.isdigit()
    return tail.capitalize() if is_word or is_held else ""


def slug(text: str) -> str:
    """A title as a part of an id."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-") or "step"
