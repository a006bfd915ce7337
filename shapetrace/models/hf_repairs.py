"""Inputs that did not fit, changed by what the error says: the model's code knows its shapes best."""

import math
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from types import FrameType
from typing import Any, TypeAlias

import torch
from torch import Tensor, nn

from shapetrace.models.hf_fields import Ask, patch, tensor
from shapetrace.models.hf_tracebacks import running

Kwargs: TypeAlias = dict[str, Any]


@dataclass(frozen=True)
class Clash:
    """A pass that did not run.

    Attributes:
        ask: What inputs are asked for.
        kwargs: The inputs that did not fit.
        error: What the model raised.
    """

    ask: Ask
    kwargs: Kwargs
    error: Exception

    @cached_property
    def message(self) -> str:
        """What the error says."""
        return str(self.error)

    @cached_property
    def frames(self) -> list[tuple[FrameType, str]]:
        """Running functions and the statements that they run, innermost first."""
        return running(self.error)

    @cached_property
    def tensors(self) -> dict[str, Tensor]:
        """The inputs that are tensors."""
        return {name: value for name, value in self.kwargs.items() if isinstance(value, Tensor)}

    def reshaped(self, name: str, shape: tuple[int, ...]) -> Kwargs:
        """The inputs with another shape of one."""
        old = self.tensors[name]
        if old.is_floating_point():
            return self.kwargs | {name: tensor(self.ask, shape)}
        return self.kwargs | {name: _stretched(old, shape)}

    def resized(self, size: int, wanted: int, *, proportional: bool = False) -> Iterator[Kwargs]:
        """The inputs with an axis of one size at another size, last axes first."""
        for name, old in self.tensors.items() if size and wanted else ():
            for axis in reversed(range(min(1, old.dim() - 1), old.dim())):  # the first is the batch
                now = old.shape[axis]
                fits = now == size or (proportional and now > 1 and now * wanted % size == 0)
                if fits and (now == size or old.is_floating_point()):
                    shape = (*old.shape[:axis], now * wanted // size, *old.shape[axis + 1 :])
                    yield self.reshaped(name, shape)

    def widened(self, more: int) -> Iterator[Kwargs]:
        """The inputs with the last axis of one longer or shorter: it is one of several that are joined, or is cut."""
        for name, old in self.tensors.items():
            if old.dim() > 1 and old.shape[-1] + more >= 0:
                yield self.reshaped(name, (*old.shape[:-1], old.shape[-1] + more))


Repair: TypeAlias = Callable[[Clash], Iterator[Kwargs]]


def repairs(clash: Clash) -> Iterator[Kwargs]:
    """Inputs that may fit where these did not, likeliest first."""
    for repair in REPAIRS:
        yield from repair(clash)


def unpacked(clash: Clash) -> Iterator[Kwargs]:
    """``B, T, C, H, W = pixel_values.shape`` names the axes that it wants."""
    if "values to unpack" not in clash.message:
        return
    frame, line = clash.frames[0]
    found = re.match(r"\(?([\w\s,]+?)\)?\s*=\s*([\w.]+?)\.(?:shape|size\(\))", line)
    if found is None:
        return
    axes, value = [axis.strip() for axis in found[1].split(",") if axis.strip()], frame.f_locals.get(found[2])
    for name, old in clash.tensors.items():
        if (old.dim() != len(axes) and (name == found[2])) or (isinstance(value, Tensor) and value.shape == old.shape):
            sizes = _sizes(clash.ask, axes, name, old)
            yield clash.reshaped(name, sizes)
            picture = (clash.ask.size("num_channels") or 3, patch(clash.ask), patch(clash.ask))
            if old.dim() == 2 and len(axes) == 5 and old.shape[-1] == math.prod(picture):
                yield clash.reshaped(name, (1, old.shape[0], *picture))
            if len(axes) > old.dim():
                yield clash.reshaped(name, (*old.shape[:1], *[1] * (len(axes) - old.dim()), *old.shape[1:]))


def _sizes(ask: Ask, axes: list[str], name: str, old: Tensor) -> tuple[int, ...]:
    left = list(old.shape)
    sizes: list[int] = []
    for axis in axes:
        size = ask.size(axis, name)
        if size is None and len(axes) <= old.dim() and left:
            size = left[len(sizes)]
        sizes.append(size or 1)
    return tuple(sizes)


def multiplied(clash: Clash) -> Iterator[Kwargs]:
    """``[1, 80] x [128, 512]``: an axis of 80 should have been 128, or one that becomes 80 in proportion."""
    found = re.search(r"reduction dim, but got \[\d+, (\d+)\] X \[(\d+), \d+\]", clash.message)
    found = found or re.search(r"\(\d+x(\d+) and (\d+)x\d+\)", clash.message)
    if found is not None:
        yield from clash.resized(int(found[1]), int(found[2]))
        yield from clash.resized(int(found[1]), int(found[2]), proportional=True)
        yield from clash.widened(int(found[2]) - int(found[1]))


def broadcast(clash: Clash) -> Iterator[Kwargs]:
    """Two sizes that should be one: an input has the wrong one, or its axes in another order."""
    pairs = re.findall(r"tensor a \((\d+)\) must match the size of tensor b \((\d+)\)", clash.message)
    pairs += re.findall(r"Expected size (\d+) but got size (\d+)", clash.message)
    pairs += re.findall(r"Expected (\d+) in dimension \d+ but got (\d+)", clash.message)
    other = re.search(
        r"had torch.Size\(\[(?:[\d, ]*\s)?(\d+)\]\).*broadcastable to \[(?:[\d, ]*\s)?(\d+)\]", clash.message
    )
    if other is not None:
        pairs.append((other[2], other[1]))
    norm = re.search(r"normalized_shape=\[(\d+)\].* size torch.Size\(\[(?:[\d, ]*\s)?(\d+)\]\)", clash.message)
    if norm is not None:
        pairs.append((norm[2], norm[1]))
    for one, two in pairs:
        for name, old in clash.tensors.items():
            if old.is_floating_point() and old.dim() > 2 and {int(one), int(two)} <= set(old.shape):
                yield clash.reshaped(name, (*old.shape[:-2], old.shape[-1], old.shape[-2]))
        yield from clash.resized(int(one), int(two))
        yield from clash.resized(int(two), int(one))


def convolved(clash: Clash) -> Iterator[Kwargs]:
    """A convolution that got another number of axes or channels than it takes."""
    for frame, _ in clash.frames:
        module, got = frame.f_locals.get("self"), frame.f_locals.get("input")
        if not isinstance(module, nn.Conv1d | nn.Conv2d | nn.Conv3d) or not isinstance(got, Tensor):
            continue
        axes = len(module.kernel_size) + 2
        for name, old in clash.tensors.items():
            if not old.is_floating_point():
                continue
            if got.dim() > axes and old.dim() > 1 and old.shape[0] == 1:
                yield clash.reshaped(name, tuple(old.shape[1:]))
            picture = (module.in_channels, *module.kernel_size)
            if old.dim() < axes and old.shape[-1] % math.prod(picture) == 0:
                yield clash.reshaped(name, (*old.shape[:-1], *picture))
            if old.dim() < axes == 4:
                yield clash.reshaped(name, (clash.ask.batch, module.in_channels, *clash.ask.picture))
        if got.dim() == axes and got.shape[1] != module.in_channels:
            yield from clash.resized(got.shape[1], module.in_channels)
        return


def multiples(clash: Clash) -> Iterator[Kwargs]:
    """A length that must be a multiple of some number."""
    found = re.search(r"(?:multiple of|divisible by)[^.,]*?\((\d+)\)", clash.message)
    found = found or re.search(r"(?:multiple of|divisible by)[^\d]*(\d+)", clash.message)
    step = int(found[1]) if found is not None else 0
    if step < 2:
        return
    for name, old in clash.tensors.items():
        for axis, size in enumerate(old.shape):
            if axis and size % step:
                grown = -(-size // step) * step
                yield clash.reshaped(name, (*old.shape[:axis], grown, *old.shape[axis + 1 :]))
    yield from ({**clash.kwargs, **grown} for grown in [_all_grown(clash, step)] if grown)


def _all_grown(clash: Clash, step: int) -> Kwargs:
    grown: Kwargs = {}
    for name, old in clash.tensors.items():
        shape = tuple(
            size if axis == 0 or size % step == 0 else -(-size // step) * step for axis, size in enumerate(old.shape)
        )
        if shape != tuple(old.shape):
            grown |= {name: clash.reshaped(name, shape)[name]}
    return grown


def excess(error: Exception) -> int:
    """By how much an index leaves its table: positions that begin at 2 leave room for two tokens less."""
    found = re.search(r"index (\d+) is out of bounds for dimension 0 with size (\d+)", str(error))
    return int(found[1]) - int(found[2]) + 1 if found is not None and isinstance(error, IndexError) else 0


def shorter(clash: Clash) -> Iterator[Kwargs]:
    """As many tokens as there are positions."""
    less = excess(clash.error)
    whole = {name: old for name, old in clash.tensors.items() if not old.is_floating_point() and old.dim() > 1}
    for length in sorted({old.shape[-1] for old in whole.values() if old.shape[-1] > less > 0}):
        yield clash.kwargs | {name: old[..., : length - less] for name, old in whole.items() if old.shape[-1] == length}


def counted(clash: Clash) -> Iterator[Kwargs]:
    """Ones where code reads the numbers of an input as places, counted from 1: any number may be below 0."""
    if re.search(r"index -\d+ is out of bounds", clash.message):
        for name, old in clash.tensors.items():
            if old.is_floating_point():
                yield clash.kwargs | {name: torch.ones_like(old)}


def lifted(clash: Clash) -> Iterator[Kwargs]:
    """An index into axes that an input has not: one more axis before or behind."""
    if "too many indices" not in clash.message and "Dimension out of range" not in clash.message:
        return
    for name, old in clash.tensors.items():
        if old.dim() in (1, 2):
            yield clash.reshaped(name, (1, *old.shape))


def patched(clash: Clash) -> Iterator[Kwargs]:
    """Pictures where rows of flattened patches are wanted: (batch, n, channels * patch * patch)."""
    pixels = clash.kwargs.get("pixel_values")
    size = patch(clash.ask)
    if isinstance(pixels, Tensor) and pixels.dim() == 4 and size and "reduction dim" in clash.message:
        batch, channels, height, width = pixels.shape
        rows = (height // size) * (width // size)
        yield clash.kwargs | {"pixel_values": tensor(clash.ask, (batch, rows, channels * size * size))}


def one_of(clash: Clash) -> Iterator[Kwargs]:
    """Two inputs of which a model takes one."""
    found = re.search(r"cannot specify both `?(\w+)`? and `?(\w+)`?", clash.message)
    for name in found.groups() if found is not None else ():
        yield {other: value for other, value in clash.kwargs.items() if other != name}


def _stretched(old: Tensor, shape: tuple[int, ...]) -> Tensor:
    """Whole numbers in another shape: what was there, again and again."""
    flat = old.flatten() if old.numel() else torch.zeros(1, dtype=old.dtype)
    return flat.repeat(-(-max(math.prod(shape), 1) // len(flat)))[: math.prod(shape)].reshape(shape)


REPAIRS: tuple[Repair, ...] = (
    one_of, shorter, counted, unpacked, convolved, patched, multiplied, broadcast, multiples, lifted,
)  # fmt: skip
"""Ways to change inputs, by what an error says."""
