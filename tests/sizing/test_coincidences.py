"""A size that happens to be another's changes no name and no axis: those of a pass of another length are the oracle."""

import pytest

from shapetrace.obtaining import obtain
from shapetrace.proving import prove
from shapetrace.request import Request

OTHER = 37
"""A length that no size of these models has."""

GQA = Request(shape={"layers": 1, "heads": 8, "kv_heads": 2, "d_model": 96, "d_head": 16, "d_ff": 320, "vocab": 130})
ENCODER_DECODER = Request(model="transformer-base", shape={"layers": 1, "encoder_layers": 1})
NORMED_HEADS = Request(
    model="hf:qwen3",
    hf_set=("num_hidden_layers=1", "num_attention_heads=8", "num_key_value_heads=8", "head_dim=16", "hidden_size=96",
            "intermediate_size=320", "vocab_size=130"),
)  # fmt: skip
MODELS = {"gqa": GQA, "encoder-decoder": ENCODER_DECODER, "normed-heads": NORMED_HEADS}
LENGTHS = {"gqa": (2, 8, 16, 96, 4), "encoder-decoder": (8, 48, 64, 512), "normed-heads": (8, 16, 96)}


def read(name: str, length: int) -> tuple[list[str], list[int]]:
    """What axes are called, and which are one: each by where it is met first."""
    model = MODELS[name]
    request = Request(model=model.model, shape={**model.shape, "seq": length}, hf_set=model.hf_set)
    steps = list(prove(request, obtain(request, str)).outline().steps())
    operands = [(step, each) for step in steps for each in (*step.operands, *step.results)]
    called = [f"{step.title} {each.name} {n}: {dim}" for step, each in operands
              for n, dim in enumerate((*each.stack_dims, *(each.dims or [""] * len(each.shape))))]  # fmt: skip
    first: dict[int, int] = {}
    same = [first.setdefault(axis, len(first)) if axis >= 0 else -1 for _, each in operands for axis in each.axes]
    return called, same


@pytest.mark.parametrize("name", MODELS)
def test_a_size_that_happens_to_be_equal_gives_no_other_name_and_no_other_axis(name):
    called, same = read(name, OTHER)
    assert not any(each.endswith(": ") for each in called)
    for length in LENGTHS[name]:
        others, axes = read(name, length)
        untold = sum(each.endswith(": ") for each in others)
        wrong = [(a, b) for a, b in zip(called, others, strict=True) if a != b and not b.endswith(": ")]
        assert (wrong, axes) == ([], same), f"{length} tokens"
        assert untold <= 0.1 * len(called)
