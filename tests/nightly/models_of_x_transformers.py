"""Models of x-transformers, tiny: each option of its attention layers, alone."""

from typing import Any

import torch

from tests.nightly.measuring import Case

WIDTH = {"dim": 32, "depth": 2, "heads": 2, "attn_dim_head": 16}
LAYERS: dict[str, dict[str, Any]] = {
    "plain": {},
    "flash": {"attn_flash": True},
    "rotary": {"rotary_pos_emb": True},
    "xpos": {"rotary_xpos": True},
    "alibi": {"alibi_pos_bias": True},
    "t5 bias": {"rel_pos_bias": True},
    "dynamic bias": {"dynamic_pos_bias": True},
    "rmsnorm": {"use_rmsnorm": True},
    "simple rmsnorm": {"use_simple_rmsnorm": True},
    "scalenorm": {"use_scalenorm": True},
    "glu": {"ff_glu": True},
    "swish glu": {"ff_swish": True, "ff_glu": True},
    "relu squared": {"ff_relu_squared": True},
    "no bias": {"ff_no_bias": True},
    "post norm in ff": {"ff_post_act_ln": True},
    "macaron": {"macaron": True},
    "sandwich": {"sandwich_coef": 1, "depth": 4},
    "residual attention": {"residual_attn": True},
    "gate residual": {"gate_residual": True},
    "scale residual": {"scale_residual": True},
    "sandwich norm": {"sandwich_norm": True},
    "talking heads": {"attn_pre_talking_heads": True, "attn_post_talking_heads": True},
    "one key head": {"attn_one_kv_head": True},
    "groups": {"heads": 4, "attn_kv_heads": 2},
    "sparse top-k": {"attn_sparse_topk": 4},
    "gated values": {"attn_gate_values": True},
    "qk norm": {"attn_qk_norm": True},
    "qk norm of each width": {"attn_qk_norm": True, "attn_qk_norm_dim_scale": True},
    "head scale": {"attn_head_scale": True},
    "on attention": {"attn_on_attn": True},
    "memory keys": {"attn_num_mem_kv": 4},
    "shift": {"shift_tokens": 1},
    "post norm": {"pre_norm": False},
    "softclamp": {"attn_softclamp_logits": True},
    "laser": {"attn_laser": True},
    "value residual": {"add_value_residual": True},
    "differential": {"attn_cog_signed": True},
    "selective": {"attn_selective": True},
    "hyper connections": {"num_residual_streams": 2},
    "polar": {"polar_pos_emb": True},
    "orthogonal": {"attn_orthog_projected_values": True},
    "sigmoid": {"attn_sigmoid": True},
    "no value dim": {"attn_value_dim_head": 8},
    "data dependent alibi": {"attn_data_dependent_alibi": True},
    "shared": {"weight_tie_layers": True},
    "custom order": {"custom_layers": ("a", "f", "f")},
    "soft": {"softclamp_output": True},
}
WRAPPERS: dict[str, dict[str, Any]] = {
    "memory tokens": {"num_memory_tokens": 4},
    "tied": {"tie_embedding": True},
    "l2 embedding": {"l2norm_embed": True},
    "scaled sinusoids": {"scaled_sinu_pos_emb": True},
    "no positions": {"use_abs_pos_emb": False},
    "embedding norm": {"post_emb_norm": True},
    "factored": {"emb_dim": 16},
    "mixture of softmax": {"mixture_of_softmax": True},
    "average pool": {"average_pool_embed": True},
    "cls": {"use_cls_token": True},
}
OTHERS = ("encoder", "encoder and decoder", "vision", "continuous", "cross attender", "prefix")


def names() -> list[str]:
    return [*(f"layers {name}" for name in LAYERS), *(f"wrapper {name}" for name in WRAPPERS), *OTHERS]


def build(name: str) -> Case:
    import x_transformers as x

    ids, rows = torch.randint(0, 50, (1, 16)), torch.randn(1, 16, 32)
    kind, _, rest = name.partition(" ")
    if name in OTHERS:
        return other(name, ids, rows)
    own = LAYERS.get(rest, {}) if kind == "layers" else {}
    more = WRAPPERS.get(rest, {}) if kind == "wrapper" else {}
    return Case(
        x.TransformerWrapper(num_tokens=50, max_seq_len=16, attn_layers=x.Decoder(**WIDTH | own), **more), (ids,)
    )


def other(name: str, ids: torch.Tensor, rows: torch.Tensor) -> Case:
    """Models that are no decoder of ids."""
    import x_transformers as x

    if name == "encoder":
        return Case(x.TransformerWrapper(num_tokens=50, max_seq_len=16, attn_layers=x.Encoder(**WIDTH)), (ids,))
    if name == "encoder and decoder":
        parts = {
            f"{part}_{key}": value
            for part in ("enc", "dec")
            for key, value in {"num_tokens": 50, "depth": 1, "heads": 2, "max_seq_len": 16}.items()
        }
        return Case(x.XTransformer(dim=32, **parts), (ids, ids))
    if name == "vision":
        layers = x.Encoder(**WIDTH)
        return Case(
            x.ViTransformerWrapper(image_size=32, patch_size=8, num_classes=10, attn_layers=layers),
            (torch.randn(1, 3, 32, 32),),
        )
    if name == "continuous":
        layers = x.Encoder(**WIDTH)
        return Case(x.ContinuousTransformerWrapper(dim_in=32, dim_out=8, max_seq_len=16, attn_layers=layers), (rows,))
    if name == "cross attender":
        return Case(x.CrossAttender(**WIDTH), (rows,), {"context": torch.randn(1, 5, 32)})
    layers = x.PrefixDecoder(**WIDTH)
    return Case(x.TransformerWrapper(num_tokens=50, max_seq_len=16, attn_layers=layers), (ids,))
