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


def _merged(ask: Ask) -> int | None:
    """Patches a side that become one; None if the configuration does not say."""
    return ask.size("spatial_merge_size") or ask.size("merge_size")


def patches_a_side(ask: Ask) -> int:
    """Patches in a row of a small picture: as many as are merged, twice."""
    return 2 * (_merged(ask) or 2)


def _whole(ask: Ask, fill: int) -> Tensor:
    return torch.full((ask.batch, ask.seq), fill, dtype=torch.int64)


NAMES: tuple[tuple[str, Guess], ...] = (
    (r"grid_(thw|hws?)$", lambda ask, _: torch.tensor([[1, *[patches_a_side(ask)] * 2]])),
    (r"mask$", lambda ask, _: _whole(ask, 1)),
    (r"position_ids$|positions$", lambda ask, _: torch.arange(ask.seq)[None].expand(ask.batch, -1).contiguous()),
    (r"lens?$|lengths?$", lambda ask, name: torch.full((ask.batch,), ask.length(name))),
    (r"sizes$", lambda ask, _: torch.tensor([_merged(ask) or 1])),
    (r"shapes$", lambda ask, _: torch.tensor([[patches_a_side(ask)] * 2] * ask.batch)),
    (r"^time_?steps?$|^t$", lambda ask, _: tensor(ask, (ask.batch,))),
    (r"ids$|idx$|index$|tokens?$|codes?$|indices$|marks$|num_", lambda ask, _: _whole(ask, 0)),
    (r"", lambda ask, _: tensor(ask, (ask.batch, ask.seq, number(ask.config, *WIDTHS, default=768)))),
)
"""Patterns of names, and what such a parameter is; the first that fits counts."""
