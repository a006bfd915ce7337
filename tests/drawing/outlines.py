"""Hand-built outlines: GPT-2 as a trace of it is outlined, and helpers for smaller ones."""

from shapetrace.ir import Model
from shapetrace.language import Phrase
from shapetrace.outlining.counts import Coverage, Totals
from shapetrace.outlining.roles import Part, Role
from shapetrace.outlining.structure import Operand, Outline, Section, Step, StepKind

PARTS = {
    "X": Part.STREAM, "Q": Part.QUERY, "K": Part.KEY, "V": Part.VALUE, "S": Part.SCORES, "A": Part.ATTENTION_WEIGHTS,
    "Z": Part.HEADS, "O": Part.ATTENTION, "H": Part.HIDDEN, "M": Part.FEED_FORWARD,
}  # fmt: skip
"""What operands are that are called so in these outlines."""

ROLES = {"Query": Role.QUERY, "Key": Role.KEY, "Value": Role.VALUE, "Output": Role.OUT_PROJ}


def data(name: str, *shape: int, stack: int = 1, made_by: str = "", **more: object) -> Operand:
    """A blue rectangle."""
    part = PARTS.get(name.replace("\u0302", "").partition("_")[0], Part.OTHER)
    return Operand(name, "data", shape, stack=stack, made_by=made_by, part=part, **more)  # type: ignore[arg-type]


def weight(name: str, *shape: int, stack: int = 1, **more: object) -> Operand:
    """A grey rectangle."""
    return Operand(name, "weight", shape, stack=stack, **more)  # type: ignore[arg-type]


def outline_of(*items: Step | Section, name: str = "Toy", **more: object) -> Outline:
    """An outline around sections and steps, with costs summed over one layer."""
    root = Section("", name, "model", name, 1, ("",), items)
    n_steps = sum(1 for _ in root.steps())
    flops = sum(step.flops or 0 for step in root.steps())
    return Outline(
        Model(name),
        root,
        Totals(sum(s.parameters for s in root.steps()), 0, 0, 0, flops, flops, 0),
        Coverage(n_steps, n_steps, 0, 0, 0),
        **more,  # type: ignore[arg-type]
    )


def product(title: str, left: Operand, right: Operand, result: Operand, **more: object) -> Step:
    """A product over the last axis of the left and the second last of the right operand."""
    section = str(more.pop("section", ""))
    kind: StepKind = more.pop("kind", "product")  # type: ignore[assignment]
    inner = (len(left.shape) - 1, max(len(right.shape) - 2, 0))
    path = str(more.pop("path", title.lower()))
    return Step(
        f"{section}/{title.lower().replace(' ', '_')}", section, kind, title, path, "×", (left, right), (result,),
        inner=inner, role=ROLES.get(title, Role.OTHER), **more,  # type: ignore[arg-type]
    )  # fmt: skip


def function(kind: StepKind, title: str, operator: str, operand: Operand, result: Operand, **more: object) -> Step:
    """A step with one operand and the name of a function."""
    section = str(more.pop("section", ""))
    path = str(more.pop("path", ""))
    step_id = f"{section}/{more.pop('id', title.lower())}"
    return Step(step_id, section, kind, title, path, operator, (operand,), (result,), **more)  # type: ignore[arg-type]


def residual(step_id: str, older: Operand, newer: Operand, result: Operand, section: str = "h.0") -> Step:
    """Data plus older data."""
    return Step(f"{section}/{step_id}", section, "residual", "Residual", "", "+", (older, newer), (result,))


def gpt2(n_tokens: int = 1024, tokens: tuple[str, ...] = ()) -> Outline:
    """GPT-2 small: 12 layers, d_model 768, 12 heads of 64, d_ff 3072, 50257 tokens."""
    t = n_tokens
    embedding = _embedding(t, tokens)
    block = Section(
        "h.0", "Block", "block", "Block", 12, tuple(f"h.{i}" for i in range(12)), _block(t), parameters=7_087_872
    )
    final = function("norm", "LayerNorm", "LayerNorm", data("X_2", t, 768, made_by="h.0/residual_2"),
                     data("X", t, 768), path="ln_f", id="ln_f", parameters=1536)  # fmt: skip
    head = Section(
        "lm_head", "Unembedding", "unembedding", "Linear", 1, ("lm_head",),
        (product("Unembedding", data("X", t, 768, made_by="/ln_f"), weight("E", 768, 50257, transposed=True),
                 data("logits", t, 50257), path="lm_head", section="lm_head", tied_to="wte.weight",
                 flops=2 * t * 768 * 50257),),
    )  # fmt: skip
    outline = outline_of(embedding, block, final, head, name="GPT-2 small")
    totals = Totals(124_439_808, 124_439_808, 0, 497_759_232, 291_648_307_200, 291_648_307_200, 0)
    settings: dict[str, object] = {"layers": 12, "d_model": 768, "heads": 12, "d_ff": 3072, "vocab": 50257}
    return Outline(Model("GPT-2 small", settings, "meta", tokens), outline.root, totals, outline.coverage)  # type: ignore[arg-type]


