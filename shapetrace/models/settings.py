"""What a reference Transformer is made of. No torch here: settings are checked before torch is imported."""

from dataclasses import dataclass, field
from typing import Literal, TypeAlias

Positions: TypeAlias = Literal["learned", "sinusoidal", "rope", "none"]
Norm: TypeAlias = Literal["layernorm", "rmsnorm"]
Activation: TypeAlias = Literal["gelu", "relu", "silu", "swiglu"]
Projections: TypeAlias = Literal["fused", "separate", "per-head"]
Score: TypeAlias = Literal["softmax", "sigmoid"]


@dataclass(frozen=True, slots=True)
class Latent:
    """Multi-head latent attention, as DeepSeek-V2 defines it (arXiv 2405.04434, section 2.1).

    Attributes:
        kv_lora_rank: Width of the latent that keys and values share: what the cache keeps.
        qk_nope_head_dim: Width of a query and key head without position.
        qk_rope_head_dim: Width of its rotated part; the key's is one for all heads.
        v_head_dim: Width of a value head.
        q_lora_rank: Width of the query latent; None projects queries directly.
        rope_interleaved: Rotated pairs are neighbours (2i, 2i+1), as DeepSeek stores them.
    """

    kv_lora_rank: int
    qk_nope_head_dim: int
    qk_rope_head_dim: int
    v_head_dim: int
    q_lora_rank: int | None = None
    rope_interleaved: bool = True


@dataclass(frozen=True, slots=True)
class Attention:
    """How attention is spelled.

    Attributes:
        projections: ``fused``: one layer for q, k and v (GPT-2). ``separate``: one each (Llama).
            ``per-head``: small layers for each head, side by side (the lecture GPT).
        qkv_bias: Bias of the q, k and v projections; None follows ``Settings.bias``.
        out_bias: Bias of the output projection; None follows ``Settings.bias``.
        qk_norm: An RMSNorm over each query and key head (Qwen3).
        window: Positions that a token looks back on, itself included; None looks at all.
        full_every: With a window: each n-th layer looks at all positions. 0: no layer does.
        rope_theta: Base of the rotary frequencies.
        latent: Ranks of multi-head latent attention; None is plain attention.
    """

    projections: Projections = "fused"
    qkv_bias: bool | None = None
    out_bias: bool | None = None
    qk_norm: bool = False
    window: int | None = None
    full_every: int = 0
    rope_theta: float = 10000.0
    latent: Latent | None = None


@dataclass(frozen=True, slots=True)
class Experts:
    """A mixture of experts in place of the MLP.

    Attributes:
        count: Routed experts, E.
        per_token: Experts that each token uses, k.
        d_ff: Width of one expert.
        shared: Experts that every token uses beside the routed ones, built as one MLP of shared · d_ff.
        first_dense: Leading layers that keep a dense MLP.
        score: How router logits become scores.
        normalise: The k chosen scores are divided by their sum.
        scale: Factor on the chosen scores.
        groups: Experts stand in this many groups; 1 is no grouping.
        groups_kept: Best groups that a token may choose from.
        correction: A bias added to the scores for choosing only (DeepSeek-V3); a buffer, not a parameter.
    """

    count: int
    per_token: int
    d_ff: int
    shared: int = 0
    first_dense: int = 0
    score: Score = "softmax"
    normalise: bool = True
    scale: float = 1.0
    groups: int = 1
    groups_kept: int = 1
    correction: bool = False


