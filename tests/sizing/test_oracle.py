"""Names by varying and PyTorch's symbols say the same of every module's output, on models of different authors."""

import json
from collections.abc import Callable

import pytest
import torch

from shapetrace import hf_obtaining, obtaining
from shapetrace.ir import Trace
from shapetrace.models import huggingface
from shapetrace.proving import prove
from shapetrace.request import Request
from shapetrace.sizing import parse
from tests.sizing.oracle import symbolic_outputs

BATCH, LENGTH = 3, 24

FAMILIES = {
    "gpt2": {"n_layer": 2, "n_embd": 48, "n_head": 4, "vocab_size": 51000},
    "llama": {"hidden_size": 48, "num_attention_heads": 4, "num_key_value_heads": 2, "intermediate_size": 80},
    "qwen3": {"hidden_size": 48, "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 24},
    "mistral": {"hidden_size": 64, "num_attention_heads": 4, "num_key_value_heads": 2, "intermediate_size": 96},
    "gemma2": {"hidden_size": 48, "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 16},
    "phi3": {"hidden_size": 64, "num_attention_heads": 4, "num_key_value_heads": 2, "intermediate_size": 96},
    "olmo2": {"hidden_size": 64, "num_attention_heads": 4, "num_key_value_heads": 4, "intermediate_size": 96},
    "gpt_neox": {"hidden_size": 64, "num_attention_heads": 4, "intermediate_size": 96},
    "bert": {"hidden_size": 48, "num_attention_heads": 4, "intermediate_size": 80},
    "starcoder2": {"hidden_size": 48, "num_attention_heads": 4, "num_key_value_heads": 2, "intermediate_size": 80},
}


def request(family: str) -> Request:
    entries = FAMILIES[family] | ({} if family == "gpt2" else {"num_hidden_layers": 2})
    words = tuple(f"{name}={json.dumps(value)}" for name, value in entries.items())
    return Request(model=f"hf:{family}", shape={"batch": BATCH, "seq": LENGTH}, hf_set=words)


def named(asked: Request) -> Trace:
    return prove(asked, hf_obtaining.obtain(asked, str))


ALIKE = {"mistral", "olmo2", "starcoder2"}
"""Families whose operations others have too: their formulas are compared by the slow tests."""


@pytest.mark.parametrize(
    "family", [pytest.param(name, marks=pytest.mark.slow) if name in ALIKE else name for name in FAMILIES]
)
def test_formulas_of_module_outputs_are_those_of_symbolic_shapes(family: str) -> None:
    pytest.importorskip("transformers")
    asked = request(family)
    trace = named(asked)
    assert trace.sizes is not None

    def build() -> torch.nn.Module:
        config = huggingface.config(family, huggingface.parse_entries(asked.hf_set))
        return huggingface.build(config, device="cpu")

    shapes, symbols = symbolic_outputs(build, BATCH, LENGTH)
    counts: dict[str, int] = {}
    compared = 0
    for call in trace.calls:
        if call.kind != "module" or not call.outputs:
            continue
        nth = counts[call.path] = counts.get(call.path, -1) + 1
        expected = shapes.get((call.path, nth, 0))
        if expected is None:
            continue
        for place, size in zip(trace.sizes.axes[call.outputs[0]], expected, strict=True):
            assert place >= 0, (call.path, expected)
            formula = parse(trace.sizes.formulas[place])
            for batch, length in ((BATCH, LENGTH), (5, 17), (2, 31)):
                real = {symbols["B"]: batch, symbols["T"]: length}
                known = size if isinstance(size, int) else int(size.subs(real))
                assert formula.at({**trace.sizes.symbols, "B": batch, "T": length}) == known, (call.path, str(formula))
                compared += 1
    assert compared > 60


@pytest.mark.parametrize(
    ("family", "entries"),
    [("qwen3_moe", ("num_hidden_layers=2", "num_local_experts=16")), ("gemma3_text", ("num_hidden_layers=2",))],
)
def test_a_draw_that_takes_another_branch_gives_way_to_one_that_does_not(family: str, entries: tuple[str, ...]) -> None:
    """Heads wider than 256 columns are not shared by PyTorch's attention, but copied by the code of transformers."""
    pytest.importorskip("transformers")
    found = named(Request(model=f"hf:{family}", shape={"seq": 64}, hf_set=("vocab_size=1024", *entries)))
    assert found.sizes is not None
    assert {"h", "h_kv"} <= found.sizes.symbols.keys()
    assert all(-1 not in found.sizes.axes[tensor.id] for tensor in found.tensors if tensor.role == "data")


def test_a_picture_that_is_halved_again_and_again_is_named_as_it_went_in() -> None:
    """A draw is so small that inputs are made larger than the configuration says."""
    pytest.importorskip("transformers")
    found = named(Request(model="hf:convnext", hf_set=("depths=[1,1,1,1]",)))
    assert found.sizes is not None
    assert {"⌊H_img/(2·p)⌋", "B·⌊H_img/(2·p)⌋²"} <= {*found.sizes.formulas}
    assert all(-1 not in found.sizes.axes[tensor.id] for tensor in found.tensors if tensor.role == "data")


def test_heads_of_keys_that_are_as_many_as_those_of_queries_are_one_number_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pytest.importorskip("transformers")
    found, n_passes = counted(
        monkeypatch, Request(model="hf:llama", shape={"seq": 64}, hf_set=("num_hidden_layers=2", "vocab_size=1024"))
    )
    assert found.sizes is not None
    assert found.sizes.entries["h"] == "num_attention_heads, num_key_value_heads"
    assert n_passes < 18  # one by one they were twice as many


@pytest.mark.parametrize(
    ("model", "names", "most"),
    [
        ("gpt2", {"B", "T", "h", "d_model"}, ("T", 1024)),  # a table as long as the input
        ("bloom", {"B", "T", "h", "d_model", "V"}, None),  # other slopes where heads are no power of two
        ("mistral", {"B", "T", "h", "h_kv", "d_head", "d_ff"}, ("T", 4095)),  # a wide head is another kernel; a window
        ("t5", {"B", "T", "h", "d_head"}, None),  # one token alone takes another branch
    ],
)
def test_few_passes_tell_all_sizes_and_where_they_end(
    monkeypatch: pytest.MonkeyPatch, model: str, names: set[str], most: tuple[str, int] | None
) -> None:
    pytest.importorskip("transformers")
    found, n_passes = counted(monkeypatch, Request(model=f"hf:{model}"))
    assert found.sizes is not None
    assert names <= found.sizes.entries.keys()
    assert not found.sizes.refused
    assert n_passes <= 12
    ends = {each.symbol: each.most for each in found.sizes.ranges}
    assert most is None or ends[most[0]] == most[1]


def counted(monkeypatch: pytest.MonkeyPatch, request: Request) -> tuple[Trace, int]:
    """The pass with its names, and how many passes it took."""
    passes, run = list[Request](), obtaining.obtain

    def obtained(asked: Request, say: Callable[[str], None], *, completes: bool = True) -> Trace:
        passes.append(asked)
        return run(asked, say, completes=completes)

    monkeypatch.setattr(obtaining, "obtain", obtained)
    return named(request), len(passes)
