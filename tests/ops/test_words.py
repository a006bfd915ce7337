"""What operations are called, and what sort of thing they are."""

import pytest
import torch

from shapetrace.drawing.wording import words_in
from shapetrace.ops.kinds import kernel_kind
from shapetrace.ops.words import title_of, word_of


def test_spellings_of_one_operation_are_one_word() -> None:
    assert {word_of(name) for name in ("mul", "imul", "mul_", "aten.mul")} == {"multiply"}
    assert title_of(["mul", "imul", "sum"]) == "Multiply, sum"
    assert title_of(["mul", "sum", "exp", "frobnicate"]) == "Multiply, sum, exp …"
    assert title_of(["frobnicate"]) == "Frobnicate"


def test_a_title_of_several_words_is_translated_word_by_word() -> None:
    zh = words_in("zh")
    assert zh.say("Multiply, sum") == f"{zh.say('Multiply')}、{zh.say('sum')}"
    assert zh.say("Multiply, frobnicate") == "Multiply, frobnicate"


@pytest.mark.parametrize(
    ("call", "kind"),
    [
        ("linalg_inv_ex", "algebra"), ("linalg_solve_triangular", "algebra"), ("mse_loss", "reduce"),
        ("special_entr", "pointwise"), ("asinh", "pointwise"), ("frobnicate", "unknown"),
    ],
)  # fmt: skip
def test_kernels_have_a_kind(call: str, kind: str) -> None:
    assert kernel_kind(f"aten.{call}.default") == kind
    assert hasattr(torch.ops.aten, call) == (kind != "unknown")
