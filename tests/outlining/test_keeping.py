"""What a decoder keeps of each token: against published numbers, settings, and caches that really grew."""

import pytest
import torch
import transformers
from torch import Tensor, nn
from torch.nn import functional as F

from shapetrace.api import Trace
from shapetrace.capture import capture
from shapetrace.obtaining import obtain
from shapetrace.outlining.kept import Cache, CachedLayers
from shapetrace.outlining.structure import Outline
from shapetrace.request import Request, settings_of

IDS = torch.zeros(1, 9, dtype=torch.int64)
TINY = {"vocab_size": 50, "hidden_size": 32, "num_hidden_layers": 4, "num_attention_heads": 4, "intermediate_size": 64}


def preset(model: str, **shape: object) -> Outline:
    return obtain(Request(model=model, shape=shape), str).outline()


def of(model: nn.Module, *inputs: Tensor, **more: object) -> Outline:
    return Trace.of(capture(model.eval(), inputs, more)).outline()


@pytest.mark.parametrize(
    ("model", "expected"),
    [  # DeepSeek-V3, "Insights into DeepSeek-V3" (arXiv 2505.09343), table 1; GPT-2: 12 layers x 2 x 768 x 2 bytes
        ("deepseek-v3", 70_272), ("qwen2.5-72b", 327_680), ("llama-3.1-405b", 516_096), ("gpt2", 36_864),
    ],
)  # fmt: skip
def test_published_bytes_per_token_are_those_of_all_layers(model: str, expected: int) -> None:
    cache = preset(model, seq=4, dtype="bfloat16").cache
    assert cache is not None
    assert cache.bytes_per_token() == expected
    assert cache.bytes_per_token(1) == expected // 2


@pytest.mark.parametrize("name", ["mha", "gqa", "mqa", "mla"])
def test_one_layer_keeps_what_its_settings_say(name: str) -> None:
    cache = preset(f"toy:{name}").cache
    assert cache is not None
    widths = {"mha": 2 * 8 * 64, "gqa": 2 * 2 * 64, "mqa": 2 * 64, "mla": 128 + 32}
    assert (cache.n_layers, cache.bytes_per_token(1)) == (1, widths[name])


def test_layers_of_the_same_width_are_one_group_whatever_their_feed_forward_is() -> None:
    cache = preset("deepseek-v3", seq=8, layers=6).cache
    assert cache == Cache((CachedLayers(6, ((1, 512), (1, 64)), query_heads=128, latent=512),), 4)


@pytest.mark.parametrize("dtype", ["bfloat16", "float32"])
def test_windows_and_full_layers_are_counted_apart(dtype: str) -> None:
    request = Request(model="llama-3.2-1b", shape={"seq": 32, "window": 8, "full_every": 4, "dtype": dtype})
    cache, settings = obtain(request, str).outline().cache, settings_of(request)[1]
    assert cache is not None
    windows = [settings.window(layer) for layer in range(settings.layers)]
    found = {group.window: group.n_layers for group in cache.layers}
    assert found == {8: windows.count(8), None: windows.count(None)}
    in_all = settings.layers * 2 * settings.n_kv_heads * settings.head_size * {"bfloat16": 2, "float32": 4}[dtype]
    assert cache.bytes_per_token() == in_all


def test_heads_in_modules_of_their_own_are_heads_of_one_layer() -> None:
    cache = preset("lecture-gpt-small").cache
    assert cache is not None
    assert cache.layers == (CachedLayers(3, ((4, 8), (4, 8)), query_heads=4),)


def test_every_branch_of_sparse_attention_keeps_its_own_and_blocks_share_a_row() -> None:
    cache = preset("toy:nsa").cache
    assert cache is not None
    assert {(group.window, group.tokens_per_row) for group in cache.layers} == {(None, 8), (None, 1), (16, 1)}
    assert cache.bytes_per_token(1) == 2 * 16 + 2 * 16 + 2 * 16 // 8


@pytest.mark.parametrize("model", ["transformer-base"])
def test_of_an_encoder_and_a_decoder_the_self_attention_of_the_decoder_counts(model: str) -> None:
    cache = preset(model, seq=8, target_seq=6).cache
    assert cache is not None
    assert cache.layers == (CachedLayers(6, ((8, 64), (8, 64)), query_heads=8),)


