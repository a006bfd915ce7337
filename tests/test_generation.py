"""A loop around a model, recorded from outside: its passes, its cache and its bill."""

import pytest
import torch
from torch import Tensor, nn
from transformers import (
    DeepseekV3Config,
    DeepseekV3ForCausalLM,
    DynamicCache,
    GPT2Config,
    GPT2LMHeadModel,
    JambaConfig,
    JambaForCausalLM,
    LlamaConfig,
    LlamaForCausalLM,
    MambaConfig,
    MambaForCausalLM,
    MistralConfig,
    MistralForCausalLM,
    RwkvConfig,
    RwkvForCausalLM,
    StaticCache,
)

import shapetrace
from shapetrace.formats.contract import Options
from shapetrace.formats.table import render_grid
from shapetrace.generations.decoding import Bill
from shapetrace.generations.running import generated as generated_by_request
from shapetrace.generations.table import aligned, grid
from shapetrace.hf_obtaining import generated
from shapetrace.obtaining import obtain
from shapetrace.outlining.roles import Role
from shapetrace.request import Request
from tests.capture.oracles import state_of_torch


def llama(**more: int) -> LlamaForCausalLM:
    sizes = {
        "num_hidden_layers": 2, "hidden_size": 64, "intermediate_size": 96, "num_attention_heads": 4,
        "num_key_value_heads": 2, "vocab_size": 50, "eos_token_id": None,  # random weights may end a text at once
    }  # fmt: skip
    return LlamaForCausalLM(LlamaConfig(**{**sizes, **more})).eval()


def deepseek() -> DeepseekV3ForCausalLM:
    sizes = {
        "num_hidden_layers": 1, "first_k_dense_replace": 1, "hidden_size": 64, "intermediate_size": 96,
        "num_attention_heads": 4, "num_key_value_heads": 4, "q_lora_rank": 24, "kv_lora_rank": 16,
        "qk_rope_head_dim": 8, "qk_nope_head_dim": 12, "v_head_dim": 12, "n_routed_experts": 8, "vocab_size": 50,
    }  # fmt: skip
    return DeepseekV3ForCausalLM(DeepseekV3Config(**sizes)).eval()


def mamba() -> tuple[nn.Module, str]:
    sizes = {"num_hidden_layers": 2, "hidden_size": 32, "state_size": 4, "vocab_size": 50}
    return MambaForCausalLM(MambaConfig(**sizes)).eval(), "cache_params"


def rwkv() -> tuple[nn.Module, str]:
    sizes = {"num_hidden_layers": 2, "hidden_size": 32, "attention_hidden_size": 32, "vocab_size": 50}
    return RwkvForCausalLM(RwkvConfig(**sizes)).eval(), "state"


def jamba() -> tuple[nn.Module, str]:
    sizes = {
        "num_hidden_layers": 3, "hidden_size": 32, "intermediate_size": 48, "num_attention_heads": 4,
        "num_key_value_heads": 2, "attn_layer_period": 3, "attn_layer_offset": 1, "num_experts": 2, "vocab_size": 50,
        "mamba_d_state": 4, "use_mamba_kernels": False,
    }  # fmt: skip
    return JambaForCausalLM(JambaConfig(**sizes)).eval(), "past_key_values"


def ids(n: int = 5) -> Tensor:
    return torch.arange(n)[None] % 50


def test_a_traced_generation_gives_the_same_text_and_leaves_nothing_behind() -> None:
    model = llama()
    expected, before = model.generate(ids(), max_new_tokens=4, do_sample=False), state_of_torch(model)
    with shapetrace.generation() as g:
        got = model.generate(ids(), max_new_tokens=4, do_sample=False)
    assert torch.equal(got, expected)
    assert len(g.passes) == 4
    assert state_of_torch(model) == before


def test_the_bill_of_gpt2_is_what_was_counted_by_hand() -> None:
    """Counted from the configuration: 12 layers, d_model 768, bfloat16, five tokens, the last row of logits."""
    model = GPT2LMHeadModel(GPT2Config()).eval().to(torch.bfloat16)
    with shapetrace.generation() as g:
        model.generate(ids(), max_new_tokens=2, do_sample=False, pad_token_id=0)
    assert g.bills == [
        Bill(927_462_912, 247_314_432, 0, 184_320),
        Bill(247_285_248, 247_308_288, 184_320, 36_864),
    ]