@dataclass(frozen=True, slots=True)
class Settings:
    """A reference Transformer and the size of its input. The defaults are GPT-2 small.

    Attributes:
        layers: Blocks; of the decoder, if there is an encoder.
        d_model: Width of the residual stream.
        heads: Query heads.
        kv_heads: Key and value heads; None is as many as query heads.
        d_head: Width of one head; None is d_model / heads.
        d_ff: Width of the MLP; None is 4 · d_model.
        vocab: Rows of the token table.
        seq: Tokens of the input.
        batch: Sequences of the input.
        positions: Where position comes from.
        norm: Kind of normalisation.
        activation: Non-linearity of the MLP; swiglu has a gate.
        tie: The head reuses the token table.
        bias: Linear layers and LayerNorms have biases.
        dtype: Of the weights.
        device: Where the weights are: meta (no memory), cpu, cuda; auto is meta.
        context: Rows of the position table, or the published context length.
        post_norm: Normalise after each residual add (2017, GPT-1), not before each part.
        final_norm: One more norm before the head.
        norm_eps: The small number in it.
        embedding_norm: A norm right after the embedding.
        scale_embedding: Embeddings are multiplied by sqrt(d_model) (2017).
        head_bias: The head has a bias.
        encoder_layers: Blocks of an encoder; 0 is a decoder alone.
        target_seq: Tokens of the decoder's input; None is as many as the encoder's.
        tokens: Ids of the input; empty makes ids up. Their number replaces seq.
        pad: Embedded tokens are padded with zeros to this length; None does not pad.
        last_row: The head reads the last token alone.
        attention: How attention is spelled.
        experts: A mixture of experts; None is a dense MLP.
    """

    layers: int = 12
    d_model: int = 768
    heads: int = 12
    kv_heads: int | None = None
    d_head: int | None = None
    d_ff: int | None = None
    vocab: int = 50257
    seq: int = 1024
    batch: int = 1
    positions: Positions = "learned"
    norm: Norm = "layernorm"
    activation: Activation = "gelu"
    tie: bool = True
    bias: bool = True
    dtype: str = "float32"
    device: str = "meta"
    context: int | None = 1024
    post_norm: bool = False
    final_norm: bool = True
    norm_eps: float = 1e-5
    embedding_norm: bool = False
    scale_embedding: bool = False
    head_bias: bool = False
    encoder_layers: int = 0
    target_seq: int | None = None
    tokens: tuple[int, ...] = ()
    pad: int | None = None
    last_row: bool = False
    attention: Attention = field(default_factory=Attention)
    experts: Experts | None = None

    @property
    def n_kv_heads(self) -> int:
        """Key and value heads."""
        return self.heads if self.kv_heads is None else self.kv_heads

    @property
    def head_size(self) -> int:
        """Width of one head."""
        return self.d_model // self.heads if self.d_head is None else self.d_head

    @property
    def ff_size(self) -> int:
        """Width of the MLP."""
        return 4 * self.d_model if self.d_ff is None else self.d_ff

    @property
    def n_tokens(self) -> int:
        """Tokens that go in."""
        return len(self.tokens) or self.seq

    @property
    def length(self) -> int:
        """Rows that the blocks see: the tokens and their padding."""
        return self.n_tokens if self.pad is None else self.pad

    @property
    def n_target_tokens(self) -> int:
        """Tokens that go into the decoder of an encoder-decoder."""
        return self.n_tokens if self.target_seq is None else self.target_seq

    @property
    def has_gate(self) -> bool:
        """True if the MLP multiplies two projections."""
        return self.activation == "swiglu"

    @property
    def qkv_bias(self) -> bool:
        """True if the q, k and v projections have biases."""
        return self.bias if self.attention.qkv_bias is None else self.attention.qkv_bias

    @property
    def out_bias(self) -> bool:
        """True if attention's output projection has a bias."""
        return self.bias if self.attention.out_bias is None else self.attention.out_bias

    def window(self, layer: int) -> int | None:
        """Positions that a layer looks back on; None is all."""
        every = self.attention.full_every
        looks_at_all = every > 0 and (layer + 1) % every == 0
        return None if looks_at_all else self.attention.window

    def facts(self) -> dict[str, int | str]:
        """What people print beside a model: ``{"layers": 12, "d_model": 768, ...}``."""
        facts: dict[str, int | str] = {"layers": self.layers, "d_model": self.d_model, "heads": self.heads}
        if self.encoder_layers:
            facts["encoder_layers"] = self.encoder_layers
        if self.attention.latent is None:
            facts |= {"kv_heads": self.n_kv_heads, "d_head": self.head_size}
        facts |= {"d_ff": self.ff_size, "vocab": self.vocab, "seq": self.n_tokens, "batch": self.batch}
        if self.experts is not None:
            facts |= {"experts": self.experts.count, "experts_per_token": self.experts.per_token}
        return facts | {"positions": self.positions, "norm": self.norm, "activation": self.activation}

    def validate(self) -> "Settings":
        """Check that the settings fit together.

        Returns:
            The settings themselves.

        Raises:
            UsageError: If they do not: one line with what was got, what was expected and what to do.
        """
        from shapetrace.models.checking import check

        check(self)
        return self
