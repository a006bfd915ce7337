"""Results that we make on meta are those that PyTorch makes there."""

import pytest
import torch

from shapetrace.capture import meta_shapes

aten = torch.ops.aten
META = torch.device("meta")


def meta(*shape: int, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    return torch.empty(shape, dtype=dtype, device=META)


def turned(*shape: int) -> torch.Tensor:
    """(B, h, T, d) as attention code makes it: a transposed view of (B, T, h, d)."""
    b, h, t, d = shape
    return meta(b, t, h, d).transpose(1, 2)


WHOLE = meta(512, dtype=torch.int64)
OPERANDS = {
    "dense": (meta(2, 5, 8), meta(2, 5, 8)),
    "bias": (meta(2, 5, 8), meta(8)),
    "outer": (meta(5, 1), meta(1, 8)),
    "whole numbers": (meta(5, 1, dtype=torch.int64), meta(8)),
    "heads and rotary table": (turned(1, 4, 6, 8), meta(6, 8)),
    "table first": (meta(6, 8), turned(2, 4, 6, 8)),
    "half of a head": (turned(2, 4, 6, 8)[..., :4], meta(6, 4)),
    "two transposed": (turned(2, 4, 6, 8), turned(2, 4, 6, 8)),
    "transposed and dense": (turned(2, 4, 6, 8), meta(2, 4, 6, 8)),
    "expanded": (meta(5, 1).expand(5, 8), meta(8)),
    "number": (turned(2, 4, 6, 8), 2.0),
    "half precision": (meta(3, 4, dtype=torch.bfloat16), meta(4)),
    "empty": (meta(0, 4), meta(4)),
    "scalar": (meta(), meta(3, 4)),
}
BINARY = [aten.add.Tensor, aten.sub.Tensor, aten.mul.Tensor, aten.div.Tensor, aten.maximum.default, aten.eq.Tensor,
          aten.le.Tensor, aten.pow.Tensor_Tensor]  # fmt: skip
UNARY = [aten.neg.default, aten.rsqrt.default, aten.cos.default, aten.sigmoid.default, aten.gelu.default,
         aten.silu.default, aten.tanh.default, aten.relu.default, aten.abs.default, aten.exp.default]  # fmt: skip


def assert_same_as_torch(func: torch._ops.OpOverload, *args: object) -> bool:
    """Whether we make the result ourselves; if so, it is what PyTorch makes."""
    ours = meta_shapes.result(func, args, {})
    if ours is None:
        return False
    theirs = func(*args)
    for one, other in zip(ours, theirs, strict=True) if isinstance(ours, tuple) else [(ours, theirs)]:
        assert (one.shape, one.dtype, one.device) == (other.shape, other.dtype, other.device)
        sides = [axis for axis, size in enumerate(one.shape) if size > 1]
        assert [one.stride(axis) for axis in sides] == [other.stride(axis) for axis in sides]
    return True


@pytest.mark.parametrize("func", BINARY, ids=str)
@pytest.mark.parametrize("operands", OPERANDS.values(), ids=OPERANDS.keys())
def test_an_element_wise_result_of_two_operands_is_torchs(
    func: torch._ops.OpOverload, operands: tuple[object, object]
) -> None:
    first, second = operands
    if isinstance(second, float) and func is not aten.mul.Tensor:
        pytest.skip("this kernel takes no number")
    assert_same_as_torch(func, first, second)


@pytest.mark.parametrize("func", UNARY, ids=str)
@pytest.mark.parametrize("operand", [meta(2, 3), turned(2, 4, 6, 8), turned(1, 4, 6, 8)[..., 4:], meta(7).expand(3, 7)])
def test_an_element_wise_result_of_one_operand_is_torchs(func: torch._ops.OpOverload, operand: torch.Tensor) -> None:
    assert_same_as_torch(func, operand)


def test_other_results_are_torchs() -> None:
    norm = (meta(2, 5, 8), [8], meta(8), meta(8), 1e-5)
    assert assert_same_as_torch(aten.native_layer_norm.default, *norm)
    assert assert_same_as_torch(aten.embedding.default, meta(9, 4), meta(2, 3, dtype=torch.int64))
    assert meta_shapes.result(aten.arange.start_step, (3, 20, 4), {}).shape == torch.arange(3, 20, 4).shape
    assert assert_same_as_torch(aten.mm.default, meta(3, 5), meta(7, 5).t())
    assert assert_same_as_torch(aten.bmm.default, meta(2, 3, 5), meta(2, 7, 5).transpose(1, 2))
    assert assert_same_as_torch(aten._softmax.default, meta(2, 4, 6, 6), -1, False)
    assert assert_same_as_torch(aten._safe_softmax.default, meta(2, 4, 6, 6), -1)
    assert assert_same_as_torch(aten._log_softmax.default, meta(2, 6), -1, False)
    assert not assert_same_as_torch(aten._log_softmax.default, meta(2, 6, dtype=torch.bfloat16), -1, True)
    assert assert_same_as_torch(aten.clone.default, meta(2, 6))
    assert not assert_same_as_torch(aten.clone.default, turned(2, 4, 6, 8))
    whole = {"memory_format": torch.contiguous_format}
    assert meta_shapes.result(aten.clone.default, (turned(2, 4, 6, 8),), whole).is_contiguous()
    assert meta_shapes.result(aten.scalar_tensor.default, (0.5,), {}).dtype == torch.scalar_tensor(0.5).dtype
    assert assert_same_as_torch(aten.mean.dim, meta(2, 5, 8), [-1], True)
    assert assert_same_as_torch(aten.mean.dim, meta(2, 5, 8), [1])
    assert assert_same_as_torch(aten.sum.dim_IntList, meta(2, 5, 8), [-1], True)
    assert not assert_same_as_torch(aten.sum.dim_IntList, meta(2, 5, dtype=torch.bool), [1])
    assert assert_same_as_torch(aten.topk.default, meta(2, 5, 8), 3)
    assert assert_same_as_torch(aten.topk.default, meta(2, 5, 8), 2, 1)
    assert assert_same_as_torch(aten.ones_like.default, meta(2, 5))
    index = meta(2, 3, dtype=torch.int64)
    assert assert_same_as_torch(aten.gather.default, meta(2, 5), 1, index)
    assert not meta_shapes.result(aten.gather.default, (meta(1, 5), 1, index), {})
    assert assert_same_as_torch(aten.scatter.value, meta(2, 5), 1, index, 0.0)
    assert assert_same_as_torch(aten.addmm.default, meta(7), meta(3, 5), meta(5, 7))
    assert assert_same_as_torch(aten.addmm.default, meta(7), meta(5, 3).t(), meta(7, 5).t())
    assert assert_same_as_torch(aten.cat.default, [turned(1, 4, 6, 8), turned(1, 4, 6, 8)], -1)
    assert assert_same_as_torch(aten.cat.default, [turned(1, 4, 6, 8), turned(1, 4, 6, 3)], -1)
    assert assert_same_as_torch(aten.cat.default, [turned(3, 4, 6, 1), turned(3, 4, 6, 1)], -1)  # halves of heads of 2
    assert assert_same_as_torch(aten.cat.default, [meta(2, 3), meta(5, 3)])
    assert assert_same_as_torch(aten.cat.default, [turned(1, 4, 6, 8), meta(1, 1, 6, 3).expand(1, 4, 6, 3)], -1)
    assert assert_same_as_torch(aten.cat.default, [meta(0), turned(1, 4, 6, 8)], -2)
    assert assert_same_as_torch(aten.cat.default, [meta(0), meta(3)])
    assert assert_same_as_torch(aten.cat.default, [meta(0), meta(0)])
    assert assert_same_as_torch(aten.stack.default, [meta(2, 3), meta(2, 3)], -1)
    assert assert_same_as_torch(aten.tril.default, meta(4, 4))
    assert assert_same_as_torch(aten.flip.default, meta(4, 3, 2), [0, -1])
    assert not assert_same_as_torch(aten.flip.default, meta(4, 3).t(), [0])


def test_masking_is_torchs() -> None:
    mask = meta(6, 6, dtype=torch.bool)
    assert assert_same_as_torch(aten.masked_fill.Scalar, meta(2, 4, 6, 6), mask, 0.0)
    for one, other in ((meta(), meta()), (meta(2, 6, 6), meta(6)), (meta(6, dtype=torch.int64), meta())):
        assert assert_same_as_torch(aten.where.self, mask, one, other)
    assert not assert_same_as_torch(aten.where.self, mask, meta(6, 6).t(), meta())
    assert assert_same_as_torch(aten.masked_fill.Scalar, turned(2, 4, 6, 6), mask, 0.0)


def test_images_with_channels_innermost_are_left_to_torch() -> None:
    image = meta(2, 3, 4, 4).to(memory_format=torch.channels_last)
    assert not assert_same_as_torch(aten.cat.default, [image, image], 1)


def test_what_does_not_fit_is_left_to_torch_and_its_message() -> None:
    assert meta_shapes.result(aten.add.Tensor, (meta(3), meta(4)), {}) is None
    assert meta_shapes.result(aten.addmm.default, (meta(7), meta(3, 5), meta(6, 7)), {}) is None
