"""The two ends of a language model: a table of tokens with positions, and a head that may be the same table."""

import math

from torch import Tensor, nn
from torch.nn import functional as F

from shapetrace.models.norms import norm
from shapetrace.models.positions import places, sinusoids
from shapetrace.models.settings import Settings


class Embedded(nn.Module):
    """What the models with a token table have in common; a subclass adds its blocks, then its head."""

    def __init__(self, settings: Settings) -> None:
        super().__init__()
        self.settings = settings
        self.wte = nn.Embedding(settings.vocab, settings.d_model)
        if settings.positions == "learned" and settings.context is not None:
            self.wpe = nn.Embedding(settings.context, settings.d_model)
        if settings.embedding_norm:
            self.ln_e = norm(settings)

    def add_head(self) -> None:
        """The product that gives each word of the vocabulary its score."""
        self.lm_head = nn.Linear(self.settings.d_model, self.settings.vocab, bias=self.settings.head_bias)
        if self.settings.tie:
            self.lm_head.weight = self.wte.weight

    def embed(self, input_ids: Tensor, past: int = 0) -> Tensor:
        """Rows of the token table with their positions, counted on from past tokens: (B, T) -> (B, T, C)."""
        settings = self.settings
        x: Tensor = self.wte(input_ids)
        if settings.scale_embedding:
            x = x * math.sqrt(settings.d_model)
        if settings.pad is not None:
            x = F.pad(x, (0, 0, 0, settings.pad - x.size(1)))  # zeros for the rows that have no token
        T, C = x.size(1), x.size(2)
        if settings.positions == "learned":
            x = x + self.wpe(places(T, past, x.device))  # (B, T, C) + (T, C)
        elif settings.positions == "sinusoidal":
            x = x + sinusoids(T, C, like=x, past=past)
        return self.ln_e(x) if settings.embedding_norm else x
