"""Symbols of sizes: what the field calls them, and the order in which it writes them."""

ORDER = (
    "L", "B", "E", "g", "g_k", "k", "h", "h_kv", "P", "T", "S", "W", "C", "H_img", "W_img", "p",
    "d_model", "d_head", "d_qk", "d_rope", "d_v", "r_q", "r_kv", "d_ff", "d_expert", "d_shared", "V",
)  # fmt: skip
"""Symbols as they stand in a product: counts before widths, ``B·h·T·d_head``."""

_PLACES = {name: place for place, name in enumerate(ORDER)}

ENTRIES = {
    "d_model": ("hidden_size", "n_embd", "d_model", "dim", "emb_dim", "embed_dim"),
    "h": ("num_attention_heads", "n_head", "n_heads", "num_heads", "heads", "encoder_attention_heads"),
    "h_kv": ("num_key_value_heads", "kv_heads", "num_kv_heads", "n_head_kv"),
    "d_head": ("head_dim", "d_head", "d_kv", "attention_head_size"),
    "d_ff": ("intermediate_size", "n_inner", "ffn_dim", "d_ff", "encoder_ffn_dim", "hidden_dim", "ffn_hidden_size"),
    "V": ("vocab_size", "vocab", "n_vocab"),
    "T_max": ("max_position_embeddings", "n_positions", "context"),
    "E": ("num_local_experts", "n_routed_experts", "num_experts", "moe_num_experts", "experts.count"),
    "k": ("num_experts_per_tok", "experts.per_token", "moe_topk", "moe_k", "num_experts_per_token"),
    "d_expert": ("moe_intermediate_size", "experts.d_ff", "expert_ffn_hidden_size"),
    "g": ("n_group", "experts.groups"),
    "g_k": ("topk_group", "experts.groups_kept"),
    "d_shared": ("shared_expert_intermediate_size",),
    "n_shared": ("n_shared_experts", "experts.shared"),
    "r_q": ("q_lora_rank", "attention.latent.q_lora_rank"),
    "r_kv": ("kv_lora_rank", "attention.latent.kv_lora_rank"),
    "d_qk": ("qk_nope_head_dim", "attention.latent.qk_nope_head_dim"),
    "d_rope": ("qk_rope_head_dim", "attention.latent.qk_rope_head_dim"),
    "d_v": ("v_head_dim", "attention.latent.v_head_dim"),
    "W": ("sliding_window", "attention.window", "attention_window"),
    "C": ("num_channels", "in_channels", "in_chans"),
    "H_img": ("image_size",),
    "p": ("patch_size",),
    "L": ("num_hidden_layers", "n_layer", "n_layers", "num_layers", "layers", "encoder_layers"),
}
"""The field's symbol of an entry of a configuration, by what configurations call it."""

_OF_ENTRY = {entry: symbol for symbol, entries in ENTRIES.items() for entry in entries}


def rank(symbol: str) -> tuple[int, str]:
    """Where a symbol stands in a product: as the field writes it, others by name behind."""
    return _PLACES.get(symbol, len(_PLACES)), symbol


def symbols_of(entries: list[str], taken: set[str]) -> dict[str, str]:
    """A symbol for each entry of a configuration, none of them twice.

    The first entry that the field has a symbol for gets it. That of a nested configuration gets its part's name, as in
    ``d_model_vision``; an entry that the field has none for keeps its own name.

    Args:
        entries: Their paths, outer ones first: ``hidden_size``, ``vision_config.hidden_size``.
        taken: Symbols that are in use.
    """
    found: dict[str, str] = {}
    used = set(taken)
    for path in entries:
        outer, _, name = path.rpartition(".")
        part = outer.rpartition(".")[2].removesuffix("_config")
        symbol = _OF_ENTRY.get(path) or _OF_ENTRY.get(name)
        for option in (symbol, f"{symbol or name}_{part}" if part else name, name, path.replace(".", "_")):
            if option and option not in used:
                found[path] = option
                used.add(option)
                break
    return found
