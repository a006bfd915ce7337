"""Models of diffusers, tiny: denoisers and autoencoders of several makers."""

from collections.abc import Callable
from typing import Any

import torch

from tests.nightly.measuring import Case

CHANNELS = {"block_out_channels": (32, 64), "layers_per_block": 1, "norm_num_groups": 8}
CROSS = {
    "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D"),
    "up_block_types": ("CrossAttnUpBlock2D", "UpBlock2D"),
    "cross_attention_dim": 32,
    "attention_head_dim": 8,
    "sample_size": 16,
}
PLAIN = {
    "down_block_types": ("DownBlock2D", "AttnDownBlock2D"),
    "up_block_types": ("AttnUpBlock2D", "UpBlock2D"),
    "attention_head_dim": 8,
    "sample_size": 16,
}
CODER = {"down_block_types": ("DownEncoderBlock2D",) * 2, "up_block_types": ("UpDecoderBlock2D",) * 2}
HEADS = {"num_attention_heads": 2, "attention_head_dim": 16, "num_layers": 2}

T, TEXT = torch.tensor([10]), (1, 7, 32)


def noise(*shape: int) -> torch.Tensor:
    return torch.randn(*shape)


def flux_inputs() -> dict[str, Any]:
    return {
        "hidden_states": noise(1, 16, 4),
        "encoder_hidden_states": noise(1, 7, 32),
        "pooled_projections": noise(1, 32),
        "timestep": torch.tensor([1.0]),
        "img_ids": torch.zeros(16, 3),
        "txt_ids": torch.zeros(7, 3),
    }


