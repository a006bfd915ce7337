"""A configuration of transformers made small by what its entries are called."""

from typing import Any

SCALE = 8
WIDTHS = (
    "hidden_size", "_dim", "d_model", "d_ff", "d_kv", "n_embd", "n_inner", "intermediate_size", "_rank", "width",
)  # fmt: skip
NO_WIDTH = ("image", "patch", "conv", "vocab", "num_", "max_", "position", "window", "kernel", "pool", "feat", "input")
EXPERTS = ("num_experts", "n_routed_experts", "num_local_experts", "moe_num_experts")


def shrink(config: Any, *, widths: bool = True) -> Any:
    """Few layers, experts, words and frames, and widths divided by 8; in nested configurations too."""
    for name, value in list(vars(config).items()):
        if hasattr(value, "to_dict"):
            shrink(value, widths=widths)
        elif widths and isinstance(value, dict) and "mrope_section" in value:
            value["mrope_section"] = [size // SCALE for size in value["mrope_section"]]
        elif isinstance(value, int) and not isinstance(value, bool):
            small = smaller(name, value, widths=widths)
            if small != value:
                setattr(config, name, small)
    if widths:
        _fit_heads(config)
    return config


def _fit_heads(config: Any) -> None:
    """Fewer heads where they became too narrow to be rotated in two directions."""
    for width, heads in (("embed_dim", "num_heads"), ("hidden_size", "num_heads")):
        n, size = vars(config).get(heads), vars(config).get(width)
        while isinstance(n, int) and isinstance(size, int) and n % 2 == 0 and size // n % 4:
            n //= 2
            setattr(config, heads, n)


def smaller(name: str, value: int, *, widths: bool) -> int:
    if name in ("n_layer", "depth") or (name.endswith("_layers") and not name.startswith(("first", "mlp_only"))):
        return min(value, 2 if widths else 6)
    if name == "num_frames":
        return min(value, 4)
    if name.endswith("vocab_size") and value > 1024:
        return 1024
    if name.endswith(("token_id", "token_index")) and value >= 1024:
        return value % 500 + 500
    if name in EXPERTS:
        return min(value, 16)
    is_width = any(part in name for part in WIDTHS) and not any(part in name for part in NO_WIDTH)
    return value // SCALE if widths and is_width and value >= 64 and value % SCALE == 0 else value
