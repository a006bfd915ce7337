"""Tiny models of transformers with each of peft's adapters around them."""

from typing import Any

import torch

from shapetrace.models import hf_inputs, huggingface
from tests.models.shrinking import shrink
from tests.nightly.measuring import Case

BASES = {
    "llama": "CAUSAL_LM",
    "gpt2": "CAUSAL_LM",
    "opt": "CAUSAL_LM",
    "t5": "SEQ_2_SEQ_LM",
    "bert": "FEATURE_EXTRACTION",
}
PROMPTS = ("PromptTuning", "PrefixTuning", "PromptEncoder")
METHODS: dict[str, dict[str, Any]] = {
    "Lora": {"r": 4},
    "Lora dora": {"r": 4, "use_dora": True},
    "Lora rslora": {"r": 4, "use_rslora": True},
    "Lora bias": {"r": 4, "lora_bias": True},
    "AdaLora": {"init_r": 4, "target_r": 2, "total_step": 10},
    "IA3": {},
    "LoHa": {"r": 4},
    "LoKr": {"r": 4},
    "OFT": {"r": 4, "oft_block_size": 0},
    "BOFT": {"boft_block_size": 4},
    "Vera": {"r": 4},
    "LNTuning": {},
    "HRA": {"r": 4},
    "FourierFT": {"n_frequency": 8},
    "VBLoRA": {"vector_length": 4},
    "Bone": {"r": 4},
    "Miss": {"r": 4},
    "RandLora": {"r": 4},
    "TrainableTokens": {"token_indices": [1, 2]},
    "PromptTuning": {"num_virtual_tokens": 4},
    "PrefixTuning": {"num_virtual_tokens": 4},
    "PromptEncoder": {"num_virtual_tokens": 4},
    "C3A": {"block_size": 4},
    "Shira": {"r": 4},
    "Road": {"group_size": 8},
    "WaveFT": {"n_frequency": 8},
}

OF_LINEAR_ALONE = "LoHa LoKr OFT BOFT HRA Miss C3A Shira Road".split()
"""Methods that take no Conv1D, which is what GPT-2 of transformers has."""


def names() -> list[str]:
    import peft

    known = [method for method in METHODS if hasattr(peft, f"{method.split()[0]}Config")]
    return [f"{base} {each}" for base in BASES for each in known if base != "gpt2" or each not in OF_LINEAR_ALONE]


def build(name: str) -> Case:
    import peft

    base, method = name.split(" ", 1)
    inner = huggingface.build(shrink(huggingface.config(base)), device="cpu").eval()
    kwargs = hf_inputs.inputs(inner)
    settings = dict(METHODS[method])
    cls = getattr(peft, f"{method.split()[0]}Config")
    if cls.__name__.removesuffix("Config") not in (*PROMPTS, "TrainableTokens"):
        settings |= targets(inner, method)
    model = peft.get_peft_model(inner, cls(task_type=BASES[base], **settings))
    if method in PROMPTS:
        kwargs["attention_mask"] = torch.ones_like(kwargs["input_ids"])
    return Case(model, (), kwargs)


def targets(model: torch.nn.Module, method: str) -> dict[str, Any]:
    """The names of the linear layers of the first two blocks, or of norms for what tunes norms."""
    wanted = "Norm" if method == "LNTuning" else ("Linear", "Conv1D")
    kinds = (wanted,) if isinstance(wanted, str) else wanted
    found = [
        path for path, module in model.named_modules() if type(module).__name__.endswith(kinds) and "head" not in path
    ]
    chosen = sorted({path.rpartition(".")[2] for path in found})
    if method == "IA3":
        return {"target_modules": chosen, "feedforward_modules": []}
    return {"target_modules": chosen}