def _embedding(t: int, tokens: tuple[str, ...]) -> Section:
    lookup = Step(
        "<embedding>/lookup", "<embedding>", "lookup", "Token embedding", "wte", "→",
        (data("ids", t, labels=tokens), weight("E", 50257, 768, source="wte.weight")), (data("X", t, 768),),
        (Phrase("row i of E for token i"),), parameters=38_597_376,
    )  # fmt: skip
    position = Step(
        "<embedding>/position", "<embedding>", "add", "Position", "wpe", "+",
        (data("X", t, 768, made_by=lookup.id), weight("P", t, 768)), (data("X_0", t, 768),), parameters=786_432,
    )  # fmt: skip
    return Section(
        "<embedding>", "Embedding", "embedding", "", 1, ("<embedding>",), (lookup, position), 39_383_808, True
    )


def _block(t: int) -> tuple[Step | Section, ...]:
    x0 = data("X_0", t, 768, made_by="<embedding>/position")
    ln_1 = function("norm", "LayerNorm", "LayerNorm", x0, data("X̂", t, 768), section="h.0", path="h.0.ln_1", id="ln_1")
    attention = Section("h.0.attn", "Attention", "attention", "Attention", 1, ("h.0.attn",), _attention(t), 2_362_368)
    add_1 = residual("residual_1", x0, data("O", t, 768, made_by="h.0.attn/output"), data("X_1", t, 768))
    x1 = data("X_1", t, 768, made_by=add_1.id)
    ln_2 = function(
        "norm", "LayerNorm", "LayerNorm", x1, data("X̂_1", t, 768), section="h.0", path="h.0.ln_2", id="ln_2"
    )
    mlp = Section("h.0.mlp", "MLP", "mlp", "MLP", 1, ("h.0.mlp",), _mlp(t), parameters=4_722_432)
    add_2 = residual("residual_2", x1, data("M", t, 768, made_by="h.0.mlp/shrink"), data("X_2", t, 768))
    return (ln_1, attention, add_1, ln_2, mlp, add_2)


def _attention(t: int) -> tuple[Step, ...]:
    x = data("X̂", t, 768, made_by="h.0/ln_1")
    heads = Phrase("{n} heads", {"n": 12})
    qkv = [
        product(title, x, weight(f"W_{letter}", 768, 64, stack=12), data(letter, t, 64, stack=12), section="h.0.attn",
                path="h.0.attn.c_attn", notes=(heads,), parameters=590_592, flops=2 * t * 768 * 768)
        for title, letter in (("Query", "Q"), ("Key", "K"), ("Value", "V"))
    ]  # fmt: skip
    scores = product("Scores", data("Q", t, 64, stack=12, made_by="h.0.attn/query"),
                     data("K", 64, t, stack=12, transposed=True, made_by="h.0.attn/key"),
                     data("S", t, t, stack=12, pattern="causal"), kind="scores", section="h.0.attn", path="h.0.attn",
                     notes=(Phrase("Q Kᵀ / √{d}", {"d": 64}), Phrase("causal")), flops=2 * t * t * 768)  # fmt: skip
    softmax = function("softmax", "Softmax", "softmax", data("S", t, t, stack=12, pattern="causal", made_by=scores.id),
                       data("A", t, t, stack=12, pattern="causal"), section="h.0.attn")  # fmt: skip
    weighted = product("Weighted sum", data("A", t, t, stack=12, pattern="causal", made_by=softmax.id),
                       data("V", t, 64, stack=12, made_by="h.0.attn/value"), data("Z", t, 64, stack=12),
                       kind="weighted_sum", section="h.0.attn", path="h.0.attn", flops=2 * t * t * 768)  # fmt: skip
    concat = function("concat", "Concat heads", "concat", data("Z", t, 64, stack=12, made_by=weighted.id),
                      data("Z", t, 768, pattern="slices", slices=12), section="h.0.attn")  # fmt: skip
    output = product("Output", data("Z", t, 768, made_by=concat.id, pattern="slices", slices=12),
                     weight("W_O", 768, 768), data("O", t, 768), section="h.0.attn", path="h.0.attn.c_proj",
                     parameters=590_592, flops=2 * t * 768 * 768)  # fmt: skip
    return (*qkv, scores, softmax, weighted, concat, output)


def _mlp(t: int) -> tuple[Step, ...]:
    x = data("X̂_1", t, 768, made_by="h.0/ln_2")
    expand = product("Expand", x, weight("W_1", 768, 3072), data("H", t, 3072), section="h.0.mlp",
                     path="h.0.mlp.c_fc", parameters=2_362_368, flops=2 * t * 768 * 3072)  # fmt: skip
    gelu = function("activation", "GELU", "GELU", data("H", t, 3072, made_by=expand.id), data("H", t, 3072),
                    section="h.0.mlp", path="h.0.mlp.act")  # fmt: skip
    shrink = product("Shrink", data("H", t, 3072, made_by=gelu.id), weight("W_2", 3072, 768), data("M", t, 768),
                     section="h.0.mlp", path="h.0.mlp.c_proj", parameters=2_360_064,
                     flops=2 * t * 768 * 3072)  # fmt: skip
    return (expand, gelu, shrink)
