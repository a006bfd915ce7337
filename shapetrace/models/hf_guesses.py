"""A tensor for a parameter that no documentation describes: by what it is called, and by its annotation."""

import re
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from shapetrace.models.hf_facts import number
from shapetrace.models.hf_fields import WIDTHS, Ask, forms, tensor

Guess = Callable[[Ask, str], Any]


def likeliest(ask: Ask, name: str) -> Any:
    """The likeliest form of one input: as documented, as is usual, or by its name."""
    found = forms(ask, name)
    return found[0] if found else guessed(ask, name)


def guessed(ask: Ask, name: str) -> Any:
    """What a parameter is given that has to be given; None if its name says nothing.

    Plain numbers by their annotation, tensors by their name.
    """
    kind = ask.kinds.get(name, "")
    for plain, value in (("bool", False), ("int", number(ask.config, name, default=1)), ("float", 1.0)):
        if re.fullmatch(rf"{plain}(\s*\|\s*None)?", kind):
            return value
    return next((guess(ask, name) for pattern, guess in NAMES if re.search(pattern, name)), None)


def _ones(ask: Ask, _name: str) -> Tensor:
    return torch.ones(ask.batch, ask.seq, dtype=torch.int64)


def _zeros(ask: Ask, _name: str) -> Tensor:
    return torch.zeros(ask.batch, ask.seq, dtype=torch.int64)


def _places(ask: Ask, _name: str) -> Tensor:
    return torch.arange(ask.seq)[None].expand(ask.batch, -1).contiguous()


def _grid(ask: Ask, _name: str) -> Tensor:
    side = patches_a_side(ask)
    return torch.tensor([[1, side, side]])


def _lengths(ask: Ask, name: str) -> Tensor:
    return torch.full((ask.batch,), ask.length(name))


def _merges(ask: Ask, _name: str) -> Tensor:
    return torch.tensor([ask.size("spatial_merge_size") or ask.size("merge_size") or 1])


def _shapes(ask: Ask, _name: str) -> Tensor:
    side = patches_a_side(ask)
    return torch.tensor([[side, side]] * ask.batch)


def _moment(ask: Ask, _name: str) -> Tensor:
    return tensor(ask, (ask.batch,))


def _rows(ask: Ask, _name: str) -> Tensor:
    return tensor(ask, (ask.batch, ask.seq, number(ask.config, *WIDTHS, default=768)))


def patches_a_side(ask: Ask) -> int:
    """Patches in a row of a small picture: as many as are merged, twice."""
    return 2 * (ask.size("spatial_merge_size") or ask.size("merge_size") or 2)


NAMES: tuple[tuple[str, Guess], ...] = (
    (r"grid_(thw|hws?)$", _grid),
    (r"mask$", _ones),
    (r"position_ids$|positions$", _places),
    (r"lens?$|lengths?$", _lengths),
    (r"sizes$", _merges),
    (r"shapes$", _shapes),
    (r"^time_?steps?$|^t$", _moment),
    (r"ids$|idx$|index$|tokens?$|codes?$|indices$|marks$|num_", _zeros),
    (r"", _rows),
)
"""Patterns of names, and what such a parameter is; the first that fits counts."""
