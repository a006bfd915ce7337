"""Models of open_clip: its configurations with two layers, but those whose towers are of other libraries."""

from typing import Any

import torch

from tests.nightly.measuring import Case

OF_OTHERS = ("timm_model_name", "hf_model_name", "hf_tokenizer_name")


def names() -> list[str]:
    import open_clip

    return [name for name in open_clip.list_models() if is_own(open_clip.get_model_config(name))]


def is_own(config: dict[str, Any]) -> bool:
    return not any(name in config[part] for part in ("vision_cfg", "text_cfg") for name in OF_OTHERS)


def shrunk(config: dict[str, Any]) -> dict[str, Any]:
    """Two layers of each tower, few words, and one stage of a ResNet no deeper than two."""
    for part in ("vision_cfg", "text_cfg", "multimodal_cfg"):
        for key, value in config.get(part, {}).items():
            if key in ("layers", "n_layer"):
                config[part][key] = [min(each, 2) for each in value] if isinstance(value, list) else min(value, 2)
            if key == "vocab_size":
                config[part][key] = 1000
    return config


def build(name: str) -> Case:
    import open_clip
    from open_clip.model import CLIP, CustomTextCLIP

    config = shrunk(open_clip.get_model_config(name))
    is_custom = config.pop("custom_text", False)
    if "multimodal_cfg" in config:
        model: torch.nn.Module = open_clip.CoCa(**config)
    else:
        model = (CustomTextCLIP if is_custom else CLIP)(**config)
    size = config["vision_cfg"].get("image_size", 224)
    height, width = size if isinstance(size, list | tuple) else (size, size)
    ids = torch.randint(1, 900, (1, config["text_cfg"].get("context_length", 77)))
    return Case(model, (torch.randn(1, 3, height, width), ids))
