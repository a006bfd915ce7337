"""What attention keeps from pass to pass: the rows of keys and values, or of latents, of the tokens so far."""

from collections.abc import Sequence

import torch
from torch import Tensor

from shapetrace.models.settings import Settings


class Kept:
    """The rows that one layer keeps.

    Attributes:
        window: Positions that the layer looks back on, itself included; None keeps all rows.
        rows: What is kept, by head where heads are modules of their own: tensors (..., P, width).
    """

    def __init__(self, window: int | None = None) -> None:
        self.window = window
        self.rows: dict[int, tuple[Tensor, ...]] = {}

    @property
    def n_rows(self) -> int:
        """Rows that the next pass finds."""
        return next((rows[0].size(-2) for rows in self.rows.values()), 0)

    def append(self, *new: Tensor, head: int = 0) -> list[Tensor]:
        """Put new rows behind those kept: (..., P, width), (..., T, width) -> (..., P + T, width) each.

        Rows that no later token sees are dropped from what is kept, after this pass has read them.
        """
        before = self.rows.get(head)
        joined = list(new) if before is None else [torch.cat(pair, dim=-2) for pair in zip(before, new, strict=True)]
        n_rows = joined[0].size(-2)
        n_kept = n_rows if self.window is None else min(n_rows, self.window - 1)
        cut = n_kept < n_rows
        self.rows[head] = tuple(rows[..., n_rows - n_kept :, :] if cut else rows for rows in joined)
        return joined


class Cache:
    """What all layers keep.

    Attributes:
        layers: One of each layer.
        crossed: Of each layer of a decoder what it keeps of the encoder: keys and values that are made once.
        n_tokens: Tokens that passes have read so far.
    """

    def __init__(self, settings: Settings) -> None:
        self.layers = [Kept(settings.window(layer)) for layer in range(settings.layers)]
        self.crossed = [Kept() for _ in range(settings.layers if settings.encoder_layers else 0)]
        self.n_tokens = 0


def layers_of(cache: Cache | None, n: int, *, crossed: bool = False) -> Sequence[Kept | None]:
    """What each of n layers keeps, of its own rows or of an encoder's; None for each without a cache."""
    if cache is None:
        return [None] * n
    return cache.crossed if crossed else cache.layers