@pytest.mark.parametrize("cache", [DynamicCache, None])
def test_bytes_kept_are_those_of_the_cache_itself(cache) -> None:
    model = llama()
    kept = cache(config=model.config) if cache else None
    with shapetrace.generation() as g, torch.no_grad():
        out = model(ids(), past_key_values=kept, use_cache=True)
        for _ in range(3):
            out = model(ids(1), past_key_values=out.past_key_values, use_cache=True)
    tensors = [t for layer in out.past_key_values.layers for t in (layer.keys, layer.values)]
    assert g.cache_bytes == sum(t.nbytes for t in tensors)


@pytest.mark.parametrize("build", [mamba, rwkv, jamba])
def test_states_are_read_and_overwritten_whole_in_each_step(build) -> None:
    model, name = build()
    with shapetrace.generation() as g, torch.no_grad():
        out = model(ids(), use_cache=True)
        sizes = []
        for _ in range(2):
            sizes.append(sum(t.nbytes for t in kept_tensors(out[name])))
            out = model(ids(1), **{name: out[name]}, use_cache=True)
    sizes.append(sum(t.nbytes for t in kept_tensors(out[name])))
    assert g.cache_bytes == sizes[-1]
    assert [bill.cache_read for bill in g.bills] == [0, *sizes[:-1]]
    assert g.bills[0].cache_written == sizes[0]
    n_states = sum(t.nbytes for t in kept_tensors(out[name]) if t.dim() == 3)
    assert all(bill.cache_written >= n_states > 0 for bill in g.bills[1:])


def kept_tensors(kept: object) -> list[Tensor]:
    """All tensors of a cache object: keys, values, states."""
    if isinstance(kept, list):
        return kept
    found = []
    for layer in kept.layers:
        for value in vars(layer).values():
            values = value.values() if isinstance(value, dict) else [value]
            found += [each for each in values if isinstance(each, Tensor) and each.is_floating_point()]
    return found


class Linear(nn.Module):
    """Attention without a softmax; each pass gives the state anew."""

    def __init__(self) -> None:
        super().__init__()
        self.q, self.k, self.v = (nn.Linear(16, 16) for _ in range(3))
        self.state: Tensor | None = None

    def forward(self, x: Tensor) -> Tensor:
        change = self.k(x).mT @ self.v(x)
        self.state = change if self.state is None else 0.9 * self.state + change
        return self.q(x) @ self.state


def test_a_state_that_each_pass_gives_anew_is_one_too() -> None:
    layers = nn.Sequential(Linear(), Linear())
    with shapetrace.generation() as g, torch.no_grad():
        for n in (5, 1, 1):
            layers(torch.ones(1, n, 16))
    n_states = 2 * 16 * 16 * 4
    assert [bill.cache_read for bill in g.bills] == [0, n_states, n_states]
    assert g.bills[0].cache_written == g.cache_bytes == n_states


def test_a_static_cache_is_written_in_place() -> None:
    model = llama()
    cache = StaticCache(config=model.config, max_cache_len=16)
    with shapetrace.generation() as g, torch.no_grad():
        model(ids(), past_key_values=cache, cache_position=torch.arange(5))
        first = g.cache_bytes
        model(ids(1), past_key_values=cache, cache_position=torch.tensor([5]))
    roles = [{step.role for step in each.steps} for each in g.passes]
    assert Role.CACHE_WRITE in roles[0] and Role.CACHE_WRITE in roles[1]
    row, whole = 2 * 2 * 2 * 16 * 4, sum(t.nbytes for layer in cache.layers for t in (layer.keys, layer.values))
    assert [(bill.cache_read, bill.cache_written) for bill in g.bills] == [(0, 5 * row), (whole, row)]
    assert first == g.cache_bytes == whole


