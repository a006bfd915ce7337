"""The Transformer of 2017: an encoder, and a decoder that looks at it (arXiv 1706.03762)."""

from torch import Tensor, nn

from shapetrace.models.attention import CrossAttention, SelfAttention
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

    def forward(self, x: Tensor, context: Tensor, mask: Tensor) -> Tensor:
        if self.post_norm:
            x = self.ln_1(x + self.attn(x, mask))
            x = self.ln_2(x + self.cross_attn(x, context))
            x = self.ln_3(x + self.mlp(x))
        else:
            x = x + self.attn(self.ln_1(x), mask)
            x = x + self.cross_attn(self.ln_2(x), context)
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

    def forward(self, input_ids: Tensor, decoder_input_ids: Tensor) -> Tensor:
        context = self.embed(input_ids)  # (B, S) -> (B, S, C)
        for block in self.encoder:
            context = block(context)  # every token looks at every token
        x = self.embed(decoder_input_ids)  # (B, T) -> (B, T, C)
        if self.settings.final_norm:
            context = self.ln_encoder(context)
        mask = causal_mask(x.size(1), x.size(1), None, x.device)  # (T, T)
        for block in self.decoder:
            x = block(x, context, mask)
        if self.settings.final_norm:
            x = self.ln_f(x)
        logits: Tensor = self.lm_head(x)  # (B, T, C) x (C, V) -> (B, T, V)
        return logits
