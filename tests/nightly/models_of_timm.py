"""Models of timm: of each of its files the first ones that are small, at the size of image they are made for."""

from functools import cache
from typing import Any

import torch

from tests.nightly.measuring import Case

N_OF_A_FILE = 2
N_TRIED = 6
MOST_PARAMETERS = 40_000_000


def names() -> list[str]:
    import timm

    return [name for file in timm.list_modules() for name in small(timm.list_models(module=file))]


def small(found: list[str]) -> list[str]:
    """The first of these that are small; what is called tiny is tried first."""
    likely = sorted(found, key=lambda name: not any(word in name for word in ("tiny", "nano", "small", "pico", "xs")))
    return [name for name in likely[:N_TRIED] if parameters(name) <= MOST_PARAMETERS][:N_OF_A_FILE]


@cache
def parameters(name: str) -> int:
    """How many a model has; it is built without memory."""
    try:
        with torch.device("meta"):
            return sum(each.numel() for each in made(name).parameters())
    except Exception:  # noqa: BLE001 - it may need memory: build it then
        return 0


def made(name: str) -> Any:
    import timm

    return timm.create_model(name, pretrained=False)


def build(name: str) -> Case:
    model = made(name)
    config = model.pretrained_cfg
    size = config.get("test_input_size") if config.get("fixed_input_size") is None else None
    return Case(model, (torch.randn(1, *(size or config["input_size"])),))