@pytest.mark.parametrize("static", [False, True])
@pytest.mark.parametrize("build", [llama, deepseek])
def test_a_decode_step_reads_each_matrix_as_its_prefill_does(build, static) -> None:
    model = build()
    cache = StaticCache(config=model.config, max_cache_len=16) if static else DynamicCache(config=model.config)
    with shapetrace.generation() as g, torch.no_grad():
        for n, start in ((5, 0), (1, 5), (1, 6)):
            model(ids(n), past_key_values=cache, cache_position=torch.arange(start, start + n))
    named = [{step.path: step.role for step in each.outline.steps() if step.kind == "product"} for each in g.passes]
    assert named[0] == named[1] == named[2]
    assert Role.OTHER not in named[0].values()


class ByHand(nn.Module):
    """One head with a cache of its own, grown by cat."""

    def __init__(self) -> None:
        super().__init__()
        self.q, self.k, self.v = (nn.Linear(16, 16) for _ in range(3))
        self.kept: tuple[Tensor, Tensor] | None = None

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = self.q(x), self.k(x), self.v(x)
        if self.kept is not None:
            k, v = (torch.cat(pair, 1) for pair in zip(self.kept, (k, v), strict=True))
        self.kept = (k, v)
        return (q @ k.transpose(1, 2)).softmax(-1) @ v


def test_a_loop_of_ones_own_is_recorded_too() -> None:
    model = ByHand()
    with shapetrace.generation() as g, torch.no_grad():
        for n in (4, 1, 1):
            model(torch.ones(1, n, 16))
    appended = [step.equation for step in g.passes[2].steps if step.role is Role.CACHE_APPEND]
    assert appended == ["[5,16], [1,16]→[6,16]"] * 2
    assert g.bills[2].cache_read == 2 * 5 * 16 * 4 and g.bills[2].cache_written == 2 * 16 * 4


class Blocks(nn.Module):
    """Keys and values are put aside until four are there; a block of four becomes one row that is attended to."""

    def __init__(self) -> None:
        super().__init__()
        self.q, self.k, self.v, self.o = (nn.Linear(16, 16) for _ in range(4))
        self.aside: list[Tensor] = []
        self.blocks: list[Tensor] = []

    def forward(self, x: Tensor) -> Tensor:
        rows = [self.k(x), self.v(x)]
        self.aside = [torch.cat(pair, 1) for pair in zip(self.aside, rows, strict=True)] if self.aside else rows
        if self.aside[0].shape[1] >= 4:
            made = [y.unflatten(1, (-1, 4)).mean(2) for y in self.aside]
            self.blocks, self.aside = made, [y[:, :0] for y in made]
        return self.o((self.q(x) @ self.blocks[0].mT).softmax(-1) @ self.blocks[1])


def test_what_is_only_put_aside_is_what_it_was_in_the_prefill() -> None:
    model = Blocks()
    with shapetrace.generation() as g, torch.no_grad():
        for n in (8, 1, 1):
            model(torch.ones(1, n, 16))
    alone = {step.path: step.role for step in g.passes[1].trace.outline().steps() if step.kind == "product"}
    assert (alone["k"], alone["v"]) == (Role.OTHER, Role.OTHER)
    for each in g.passes:
        told = {step.path: step.role for step in each.outline.steps() if step.kind == "product"}
        assert told == {"q": Role.QUERY, "k": Role.KEY, "v": Role.VALUE, "o": Role.OUT_PROJ}
    step = next(step for step in g.passes[1].outline.steps() if step.path == "k")
    assert (step.title, step.operands[1].name, step.results[0].name) == ("Key", "W_K", "K")


def test_the_same_work_stands_in_one_row() -> None:
    with shapetrace.generation() as g, torch.no_grad():
        llama().generate(ids(), max_new_tokens=3, do_sample=False, pad_token_id=0)
    for row in aligned(g.passes):
        assert len({(step.role, step.path) for step in row if step is not None}) == 1
    assert [row[0] is None for row in aligned(g.passes)].count(True) == 2  # two appends
    text = render_grid(grid(g), Options(width=160))
    assert "[5,16]×[16,5]→[5,5] ×4" in text and "[1,16]×[16,7]→[1,7] ×4" in text


