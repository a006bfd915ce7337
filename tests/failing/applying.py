"""A mend carried out: the operation run by torch at the shapes proposed, or the whole model with the call changed."""

import copy
import operator
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn
from torch.overrides import TorchFunctionMode

from shapetrace.failing.case import Case, Operation
from shapetrace.failing.mends import Mend

_ELSEWHERE = {
    "reshape": torch.Tensor.reshape, "batch_norm": F.batch_norm, "mse_loss": F.mse_loss,
    "binary_cross_entropy_with_logits": F.binary_cross_entropy_with_logits,
}  # fmt: skip


def function(name: str, op: Operation) -> Callable[..., Any]:
    """The function that was recorded under a name, whatever torch calls its home."""
    if name in _ELSEWHERE and (name == "reshape" or "args" not in op.attrs):
        return _ELSEWHERE[name]
    places = (torch._C._nn, torch, F, torch.Tensor, operator)
    return next(getattr(place, name) for place in places if hasattr(place, name))


def made(op: Operation) -> list[torch.Tensor]:
    """Tensors of the shapes and types that are proposed; indices are 0."""
    kinds = [getattr(torch, operand.dtype) for operand in op.operands]
    return [torch.zeros(shape, dtype=kind) for shape, kind in zip(op.shapes, kinds, strict=True)]


def run(op: Operation) -> torch.Tensor:
    """The operation as it is proposed."""
    tensors = made(op)
    if op.name == "multi_head_attention_forward":
        return _attention(op, tensors)
    if op.name == "lstm_cell":
        return torch.lstm_cell(tensors[0], tensors[1:3], *tensors[3:])
    given, waiting = dict(op.attrs), iter(tensors)
    given.pop("index_range", None)
    args, name = given.pop("args", None), op.name + "_" * op.in_place
    if args is None:
        args = ["tensor"] * (len(tensors) - list(given.values()).count("tensor"))
        args = [args] if name in ("cat", "stack") else args
    args = _filled(args, waiting)
    named = {key: _filled([value], waiting)[0] for key, value in given.items()}
    return function(name, op)(*args, **named)


def _filled(values: Sequence[Any], waiting: Iterator[torch.Tensor]) -> list[Any]:
    return [
        next(waiting) if value == "tensor" else _filled(value, waiting) if isinstance(value, list) else value
        for value in values
    ]


def _attention(op: Operation, tensors: list[torch.Tensor]) -> torch.Tensor:
    layer = nn.MultiheadAttention(tensors[0].shape[-1], 4, batch_first=bool(op.attrs.get("batch_first")))
    named = {name: tensors[-1] for name in ("attn_mask", "key_padding_mask") if op.attrs.get(name) == "tensor"}
    return layer(*tensors[:3], **named)[0]


class Applying(TorchFunctionMode):
    """Runs a model with one call changed: what failed gets other operands, or what came before it other arguments."""

    def __init__(self, case: Case, mend: Mend) -> None:
        super().__init__()
        self.applied = False
        self._mend = mend
        ops = case.trace.ops if mend.remade is None else case.trace.ops[: mend.remade[0]]
        self._name = case.failure.op if mend.remade is None else case.trace.ops[mend.remade[0]].name
        self._before = sum(op.name == self._name for op in ops)

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if getattr(func, "__name__", "").strip("_") != self._name.strip("_"):
            return func(*args, **kwargs)
        self._before -= 1
        if self._before != -1:
            return func(*args, **kwargs)
        self.applied = True
        if self._mend.remade is None:
            args, kwargs = self._with_calls((args, kwargs), [0])
            return func(*args, **kwargs)
        changes = self._mend.remade[1]
        if "steps" in changes:
            return called(args[0], changes["steps"])
        if "args" in changes:
            return func(args[0], *changes["args"][1:], **kwargs)
        return func(*args, **{**kwargs, **changes})

    def _with_calls(self, value: Any, seen: list[int]) -> Any:
        if isinstance(value, torch.Tensor):
            seen[0] += 1
            return called(value, self._mend.calls.get(seen[0] - 1, ()))
        if isinstance(value, list | tuple):
            return type(value)([self._with_calls(each, seen) for each in value])
        if isinstance(value, dict):
            return {key: self._with_calls(each, seen) for key, each in value.items()}
        return value


def called(tensor: torch.Tensor, steps: Sequence[tuple[str, tuple[Any, ...]]]) -> torch.Tensor:
    """Methods called one after the other."""
    for name, given in steps:
        args = tuple(getattr(torch, arg.removeprefix("torch.")) if isinstance(arg, str) else arg for arg in given)
        tensor = F.pad(tensor, args) if name == "pad" else getattr(tensor, name)(*args)
    return tensor


def mended(model: nn.Module, case: Case, mend: Mend) -> Callable[..., Any] | None:
    """The model with a mend; None where it is the operation alone that can be run."""
    if mend.remade is not None and mend.remade[0] >= 0:
        op = case.trace.ops[mend.remade[0]]
        path = case.origins.maker(op)
        changes = mend.remade[1]
        if path and not {"steps", "args", "dim"} & set(changes):
            model = copy.deepcopy(model)
            layer = model.get_submodule(path)
            for key, value in changes.items():
                setattr(layer, key, tuple(value) if isinstance(value, list) else value)
            return model
    elif not mend.calls or mend.remade is not None:
        return None

    def forward(*inputs: torch.Tensor) -> Any:
        with Applying(case, mend) as applying:
            result = model(*inputs)
        assert applying.applied
        return result

    return forward
