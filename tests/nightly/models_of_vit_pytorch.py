"""Models of vit-pytorch, tiny: the settings of its README made small."""

from importlib import import_module
from typing import Any

import torch

from tests.nightly.measuring import Case

VIT: dict[str, Any] = {
    "image_size": 64,
    "patch_size": 16,
    "num_classes": 10,
    "dim": 32,
    "depth": 2,
    "heads": 2,
    "mlp_dim": 64,
}
ROWS = {"seq_len": 64, "patch_size": 16, "num_classes": 10, "dim": 32, "depth": 2, "heads": 2, "mlp_dim": 64}
VIDEO = {key: value for key, value in VIT.items() if key != "patch_size"} | {
    "image_patch_size": 16,
    "frames": 4,
    "frame_patch_size": 2,
}
STAGED: dict[str, Any] = {"num_classes": 10}
WIDTHS = {"dim": (16, 32, 64, 128), "depth": (1, 1, 1, 1)}
BRANCH = {"patch_size": 16, "enc_depth": 1, "enc_heads": 2, "enc_mlp_dim": 32}
ALIKE = """vit:ViT simple_vit:SimpleViT simple_flash_attn_vit:SimpleViT simple_vit_with_register_tokens:SimpleViT
    simple_vit_with_patch_dropout:SimpleViT simple_vit_with_qk_norm:SimpleViT simple_vit_with_value_residual:SimpleViT
    vit_for_small_dataset:ViT vit_with_decorr:ViT rvt:RvT deepvit:DeepViT
    parallel_vit:ViT learnable_memory_vit:ViT simple_uvit:SimpleUViT vit_5:ViT vit_detpool:ViTDetPool
    vit_with_keel_post_ln:ViT simple_vit_with_specialized_cls:SimpleViT simple_vit_attn_residual:SimpleViTAttnResidual
    simple_vit_orthog_residual_update:SimpleViT simple_vit_with_sparse_gating:SimpleViTWithSparseGating
    simple_vit_with_relative_proj_pos_bias:SimpleViT""".split()
"""Models that take the settings of ViT, by module and class."""
OTHERS: dict[str, dict[str, Any]] = {
    "simple_vit_with_fft:SimpleViT": VIT | {"freq_patch_size": 16},
    "simple_vit_with_hyper_connections:SimpleViT": VIT | {"num_residual_streams": 2},
    "vit_with_patch_dropout:ViT": VIT | {"patch_dropout": 0.25},
    "vit_with_patch_merger:ViT": VIT | {"patch_merge_layer": 1, "patch_merge_num_tokens": 4},
    "normalized_vit:nViT": VIT | {"dim_head": 16},
    "cait:CaiT": VIT | {"cls_depth": 1},
    "xcit:XCiT": VIT | {"cls_depth": 1},
    "ats_vit:ViT": VIT | {"max_tokens_per_depth": (16, 8)},
    "jumbo_vit:JumboViT": VIT | {"num_jumbo_cls": 1, "jumbo_cls_k": 3, "jumbo_ff_mult": 2},
    "t2t:T2TViT": {key: value for key, value in VIT.items() if key != "patch_size"},
    "cct:CCT": {"img_size": 64, "embedding_dim": 32, "num_layers": 2, "num_heads": 2, "mlp_ratio": 2.0} | STAGED,
    "cross_vit:CrossViT": STAGED
    | {"image_size": 64, "depth": 1, "sm_dim": 16, "lg_dim": 32}
    | {f"{size}_{key}": value for size in ("sm", "lg") for key, value in BRANCH.items()},
    "pit:PiT": VIT | {"depth": (1, 1, 1), "image_size": 128},
    "levit:LeViT": STAGED
    | {"image_size": 64, "stages": 2, "dim": (32, 48), "depth": 1, "heads": (2, 3), "mlp_mult": 2},
    "cvt:CvT": STAGED
    | {f"s{n}_{key}": n * value for n in (1, 2, 3) for key, value in {"emb_dim": 16, "heads": 1}.items()}
    | {f"s{n}_depth": 1 for n in (1, 2, 3)},
    "twins_svt:TwinsSVT": STAGED
    | {f"s{n}_emb_dim": 16 * n for n in (1, 2, 3, 4)}
    | {f"s{n}_depth": 1 for n in (1, 2, 3, 4)},
    "crossformer:CrossFormer": STAGED | WIDTHS | {"dim": (32, 64, 128, 256)},
    "regionvit:RegionViT": STAGED | WIDTHS | {"window_size": 7},
    "scalable_vit:ScalableViT": STAGED
    | {
        "dim": 16,
        "heads": (1, 2, 2, 4),
        "depth": (1, 1, 1, 1),
        "ssa_dim_key": 8,
        "reduction_factor": (8, 4, 2, 1),
        "window_size": (8, 4, None, None),
    },
    "sep_vit:SepViT": STAGED | {"dim": 16, "dim_head": 8, "heads": (1, 2, 4), "depth": (1, 1, 1), "window_size": 7},
    "max_vit:MaxViT": STAGED | {"dim": 16, "dim_conv_stem": 16, "dim_head": 8, "depth": (1, 1), "window_size": 7},
    "max_vit_with_registers:MaxViT": STAGED
    | {"dim": 16, "dim_conv_stem": 16, "dim_head": 8, "depth": (1, 1), "window_size": 7, "num_register_tokens": 4},
    "nest:NesT": STAGED
    | {"image_size": 64, "patch_size": 4, "dim": 16, "heads": 2, "num_hierarchies": 3, "block_repeats": (1, 1, 1)},
    "mobile_vit:MobileViT": STAGED
    | {"image_size": (64, 64), "dims": [16, 24, 32], "channels": [16, 16, 24, 24, 48, 48, 64, 64, 80, 80, 96]},
    "na_vit_nested_tensor:NaViT": VIT,
    "vit_1d:ViT": ROWS,
    "simple_vit_1d:SimpleViT": ROWS,
    "vit_3d:ViT": VIDEO,
    "simple_vit_3d:SimpleViT": VIDEO,
    "simple_flash_attn_vit_3d:SimpleViT": VIDEO,
    "cct_3d:CCT": STAGED
    | {"img_size": 32, "num_frames": 4, "embedding_dim": 32, "num_layers": 2, "num_heads": 2, "mlp_ratio": 2.0},
}
SIZES = {
    "pit": 128,
    "twins_svt": 224,
    "crossformer": 224,
    "regionvit": 224,
    "scalable_vit": 256,
    "sep_vit": 224,
    "max_vit": 224,
    "max_vit_with_registers": 224,
    "cct_3d": 32,
}


def names() -> list[str]:
    return [*ALIKE, *OTHERS]


def build(name: str) -> Case:
    module, cls = name.split(":")
    model = getattr(import_module(f"vit_pytorch.{module}"), cls)(**OTHERS.get(name, VIT))
    size = SIZES.get(module, 64)
    if module.endswith("_3d"):
        return Case(model, (torch.randn(1, 3, 4, size, size),))
    if module.endswith("_1d"):
        return Case(model, (torch.randn(1, 3, 64),))
    if module.startswith("na_vit"):
        return Case(model, ([torch.randn(3, 64, 64), torch.randn(3, 32, 64)],))
    return Case(model, (torch.randn(1, 3, size, size),))