def test_a_pass_that_fails_keeps_what_ran() -> None:
    model = nn.Sequential(nn.Linear(4, 8), nn.Linear(4, 8))
    with shapetrace.generation() as g, pytest.raises(RuntimeError, match="cannot be multiplied"):
        model(torch.ones(1, 4))
    assert g.passes[0].trace.failure is not None
    before = state_of_torch(model)
    with shapetrace.generation() as g:
        with pytest.raises(RuntimeError):
            model(torch.ones(1, 4))
        model[0](torch.ones(1, 4))
    assert [each.trace.failure is None for each in g.passes] == [False, True]
    assert state_of_torch(model) == before


@pytest.mark.parametrize(
    ("name", "n_bytes"),
    [("hf:deepseek_v3", 70_272), pytest.param("hf:gpt2", 36_864)],
)
def test_full_size_on_meta_keeps_the_bytes_that_are_published(name, n_bytes) -> None:
    found = generated(Request(model=name, shape={"seq": 8, "dtype": "bfloat16"}), lambda _sentence: None, 1)
    assert [each.bill.cache_written for each in found.passes] == [8 * n_bytes, n_bytes]
    assert found.passes[1].bill.cache_read == 8 * n_bytes


def test_no_module_is_no_pass() -> None:
    with shapetrace.generation() as g:
        torch.ones(2).exp()
    assert not g.passes
    assert "no module was called" in str(g)


def test_only_what_keeps_something_is_generated_by_the_command(tmp_path, monkeypatch, capsys) -> None:
    from shapetrace.cli import main as command_line

    for words, said in (
        (["toy:mha"], "hf:MODEL_TYPE"),
        (["hf:bert"], "no cache"),
    ):
        monkeypatch.setattr("sys.argv", ["shapetrace", "run", *words, "--generate", "2"])
        with pytest.raises(SystemExit) as ended:
            command_line.main()
        assert ended.value.code == 2
        assert said in capsys.readouterr().err


