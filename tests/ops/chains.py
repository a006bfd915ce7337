"""Random chains of what code does to axes, and what they really do, element by element."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product
from math import prod
from typing import Any

import torch
from hypothesis import strategies as st
from torch import Tensor, nn

from shapetrace.capture import capture
from shapetrace.ops.atoms import Atoms, Axes
from shapetrace.outlining.analysis import Facts, analyse

Function = Callable[[Tensor], Tensor]


@dataclass
class Chain:
    """Functions that follow each other.

    Attributes:
        shape: Shape of the first operand.
        steps: The functions with a word for each.
    """

    shape: tuple[int, ...]
    steps: list[tuple[str, Function]]

    def __call__(self, x: Tensor) -> Tensor:
        for _, function in self.steps:
            x = function(x)
        return x

    def __repr__(self) -> str:
        return f"{self.shape}: " + ", ".join(name for name, _ in self.steps)


def _factors(draw: st.DrawFn, n: int) -> list[int]:
    """Some sizes whose product is n, 1 among them at times."""
    sizes: list[int] = []
    while n > 1:
        size = draw(st.sampled_from([d for d in range(1, n + 1) if n % d == 0]))
        sizes.append(size)
        n //= size
        if len(sizes) == 4:
            break
    return [*sizes, n] if n > 1 or not sizes else sizes


def _view(draw: st.DrawFn, shape: Sequence[int]) -> tuple[str, Function]:
    sizes = _factors(draw, prod(shape))
    return f"reshape {sizes}", lambda x: x.reshape(sizes)


def _permute(draw: st.DrawFn, shape: Sequence[int]) -> tuple[str, Function]:
    order = draw(st.permutations(range(len(shape))))
    return f"permute {order}", lambda x: x.permute(order)


def _transpose(draw: st.DrawFn, shape: Sequence[int]) -> tuple[str, Function]:
    one, other = (draw(st.integers(-len(shape), len(shape) - 1)) for _ in range(2))
    return f"transpose {one} {other}", lambda x: x.transpose(one, other)


def _unsqueeze(draw: st.DrawFn, shape: Sequence[int]) -> tuple[str, Function]:
    dim = draw(st.integers(-len(shape) - 1, len(shape)))
    return f"unsqueeze {dim}", lambda x: x.unsqueeze(dim)


def _select(draw: st.DrawFn, shape: Sequence[int]) -> tuple[str, Function]:
    dim = draw(st.integers(-len(shape), len(shape) - 1))
    index = draw(st.integers(-shape[dim], shape[dim] - 1))
    return f"select {dim} {index}", lambda x: x.select(dim, index)


def _slice(draw: st.DrawFn, shape: Sequence[int]) -> tuple[str, Function]:
    dim = draw(st.integers(0, len(shape) - 1))
    start = draw(st.integers(-shape[dim], shape[dim] - 1))
    stop = draw(st.integers(start % shape[dim] + 1, shape[dim]))
    step = draw(st.sampled_from([1, 1, 1, 2]))
    cut = (slice(None),) * dim + (slice(start, stop, step),)
    return f"slice {cut}", lambda x: x[cut]


def _split(draw: st.DrawFn, shape: Sequence[int]) -> tuple[str, Function]:
    dim = draw(st.integers(0, len(shape) - 1))
    size = draw(st.integers(1, shape[dim]))
    part = draw(st.integers(0, -(-shape[dim] // size) - 1))
    return f"split {size} along {dim}, part {part}", lambda x: x.split(size, dim)[part]


def _swap_parts(draw: st.DrawFn, shape: Sequence[int]) -> tuple[str, Function]:
    dim = draw(st.integers(0, len(shape) - 1))
    size = draw(st.integers(1, shape[dim]))
    order = draw(st.permutations(range(-(-shape[dim] // size))))
    return f"split {size} along {dim}, cat {order}", lambda x: torch.cat([x.split(size, dim)[i] for i in order], dim)


def _stack_parts(draw: st.DrawFn, shape: Sequence[int]) -> tuple[str, Function]:
    dim = draw(st.integers(0, len(shape) - 1))
    at = draw(st.integers(0, len(shape) - 1))
    return f"unbind {dim}, stack {at}", lambda x: torch.stack(x.unbind(dim), at)


def _expand(draw: st.DrawFn, shape: Sequence[int]) -> tuple[str, Function]:
    count = draw(st.integers(1, 3))
    return f"expand {count}", lambda x: x.expand(count, *shape)


def _repeat(draw: st.DrawFn, shape: Sequence[int]) -> tuple[str, Function]:
    dim = draw(st.integers(0, len(shape) - 1))
    counts = [2 if i == dim else 1 for i in range(len(shape))]
    return f"repeat {counts}", lambda x: x.repeat(counts)


def _repeat_each(draw: st.DrawFn, shape: Sequence[int]) -> tuple[str, Function]:
    dim = draw(st.integers(0, len(shape) - 1))
    return f"repeat_interleave along {dim}", lambda x: x.repeat_interleave(2, dim)


def _sum(draw: st.DrawFn, shape: Sequence[int]) -> tuple[str, Function]:
    dim, keep = draw(st.integers(-len(shape), len(shape) - 1)), draw(st.booleans())
    return f"sum {dim} {keep}", lambda x: x.sum(dim, keepdim=keep)


def _multiply(draw: st.DrawFn, shape: Sequence[int]) -> tuple[str, Function]:
    columns = draw(st.integers(1, 6))
    weight = torch.ones(shape[-1], columns)
    return f"@ [{shape[-1]},{columns}]", lambda x: x @ weight.to(x)


EXACT = (_view, _permute, _transpose, _unsqueeze)
CUTTING = (*EXACT, _select, _slice, _split, _swap_parts, _stack_parts)
ALL = (*CUTTING, _expand, _repeat, _repeat_each, _sum, _multiply)


@st.composite
def chains(
    draw: st.DrawFn, kinds: Sequence[Any] = ALL, sizes: Sequence[int] = (1, 2, 3, 4, 6), longest: int = 6
) -> Chain:
    """Chains of some kinds of steps that never have more than 256 elements."""
    shape = tuple(draw(st.lists(st.sampled_from(sizes), min_size=1, max_size=3)))
    chain = Chain(shape, [])
    x = torch.empty(shape, device="meta")
    for _ in range(draw(st.integers(1, longest))):
        if x.dim() == 0:
            break
        step = draw(st.sampled_from(kinds))(draw, tuple(x.shape))
        after = step[1](x)
        if after.numel() <= 256:
            x = after
            chain.steps.append(step)
    return chain


class Runs(nn.Module):
    """A function as a model."""

    def __init__(self, function: Callable[..., Tensor]) -> None:
        super().__init__()
        self.function = function

    def forward(self, *args: Tensor) -> Tensor:
        return self.function(*args)


def facts_of(function: Callable[..., Tensor], *args: Tensor) -> Facts:
    return analyse(capture(Runs(function), args))


def depends(function: Callable[..., Tensor], args: Sequence[Tensor], which: int) -> Tensor:
    """Whether an element of the result depends on an element of one operand: (outputs, inputs), both flat."""

    def of_one(x: Tensor) -> Tensor:
        return function(*args[:which], x, *args[which + 1 :])

    found = torch.autograd.functional.jacobian(of_one, args[which].double())
    return found.reshape(-1, args[which].numel()) != 0


def digits(atoms: Atoms, axes: Axes) -> list[dict[int, int]]:
    """For every element in memory order: its index along every atom that occurs once."""
    leaves = atoms.flat(axes)
    once = [leaf for leaf in leaves if leaves.count(leaf) == 1]
    indices = product(*(range(atoms.size((leaf,))) for leaf in leaves))
    return [{leaf: i for leaf, i in zip(leaves, index, strict=True) if leaf in once} for index in indices]


def lies(facts: Facts, function: Callable[..., Tensor], args: Sequence[Tensor]) -> list[str]:
    """Where the atoms claim that an axis of the result is one of an operand's, and the elements say otherwise."""
    found: list[str] = []
    out = digits(facts.atoms, facts.axes_of(facts.trace.outputs[0]))
    for which, value in enumerate(facts.trace.inputs):
        into = digits(facts.atoms, facts.axes_of(value))
        for o, i in depends(function, args, which).nonzero().tolist():
            shared = out[o].keys() & into[i].keys()
            wrong = [atom for atom in shared if out[o][atom] != into[i][atom]]
            found += [f"element {o} of the result depends on {i} of operand {which}: atom {atom}" for atom in wrong]
    return found
