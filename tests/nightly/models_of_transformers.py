"""Types of transformers, shrunk: those that can be built from their own defaults."""

import torch

from shapetrace.models import hf_inputs, huggingface
from tests.models.shrinking import shrink
from tests.nightly.measuring import Case


def names() -> list[str]:
    from transformers import CONFIG_MAPPING

    return list(CONFIG_MAPPING)


def build(name: str) -> Case:
    model: torch.nn.Module = huggingface.build(shrink(huggingface.config(name)), device="cpu").eval()
    return Case(model, (), hf_inputs.inputs(model))