@pytest.mark.parametrize("words", [["--ops"], ["--costs"], ["--depth", "0"], ["--dims", "names"], ["--tp", "2"]])
def test_what_is_of_one_pass_is_not_lost_in_silence(words, tmp_path, monkeypatch, capsys) -> None:
    from shapetrace.cli import main as command_line

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["shapetrace", "run", "gpt2", "--generate", "2", *words])
    with pytest.raises(SystemExit) as ended:
        command_line.main()
    assert ended.value.code == 2
    assert "--generate of several" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_of_a_table_of_experts_those_are_read_that_are_taken_out():
    table = torch.nn.Parameter(torch.zeros(16, 4, 4))

    class Chosen(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.table = table

        def forward(self, rows):
            return torch.bmm(torch.ones(len(rows), 1, 4), self.table[rows])

    model = Chosen()
    with shapetrace.generation() as g:
        model(torch.tensor([3, 5]))
        model(torch.tensor([1]))
    assert [bill.weights_read for bill in g.bills] == [2 * 16 * 4, 16 * 4]


@pytest.mark.parametrize("model", ["gpt2", "llama-3.1-8b", "hf:gpt2"])
def test_without_a_cache_each_pass_is_the_whole_pass_of_a_longer_text(model: str) -> None:
    few = {} if model.startswith("hf:") else {"layers": 4}
    found = generated_by_request(Request(model=model, shape={"seq": 5, **few}), print, 2, cached=False)
    rows = {"last_row": True} if few else {}
    whole = [obtain(Request(model=model, shape={"seq": 5 + n, **few, **rows}), print).outline() for n in range(3)]
    assert [each.form for each in found.passes] == [
        tuple(step.equation for step in outline.steps() if step.equation in each.form)
        for each, outline in zip(found.passes, whole, strict=True)
    ]
    assert [bill.flops for bill in found.bills] == [outline.totals.matmul_flops for outline in whole]
    assert {(bill.cache_read, bill.cache_written) for bill in found.bills} == {(0, 0)}
    assert not [
        step for each in found.passes for step in each.steps if step.role in (Role.CACHE_APPEND, Role.CACHE_WRITE)
    ]


def test_what_a_cache_saves_is_the_difference_of_two_generations() -> None:
    request = Request(model="gpt2", shape={"seq": 5})
    whole, cached = (generated_by_request(request, print, 3, cached=kept) for kept in (False, True))
    assert whole.beside is not None
    assert whole.beside.bills == cached.bills
    told = render_grid(grid(whole), Options(width=200))
    assert "each pass computes all of the text again" in told
    assert "with a cache: 1.67 G FLOPs in products instead of 4.73 G" in told
    assert [sum(bill.flops for bill in each.bills) // 10**7 for each in (cached, whole)] == [166, 473]
    assert "bytes a token" not in told


def test_no_cache_is_of_several_passes(monkeypatch, capsys) -> None:
    from shapetrace.cli import main

    monkeypatch.setattr("sys.argv", ["shapetrace", "run", "gpt2", "--no-cache"])
    with pytest.raises(SystemExit) as ended:
        main.main()
    assert ended.value.code == 2
    assert "add --generate N" in capsys.readouterr().err


def test_a_prefill_longer_than_its_window_writes_the_rows_that_the_next_pass_finds() -> None:
    sizes = {
        "num_hidden_layers": 2, "hidden_size": 64, "intermediate_size": 96, "num_attention_heads": 4,
        "num_key_value_heads": 2, "vocab_size": 50, "sliding_window": 4, "eos_token_id": None,
    }  # fmt: skip
    model = MistralForCausalLM(MistralConfig(**sizes)).eval()
    with shapetrace.generation() as g:
        kept = model.generate(ids(10), max_new_tokens=2, do_sample=False, return_dict_in_generate=True).past_key_values
    row = 2 * 2 * 2 * 16 * 4  # layers, keys and values, heads, width, bytes of float32
    assert [layer.keys.shape[-2] for layer in kept.layers] == [3, 3]
    assert [(bill.cache_read, bill.cache_written) for bill in g.bills] == [(0, 3 * row), (3 * row, row)]


def test_a_loop_of_ones_own_without_a_cache_writes_none() -> None:
    model, text = llama(), ids()
    with shapetrace.generation() as g, torch.no_grad():
        for _ in range(3):
            text = torch.cat([text, model(text, use_cache=False).logits[:, -1:].argmax(-1)], -1)
    assert [(bill.cache_read, bill.cache_written) for bill in g.bills] == [(0, 0)] * 3
    assert g.cache_bytes == 0


@pytest.mark.parametrize("model", ["gpt2", "hf:gpt2", "transformer-base", "hf:t5"])
def test_several_sequences_keep_as_much_each(model) -> None:
    one, three = (
        generated_by_request(Request(model=model, shape={"seq": 5, "batch": n, "dtype": "bfloat16"}), print, 2)
        for n in (1, 3)
    )
    assert [(3 * b.cache_read, 3 * b.cache_written) for b in one.bills] == [
        (b.cache_read, b.cache_written) for b in three.bills
    ]
    assert [3 * bill.flops for bill in one.bills] == [bill.flops for bill in three.bills]
    weights = [each.bills[2].weights_read for each in (one, three)]
    assert weights[0] <= weights[1] < 1.001 * weights[0]  # of tables, a row for each sequence


def test_a_text_is_as_long_as_its_words_and_says_so_beside_a_length(monkeypatch, capsys) -> None:
    from shapetrace.cli import main

    found = generated_by_request(Request(model="gpt2", text="The capital of France is", shape={"layers": 2}), print, 1)
    assert [step.results[0].shape for step in found.passes[0].steps if step.kind == "scores"] == [(5, 5)]
    monkeypatch.setattr("sys.argv", ["shapetrace", "run", "gpt2", "--text", "a b", "--seq", "5", "--generate", "1"])
    with pytest.raises(SystemExit) as ended:
        main.main()
    assert ended.value.code == 2
    assert "--seq and a text of 2 tokens" in capsys.readouterr().err


@pytest.mark.parametrize("model", ["gpt2", "hf:gpt2"])
def test_the_length_of_a_prompt_has_a_name_of_its_own(model, monkeypatch, capsys) -> None:
    from shapetrace.cli import main

    monkeypatch.setattr("sys.argv", ["shapetrace", "run", model, "--prompt-len", "7", "--generate", "1", "-f", "csv"])
    with pytest.raises(SystemExit) as ended:
        main.main()
    assert not ended.value.code
    said = capsys.readouterr().out
    assert "[7,64]×[64,7]→[7,7]" in said and "[1,64]×[64,8]→[1,8]" in said