def causal_models() -> dict[str, nn.Module]:
    t = transformers
    few = {**TINY, "num_key_value_heads": 2}
    latent = t.DeepseekV3Config(
        **{**TINY, "hidden_size": 64}, moe_intermediate_size=16, n_routed_experts=4, n_group=1, topk_group=1,
        num_experts_per_tok=2, q_lora_rank=24, kv_lora_rank=16, qk_rope_head_dim=8, qk_nope_head_dim=16, v_head_dim=16,
        first_k_dense_replace=1, num_key_value_heads=4, n_shared_experts=1,
    )  # fmt: skip
    return {
        "gpt2": t.GPT2LMHeadModel(t.GPT2Config(vocab_size=50, n_embd=32, n_head=4, n_layer=2, n_positions=32)),
        "llama": t.LlamaForCausalLM(t.LlamaConfig(**few)),
        "gemma2": t.Gemma2ForCausalLM(t.Gemma2Config(**few, head_dim=8, sliding_window=64)),
        "neox": t.GPTNeoXForCausalLM(t.GPTNeoXConfig(**TINY)),
        "mpt": t.MptForCausalLM(t.MptConfig(vocab_size=50, d_model=32, n_heads=4, n_layers=2)),
        "bloom": t.BloomForCausalLM(t.BloomConfig(vocab_size=50, hidden_size=32, n_head=4, n_layer=2)),
        "deepseek": t.DeepseekV3ForCausalLM(latent),
    }


@pytest.mark.parametrize("name", ["gpt2", "llama", "gemma2", "neox", "mpt", "bloom", "deepseek"])
def test_the_numbers_are_those_that_a_real_cache_grows_by(name: str) -> None:
    model = causal_models()[name].eval()
    past = model(IDS, use_cache=True).past_key_values
    grown = sum(layer.keys.numel() + layer.values.numel() for layer in past.layers) // IDS.shape[1]
    prefill, decode = of(model, IDS).cache, of(model, IDS[:, :1], past_key_values=past).cache
    assert prefill is not None
    assert decode is not None
    assert prefill.bytes_per_token(1) == decode.bytes_per_token(1) == grown


class Attends(nn.Module):
    """Self-attention over a stream, under a mask or none; with a softmax or none."""

    def __init__(self, *, causal: bool, softmax: bool = True) -> None:
        super().__init__()
        self.causal, self.softmax = causal, softmax
        self.q, self.k, self.v = nn.Linear(16, 16), nn.Linear(16, 16), nn.Linear(16, 16)

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = self.q(x), self.k(x), self.v(x)
        if self.softmax:
            return F.scaled_dot_product_attention(q, k, v, is_causal=self.causal)
        return (q @ k.transpose(-2, -1)).tril() @ v


def test_without_a_causal_mask_or_a_softmax_nothing_is_kept() -> None:
    x = torch.zeros(1, 7, 16)
    assert of(Attends(causal=True), x).cache == Cache((CachedLayers(1, ((1, 16), (1, 16))),), 4)
    assert of(Attends(causal=False), x).cache is None
    assert of(Attends(causal=True, softmax=False), x).cache is None


def test_encoders_image_models_and_state_spaces_keep_nothing() -> None:
    t = transformers
    picture = t.ViTConfig(**{k: v for k, v in TINY.items() if k != "vocab_size"}, image_size=32, patch_size=8)
    assert of(t.BertModel(t.BertConfig(**TINY)), IDS).cache is None
    assert of(t.ViTModel(picture), torch.zeros(1, 3, 32, 32)).cache is None
    space = t.Mamba2Config(
        vocab_size=50, hidden_size=32, num_hidden_layers=2, head_dim=16, num_heads=4, n_groups=1, state_size=16,
        chunk_size=4,
    )  # fmt: skip
    assert of(t.Mamba2Model(space), IDS).cache is None


class Shares(nn.Module):
    """Two attentions; the second reads the keys and values of the first."""

    def __init__(self, *, own: bool) -> None:
        super().__init__()
        self.q, self.k, self.v, self.again = (nn.Linear(16, 16) for _ in range(4))
        self.own = own

    def forward(self, x: Tensor) -> Tensor:
        k, v = self.k(x), self.v(x)
        x = x + F.scaled_dot_product_attention(self.q(x), k, v, is_causal=True)
        k, v = (self.k(x), self.v(x)) if self.own else (k, v)
        return x + F.scaled_dot_product_attention(self.again(x), k, v, is_causal=True)


@pytest.mark.parametrize(("own", "numbers"), [(True, 64), (False, 32)])
def test_what_two_attentions_read_is_kept_once(own: bool, numbers: int) -> None:
    cache = of(Shares(own=own), torch.zeros(1, 7, 16)).cache
    assert cache is not None
    assert cache.bytes_per_token(1) == numbers


class Chosen(nn.Module):
    """The same keys twice: a window of them, and those that the data chooses by a mask."""

    def __init__(self) -> None:
        super().__init__()
        self.qkv = nn.Linear(8, 24)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        q, k, v = self.qkv(x).chunk(3, -1)
        scores, n = q @ k.mT, torch.arange(x.shape[1])
        apart = n[:, None] - n
        near = scores.masked_fill((apart < 0) | (apart > 3), -1e9).softmax(-1) @ v
        best = torch.zeros_like(scores).scatter(-1, scores.topk(3).indices, 1.0)
        return near + (q @ k.mT).masked_fill((best == 0) | (apart < 0), -1e9).softmax(-1) @ v


def test_keys_that_another_attention_may_choose_from_are_all_kept() -> None:
    found = of(Chosen(), torch.randn(1, 12, 8))
    assert found.cache is not None and [layer.window for layer in found.cache.layers] == [None]
