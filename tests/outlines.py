"""Outlines made by hand, for formats: no torch, no capture, nothing that other parts could break."""

from dataclasses import replace

from shapetrace.ir import Model
from shapetrace.language import Phrase
from shapetrace.outlining.counts import Coverage, Totals
from shapetrace.outlining.roles import Role
from shapetrace.outlining.structure import Operand, Outline, Section, Step, StepKind

T, D, V, H, F = 1024, 768, 50257, 64, 3072
ROLES = {
    "Query": Role.QUERY, "Key": Role.KEY, "Value": Role.VALUE, "Output": Role.OUT_PROJ, "Expand": Role.EXPAND,
    "Shrink": Role.SHRINK, "Unembedding": Role.UNEMBED,
}  # fmt: skip


def data(*shape: int, name: str = "", stack: int = 1) -> Operand:
    return Operand(name, "data", shape, stack=stack)


def weight(*shape: int, name: str = "", stack: int = 1) -> Operand:
    return Operand(name, "weight", shape, stack=stack)


def product(section: str, title: str, path: str, k: int, n: int, *, heads: int = 1, repeat: int = 12) -> Step:
    return Step(
        f"{section}/{title.lower()}", section, "product", title, path, "×",
        (data(T, k, name="X"), weight(k, n, name="W", stack=heads)), (data(T, n, stack=heads),),
        repeat=repeat, parameters=(k + 1) * n * heads, flops=2 * T * k * n * heads, inner=(1, 0), role=ROLES[title],
    )  # fmt: skip


def pointwise(section: str, kind: StepKind, title: str, path: str, n: int, *, repeat: int = 12) -> Step:
    parameters = 2 * n if kind == "norm" else 0
    return Step(
        f"{section}/{path}", section, kind, title, path, title, (data(T, n),), (data(T, n),),
        repeat=repeat, parameters=parameters,
    )  # fmt: skip


def residual(section: str, number: int) -> Step:
    return Step(
        f"{section}/residual{number}", section, "residual", "⊕ Residual", section, "+",
        (data(T, D), data(T, D)), (data(T, D),), repeat=12,
    )  # fmt: skip


def attention() -> Section:
    at = "h.0.attn"
    scores = Step(
        f"{at}/scores", at, "scores", "Scores", at, "×",
        (data(T, H, name="Q", stack=12), Operand("K", "data", (H, T), stack=12, transposed=True)),
        (Operand("S", "data", (T, T), stack=12, pattern="causal"),),
        notes=(Phrase("scaled by 1/√{n}", {"n": H}), Phrase("causal")), repeat=12, flops=2 * 12 * T * T * H,
        inner=(1, 0),
    )  # fmt: skip
    softmax = Step(
        f"{at}/softmax", at, "softmax", "Softmax", at, "softmax",
        (data(T, T, stack=12),), (data(T, T, stack=12),), repeat=12,
    )  # fmt: skip
    summed = Step(
        f"{at}/weighted_sum", at, "weighted_sum", "Weighted sum", at, "×",
        (data(T, T, name="A", stack=12), data(T, H, name="V", stack=12)), (data(T, H, name="Z", stack=12),),
        repeat=12, flops=2 * 12 * T * T * H, inner=(1, 0),
    )  # fmt: skip
    concat = Step(
        f"{at}/concat", at, "concat", "Concat heads", at, "concat", (data(T, H, stack=12),), (data(T, D),), repeat=12
    )
    qkv = tuple(product(at, title, "h.0.attn.c_attn", D, H, heads=12) for title in ("Query", "Key", "Value"))
    output = product(at, "Output", "h.0.attn.c_proj", D, D)
    return Section(
        at, "Attention", "attention", "Attention", 1, (at,), (*qkv, scores, softmax, summed, concat, output), 2362368
    )


def mlp() -> Section:
    at = "h.0.mlp"
    items = (
        product(at, "Expand", "h.0.mlp.c_fc", D, F),
        pointwise(at, "activation", "GELU", "h.0.mlp.act", F),
        product(at, "Shrink", "h.0.mlp.c_proj", F, D),
    )
    return Section(at, "MLP", "mlp", "MLP", 1, (at,), items, 4722432)


def gpt2(*, failure: str = "") -> Outline:
    """GPT-2 small as the north star shows it."""
    lookup = Step(
        "<embedding>/wte", "<embedding>", "lookup", "Token lookup", "wte", "rows of",
        (data(T, name="ids"), weight(V, D, name="W_E")), (data(T, D, name="X"),), parameters=V * D,
    )  # fmt: skip
    position = Step(
        "<embedding>/wpe", "<embedding>", "add", "+ Position", "wpe", "+",
        (data(T, D), weight(T, D)), (data(T, D),), parameters=T * D,
    )  # fmt: skip
    embedding = Section(
        "<embedding>", "Embedding", "embedding", "", 1, (), (lookup, position), V * D + T * D, is_group=True
    )
    block = Section(
        "h.0", "Block", "block", "Block", 12, tuple(f"h.{i}" for i in range(12)),
        (pointwise("h.0", "norm", "LayerNorm", "h.0.ln_1", D), attention(), residual("h.0", 1),
         pointwise("h.0", "norm", "LayerNorm", "h.0.ln_2", D), mlp(), residual("h.0", 2)), 7087872,
    )  # fmt: skip
    norm = pointwise("", "norm", "LayerNorm", "ln_f", D, repeat=1)
    head = replace(
        product("", "Unembedding", "lm_head", D, V, repeat=1), id="/unembedding", parameters=0, tied_to="wte.weight"
    )
    settings = {"layers": 12, "d_model": D, "heads": 12, "kv_heads": 12, "d_ff": F, "vocab": V, "seq": T, "batch": 1}
    return Outline(
        Model("GPT-2 small", dict(settings), "meta"),
        Section("", "Model", "model", "GPT", 1, ("",), (embedding, block, norm, head), 124439808),
        Totals(124439808, 124439808, 0, 497759232, 291648307200, 291648307200, 0, {"layer_norm": 25, "softmax": 12}),
        Coverage(220, 20, 140, 60, 0, {"views": 48, "dropouts": 12}),
        failure,
    )