Maker = tuple[str, dict[str, Any], Callable[[], dict[str, Any]]]
MODELS: dict[str, Maker] = {
    "unet of stable diffusion": (
        "UNet2DConditionModel",
        CHANNELS | CROSS,
        lambda: {"sample": noise(1, 4, 16, 16), "timestep": T, "encoder_hidden_states": noise(*TEXT)},
    ),
    "unet with linear projections": (
        "UNet2DConditionModel",
        CHANNELS | CROSS | {"use_linear_projection": True},
        lambda: {"sample": noise(1, 4, 16, 16), "timestep": T, "encoder_hidden_states": noise(*TEXT)},
    ),
    "unet of two blocks a level": (
        "UNet2DConditionModel",
        CHANNELS | CROSS | {"transformer_layers_per_block": (1, 2)},
        lambda: {"sample": noise(1, 4, 16, 16), "timestep": T, "encoder_hidden_states": noise(*TEXT)},
    ),
    "unet without text": ("UNet2DModel", CHANNELS | PLAIN, lambda: {"sample": noise(1, 3, 16, 16), "timestep": T}),
    "unet of video": (
        "UNet3DConditionModel",
        CHANNELS
        | CROSS
        | {
            "down_block_types": ("CrossAttnDownBlock3D", "DownBlock3D"),
            "up_block_types": ("UpBlock3D", "CrossAttnUpBlock3D"),
        },
        lambda: {"sample": noise(1, 4, 2, 16, 16), "timestep": T, "encoder_hidden_states": noise(*TEXT)},
    ),
    "controlnet": (
        "ControlNetModel",
        {
            "block_out_channels": (32, 64),
            "layers_per_block": 1,
            "norm_num_groups": 8,
            "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D"),
            "cross_attention_dim": 32,
            "attention_head_dim": 8,
            "conditioning_embedding_out_channels": (16, 32),
        },
        lambda: {
            "sample": noise(1, 4, 16, 16),
            "timestep": T,
            "encoder_hidden_states": noise(*TEXT),
            "controlnet_cond": noise(1, 3, 32, 32),
        },
    ),
    "autoencoder": ("AutoencoderKL", CHANNELS | CODER, lambda: {"sample": noise(1, 3, 32, 32)}),
    "tiny autoencoder": (
        "AutoencoderTiny",
        {
            "encoder_block_out_channels": (16, 16),
            "decoder_block_out_channels": (16, 16),
            "num_encoder_blocks": (1, 1),
            "num_decoder_blocks": (1, 1),
        },
        lambda: {"sample": noise(1, 3, 32, 32)},
    ),
    "codes": (
        "VQModel",
        {"block_out_channels": (32, 64), "norm_num_groups": 8, "num_vq_embeddings": 16} | CODER,
        lambda: {"sample": noise(1, 3, 32, 32)},
    ),
    "asymmetric autoencoder": (
        "AsymmetricAutoencoderKL",
        {
            "down_block_out_channels": (32, 64),
            "up_block_out_channels": (32, 64),
            "layers_per_down_block": 1,
            "layers_per_up_block": 1,
            "norm_num_groups": 8,
        }
        | CODER,
        lambda: {"sample": noise(1, 3, 32, 32)},
    ),
    "autoencoder of video": (
        "AutoencoderKLTemporalDecoder",
        {"block_out_channels": (32, 64), "layers_per_block": 1, "down_block_types": ("DownEncoderBlock2D",) * 2},
        lambda: {"sample": noise(2, 3, 32, 32), "num_frames": 2},
    ),
    "DiT": (
        "DiTTransformer2DModel",
        HEADS
        | {"in_channels": 4, "out_channels": 8, "sample_size": 8, "num_embeds_ada_norm": 10, "attention_bias": True},
        lambda: {"hidden_states": noise(1, 4, 8, 8), "timestep": T, "class_labels": torch.tensor([3])},
    ),
    "PixArt": (
        "PixArtTransformer2DModel",
        HEADS
        | {"in_channels": 4, "out_channels": 8, "sample_size": 8, "cross_attention_dim": 32, "caption_channels": 32},
        lambda: {
            "hidden_states": noise(1, 4, 8, 8),
            "timestep": T,
            "encoder_hidden_states": noise(*TEXT),
            "added_cond_kwargs": {"resolution": None, "aspect_ratio": None},
        },
    ),
    "SD3": (
        "SD3Transformer2DModel",
        HEADS
        | {
            "sample_size": 8,
            "in_channels": 4,
            "joint_attention_dim": 32,
            "caption_projection_dim": 32,
            "pooled_projection_dim": 32,
            "out_channels": 4,
        },
        lambda: {
            "hidden_states": noise(1, 4, 8, 8),
            "encoder_hidden_states": noise(*TEXT),
            "pooled_projections": noise(1, 32),
            "timestep": T,
        },
    ),
    "Flux": (
        "FluxTransformer2DModel",
        {
            "in_channels": 4,
            "num_layers": 1,
            "num_single_layers": 2,
            "attention_head_dim": 16,
            "num_attention_heads": 2,
            "joint_attention_dim": 32,
            "pooled_projection_dim": 32,
            "axes_dims_rope": (4, 4, 8),
        },
        flux_inputs,
    ),
    "AuraFlow": (
        "AuraFlowTransformer2DModel",
        {
            "sample_size": 16,
            "in_channels": 4,
            "num_mmdit_layers": 1,
            "num_single_dit_layers": 1,
            "attention_head_dim": 16,
            "num_attention_heads": 2,
            "joint_attention_dim": 32,
            "caption_projection_dim": 32,
            "out_channels": 4,
            "pos_embed_max_size": 256,
        },
        lambda: {
            "hidden_states": noise(1, 4, 16, 16),
            "encoder_hidden_states": noise(*TEXT),
            "timestep": torch.tensor([1.0]),
        },
    ),
    "Sana": (
        "SanaTransformer2DModel",
        {
            "in_channels": 4,
            "out_channels": 4,
            "num_layers": 1,
            "attention_head_dim": 8,
            "num_attention_heads": 2,
            "num_cross_attention_heads": 2,
            "cross_attention_head_dim": 8,
            "cross_attention_dim": 16,
            "caption_channels": 32,
            "sample_size": 8,
        },
        lambda: {"hidden_states": noise(1, 4, 8, 8), "encoder_hidden_states": noise(*TEXT), "timestep": T},
    ),
    "Latte": (
        "LatteTransformer3DModel",
        {
            "num_attention_heads": 2,
            "attention_head_dim": 16,
            "num_layers": 1,
            "in_channels": 4,
            "out_channels": 8,
            "sample_size": 8,
            "patch_size": 2,
            "cross_attention_dim": 32,
            "caption_channels": 32,
            "norm_type": "ada_norm_single",
            "attention_bias": True,
            "video_length": 2,
            "norm_elementwise_affine": False,
        },
        lambda: {"hidden_states": noise(1, 4, 2, 8, 8), "encoder_hidden_states": noise(*TEXT), "timestep": T},
    ),
    "CogVideoX": (
        "CogVideoXTransformer3DModel",
        HEADS
        | {
            "in_channels": 4,
            "out_channels": 4,
            "text_embed_dim": 32,
            "sample_width": 8,
            "sample_height": 8,
            "sample_frames": 9,
            "max_text_seq_length": 7,
            "time_embed_dim": 16,
        },
        lambda: {"hidden_states": noise(1, 3, 4, 8, 8), "encoder_hidden_states": noise(*TEXT), "timestep": T},
    ),
    "LTX": (
        "LTXVideoTransformer3DModel",
        HEADS | {"in_channels": 8, "out_channels": 8, "cross_attention_dim": 32, "caption_channels": 32},
        lambda: {
            "hidden_states": noise(1, 8, 8),
            "encoder_hidden_states": noise(*TEXT),
            "timestep": T,
            "encoder_attention_mask": torch.ones(1, 7, dtype=torch.bool),
            "num_frames": 2,
            "height": 2,
            "width": 2,
        },
    ),
    "Wan": (
        "WanTransformer3DModel",
        {
            "patch_size": (1, 2, 2),
            "num_attention_heads": 2,
            "attention_head_dim": 12,
            "in_channels": 4,
            "out_channels": 4,
            "text_dim": 32,
            "freq_dim": 64,
            "ffn_dim": 32,
            "num_layers": 2,
            "qk_norm": "rms_norm_across_heads",
            "rope_max_seq_len": 32,
        },
        lambda: {"hidden_states": noise(1, 4, 2, 8, 8), "encoder_hidden_states": noise(*TEXT), "timestep": T},
    ),
    "Prior": (
        "PriorTransformer",
        HEADS | {"embedding_dim": 32, "num_embeddings": 7, "additional_embeddings": 4},
        lambda: {
            "hidden_states": noise(1, 32),
            "timestep": T,
            "proj_embedding": noise(1, 32),
            "encoder_hidden_states": noise(1, 7, 32),
        },
    ),
    "Transformer2D": (
        "Transformer2DModel",
        HEADS | {"in_channels": 32, "norm_num_groups": 8, "cross_attention_dim": 32},
        lambda: {"hidden_states": noise(1, 32, 8, 8), "encoder_hidden_states": noise(*TEXT)},
    ),
    "TransformerTemporal": (
        "TransformerTemporalModel",
        HEADS | {"in_channels": 32, "norm_num_groups": 8},
        lambda: {"hidden_states": noise(2, 32, 4, 4), "num_frames": 2},
    ),
}


def names() -> list[str]:
    return list(MODELS)


def build(name: str) -> Case:
    import diffusers

    cls, settings, inputs = MODELS[name]
    return Case(getattr(diffusers, cls)(**settings), (), inputs())
