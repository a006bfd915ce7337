"""The configuration of transformers that says the same as our settings."""

from typing import Any

from shapetrace.models.settings import Settings


def gpt(settings: Settings) -> tuple[str, dict[str, Any]]:
    """GPT-2 and GPT-3, or GPT-1 with its norms behind."""
    sizes = {
        "n_layer": settings.layers, "n_embd": settings.d_model, "n_head": settings.heads, "n_inner": settings.ff_size,
        "vocab_size": settings.vocab, "n_positions": settings.context, "layer_norm_epsilon": settings.norm_eps,
    }  # fmt: skip
    return ("openai-gpt" if settings.post_norm else "gpt2"), sizes


def llama(settings: Settings) -> dict[str, Any]:
    """What Llama and its relatives share."""
    return {
        "num_hidden_layers": settings.layers, "hidden_size": settings.d_model, "num_attention_heads": settings.heads,
        "num_key_value_heads": settings.n_kv_heads, "head_dim": settings.head_size,
        "intermediate_size": settings.ff_size, "vocab_size": settings.vocab,
        "max_position_embeddings": settings.context, "rms_norm_eps": settings.norm_eps,
        "tie_word_embeddings": settings.tie, "sliding_window": settings.attention.window,
        "rope_parameters": {"rope_type": "default", "rope_theta": settings.attention.rope_theta},
    }  # fmt: skip


def experts(settings: Settings) -> dict[str, Any]:
    """The mixture of experts of Mixtral and Qwen3."""
    e = settings.experts
    assert e is not None
    return {
        "num_local_experts": e.count, "num_experts": e.count, "num_experts_per_tok": e.per_token,
        "moe_intermediate_size": e.d_ff, "norm_topk_prob": e.normalise,
    }  # fmt: skip


def deepseek(settings: Settings) -> dict[str, Any]:
    """Latent attention, shared and routed experts."""
    e, latent = settings.experts, settings.attention.latent
    assert e is not None and latent is not None
    config = llama(settings) | {
        "q_lora_rank": latent.q_lora_rank, "kv_lora_rank": latent.kv_lora_rank, "v_head_dim": latent.v_head_dim,
        "qk_nope_head_dim": latent.qk_nope_head_dim, "qk_rope_head_dim": latent.qk_rope_head_dim,
        "head_dim": latent.qk_rope_head_dim, "n_routed_experts": e.count, "num_experts_per_tok": e.per_token,
        "moe_intermediate_size": e.d_ff, "n_shared_experts": e.shared, "first_k_dense_replace": e.first_dense,
        "routed_scaling_factor": e.scale, "norm_topk_prob": e.normalise, "n_group": e.groups,
        "topk_group": e.groups_kept, "topk_method": "group_limited_greedy" if e.groups > 1 else "greedy",
    }  # fmt: skip
    del config["sliding_window"]
    return config


def config_of(settings: Settings) -> tuple[str, dict[str, Any]]:
    """Model type and configuration entries."""
    attention, e = settings.attention, settings.experts
    if settings.positions == "learned":
        return gpt(settings)
    if attention.latent is not None and e is not None:
        return ("deepseek_v3" if e.correction else "deepseek_v2"), deepseek(settings)
    if e is not None:
        return ("qwen3_moe" if attention.qk_norm else "mixtral"), llama(settings) | experts(settings) | (
            {} if attention.qk_norm else {"intermediate_size": e.d_ff}
        )
    if attention.qk_norm:
        return "qwen3", llama(settings)
    if settings.qkv_bias:
        return "qwen2", {key: value for key, value in llama(settings).items() if key != "head_dim"}
    return ("mistral" if attention.window else "llama"), llama(settings)
