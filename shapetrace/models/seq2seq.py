"""The Transformer of 2017: an encoder, and a decoder that looks at it (arXiv 1706.03762)."""

from torch import Tensor, nn

from shapetrace.models.attention import CrossAttention, SelfAttention
from shapetrace.models.caching import Cache, Kept, layers_of
from shapetrace.models.embedding import Embedded
from shapetrace.models.norms import norm
from shapetrace.models.positions import causal_mask
from shapetrace.models.reference import Block, mlp
from shapetrace.models.settings import Settings


class DecoderBlock(nn.Module):
    """Masked self-attention, cross-attention to the encoder, MLP; each beside a residual path."""

    def __init__(self, settings: Settings, layer: int) -> None:
        super().__init__()
        self.ln_1 = norm(settings)
        self.attn = SelfAttention(settings)
        self.ln_2 = norm(settings)
        self.cross_attn = CrossAttention(settings)
        self.ln_3 = norm(settings)
        self.mlp = mlp(settings, layer)
        self.post_norm = settings.post_norm

    def forward(
        self,
        x: Tensor,
        context: Tensor | None,
        mask: Tensor | None,
        kept: Kept | None = None,
        crossed: Kept | None = None,
    ) -> Tensor:
        if self.post_norm:
            x = self.ln_1(x + self.attn(x, mask, kept=kept))
            x = self.ln_2(x + self.cross_attn(x, context, crossed))
            x = self.ln_3(x + self.mlp(x))
        else:
            x = x + self.attn(self.ln_1(x), mask, kept=kept)
            x = x + self.cross_attn(self.ln_2(x), context, crossed)
            x = x + self.mlp(self.ln_3(x))
        return x


class EncoderDecoder(Embedded):
    """Source ids and target ids in, logits of the target out. One table serves both sides."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self.encoder = nn.ModuleList([Block(settings, layer) for layer in range(settings.encoder_layers)])
        self.decoder = nn.ModuleList([DecoderBlock(settings, layer) for layer in range(settings.layers)])
        if settings.final_norm:
            self.ln_encoder = norm(settings)
            self.ln_f = norm(settings)
        self.add_head()

    def forward(self, input_ids: Tensor | None, decoder_input_ids: Tensor, cache: Cache | None = None) -> Tensor:
        """With a cache that has read a source, further passes are the decoder's alone: no source ids."""
        settings, T = self.settings, decoder_input_ids.size(1)
        past = 0 if cache is None else cache.n_tokens
        context = None if input_ids is None else self.encode(input_ids)
        x = self.embed(decoder_input_ids, past)  # (B, T) -> (B, T, C)
        mask = None if past and T == 1 else causal_mask(T, past + T, None, x.device)  # (T, P + T)
        layers = layers_of(cache, settings.layers)
        crossed = layers_of(cache, settings.layers, crossed=True)
        for block, kept, other in zip(self.decoder, layers, crossed, strict=True):
            x = block(x, context, mask, kept, other)
        if cache is not None:
            cache.n_tokens += T
        if settings.final_norm:
            x = self.ln_f(x)
        if settings.last_row:
            x = x[:, T - 1]  # (B, T, C) -> (B, C)
        logits: Tensor = self.lm_head(x)  # (B, T, C) x (C, V) -> (B, T, V)
        return logits

    def encode(self, input_ids: Tensor) -> Tensor:
        """What the decoder looks at: (B, S) -> (B, S, C)."""
        context = self.embed(input_ids)
        for block in self.encoder:
            context = block(context)  # every token looks at every token
        return self.ln_encoder(context) if self.settings.final_norm else context
