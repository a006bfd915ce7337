"""PyTorch's own symbols as an oracle: a model on fake tensors whose batch and length are symbols of a ShapeEnv."""

from collections import defaultdict
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.fx.experimental.symbolic_shapes import DimDynamic, ShapeEnv, StatelessSymbolicContext

Outputs = dict[tuple[str, int, int], tuple[Any, ...]]
"""Shape of each output of each module call: by the module's path, which of its calls, and which output."""


def symbolic_outputs(build: Callable[[], nn.Module], batch: int, length: int) -> tuple[Outputs, dict[str, Any]]:
    """What modules give for ids of (B, T), in symbols.

    Returns:
        Shapes, and the symbols of B and T.
    """
    mode, ids = _symbolic(batch, length)
    found: Outputs = {}
    calls: dict[str, int] = defaultdict(int)

    def hook(path: str) -> Callable[..., None]:
        def keep(_: nn.Module, __: Any, output: Any) -> None:
            tensors = [output] if isinstance(output, Tensor) else []
            for i, tensor in enumerate(tensors):
                found[path, calls[path], i] = tuple(_expression(size) for size in tensor.shape)
            calls[path] += 1

        return keep

    with mode, torch.no_grad():
        model = build()
        for path, module in model.named_modules():
            module.register_forward_hook(hook(path))
        model(ids)
    return found, {"B": _expression(ids.shape[0]), "T": _expression(ids.shape[1])}


def symbolic_bounds(
    build: Callable[[], nn.Module], batch: int, length: int
) -> dict[str, tuple[int | None, int | None]]:
    """Between which values of B and T a model's guards hold; None where they say nothing."""
    mode, ids = _symbolic(batch, length)
    with mode, torch.no_grad():
        build()(ids)
    found = {}
    for name, size in zip("BT", ids.shape, strict=True):
        bounds = mode.shape_env.bound_sympy(_expression(size))  # type: ignore[union-attr]
        found[name] = tuple(int(end) if end.is_Integer else None for end in (bounds.lower, bounds.upper))
    return found  # type: ignore[return-value]


def _symbolic(batch: int, length: int) -> tuple[FakeTensorMode, Tensor]:
    mode = FakeTensorMode(shape_env=ShapeEnv(), allow_non_fake_inputs=True)
    context = StatelessSymbolicContext(dynamic_sizes=[DimDynamic.DYNAMIC, DimDynamic.DYNAMIC])
    return mode, mode.from_tensor(torch.zeros(batch, length, dtype=torch.int64), symbolic_context=context)


def _expression(size: Any) -> Any:
    return size.node.expr if isinstance(size, torch.SymInt) else int(size)
