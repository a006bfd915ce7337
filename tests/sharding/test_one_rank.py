"""One rank of a model by a published plan: its parameters, products and collectives, against counts made elsewhere."""

import warnings
from collections import Counter
from typing import Any

import pytest
import torch
from torch.distributed.tensor.debug import CommDebugMode

from shapetrace.api import Trace
from shapetrace.capture.sharded import finish
from shapetrace.errors import UsageError
from shapetrace.models import building, huggingface, presets
from shapetrace.obtaining import obtain
from shapetrace.request import Request, settings_of
from shapetrace.sharding import hf_plans, megatron
from shapetrace.sharding.degrees import Degrees
from shapetrace.sharding.grouping import simulated
from tests.sharding.small import HF, SHAPES, hugging, preset, roles

PRESETS = ("llama-3.1-8b", "gpt2", "mixtral-8x7b", "deepseek-v3")


def one_of(name: str, **degrees: Any) -> Trace:
    return hugging(name, **degrees) if name in HF else preset(name, **degrees)


@pytest.mark.parametrize("name", [*PRESETS, "llama", "mixtral"])
def test_a_rank_has_the_roles_of_the_whole_pass(name: str) -> None:
    assert roles(one_of(name, tp=4)) == roles(one_of(name))


def test_a_rank_is_told_what_all_do_together() -> None:
    def told(trace: Trace) -> list[str]:
        return [step.title for step in trace.outline().steps() if step.section == "h.0.mlp" and step.kind == "product"]

    assert told(preset("gpt2", tp=8)) == told(preset("gpt2")) == ["Expand", "Shrink"]  # 64 to 256, of which it has 32


def test_what_goes_through_the_model_keeps_its_name_where_ids_are_another_rank_s() -> None:
    steps = list(one_of("llama-3.1-8b", tp=2).outline().steps())
    embedded = steps[: next(i for i, step in enumerate(steps) if step.kind == "norm") + 1]
    assert [step.results[0].name for step in embedded] == ["X", "X", "X", "X̂"]


@pytest.mark.parametrize("name", ["llama-3.1-8b", "gpt2", "llama"])
def test_products_of_all_ranks_add_up_to_the_whole_pass(name: str) -> None:
    ranks = [one_of(name, tp=4, rank=rank).totals.flops for rank in range(4)]
    assert sum(ranks) == one_of(name).totals.flops


@pytest.mark.parametrize("name", ["llama-3.1-8b", "gpt2"])
def test_sharded_parameters_of_all_ranks_add_up(name: str) -> None:
    traces = [preset(name, tp=4, rank=rank) for rank in range(4)]
    whole = preset(name).totals.parameters
    everywhere = sum(
        size
        for parameter in traces[0].parameters
        if parameter.name not in {layout.name for layout in traces[0].world.layouts}
        for size in [torch.Size(parameter.shape).numel()]
        if not parameter.buffer
    )
    replicated = {
        layout.name: torch.Size(layout.shape).numel()
        for layout in traces[0].world.layouts
        if layout.name and all(placement.kind == "replicate" for placement in layout.placements)
    }
    once = everywhere + sum(replicated.values())
    assert sum(trace.totals.parameters for trace in traces) == whole + 3 * once
    assert all(trace.outline().ranks.parameters == whole for trace in traces)


@pytest.mark.parametrize("name", ["llama-3.1-8b", "gpt2", "mixtral-8x7b"])
@pytest.mark.parametrize("sp", [False, True])
def test_collectives_of_presets_are_those_that_pytorch_counts(name: str, sp: bool) -> None:
    if sp and name == "mixtral-8x7b":
        pytest.skip("rows are not shared there")
    request = Request(model=name, shape={**SHAPES[name], "device": "cpu"}, ranks=Degrees(tp=4, sp=sp))
    _, settings = settings_of(request)
    counted = CommDebugMode()
    with simulated(request.ranks):
        model = megatron.shard(building.build(settings), settings, request.ranks)
        args, _ = building.inputs(settings)
        with counted:
            finish([model(*args)])
    assert _by_talk(preset(name, tp=4, sp=sp)) == _by_name(counted)


@pytest.mark.parametrize(("kind", "degrees"), [("llama", {"tp": 4}), ("mixtral", {"tp": 4, "ep": 4})])
def test_collectives_of_transformers_are_those_that_pytorch_counts(kind: str, degrees: dict[str, int]) -> None:
    configuration = huggingface.config(kind, huggingface.parse_entries(HF[kind]))
    counted = CommDebugMode()
    with simulated(Degrees(**degrees)):
        model = hf_plans.shard(huggingface.build(configuration, device="cpu"), Degrees(**degrees))
        with counted, warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # hooks of the counter want plain tensors
            finish([model(torch.zeros(1, 16, dtype=torch.int64)).logits])
    assert _by_talk(hugging(kind, **degrees)) == _by_name(counted)


def _by_talk(trace: Trace) -> Counter[str]:
    return Counter(step.transfer.talk for step in _all_steps(trace))


def _all_steps(trace: Trace) -> list[Any]:
    return [step for step in trace.outline().steps() if step.transfer for _ in range(step.repeat)]


def _by_name(counted: CommDebugMode) -> Counter[str]:
    words = {"all_reduce": "all_reduce", "allreduce_": "all_reduce", "all_gather_into_tensor": "all_gather",
             "reduce_scatter_tensor": "reduce_scatter"}  # fmt: skip
    found: Counter[str] = Counter()
    for op, n in counted.get_comm_counts().items():
        found[words[op.__name__.partition(".")[0]]] += n
    return found


def test_llama_405b_on_8_of_1024_ranks() -> None:
    trace = obtain(
        Request(model="llama-3.1-405b", shape={"seq": 4096, "dtype": "bfloat16"}, ranks=Degrees(tp=8, world=1024)),
        print,
    )
    found = trace.outline()
    assert (found.totals.parameters, found.ranks.parameters) == (50_735_300_608, 405_853_388_800)
    assert found.ranks.collectives == {"all_reduce": 253, "all_gather": 1}
    blocks = sum(step.repeat for step in found.steps() if step.transfer and step.section.startswith("h."))
    assert blocks == 252
    fused = {step.title: step.equation for step in trace.outline(fused=True).steps()}
    assert fused["Query"] == "[4096,16384]×[16384,2048]→[4096,2048] of 8"
    b, t, d, p = 2, 4096, 16384, 8
    assert found.ranks.sent == 253 * (2 * b * t * d * (p - 1) // p) + b * t * (128256 // p) * (p - 1)


def test_llama_405b_of_transformers_is_shared_as_the_preset() -> None:
    entries = ("hidden_size=16384", "intermediate_size=53248", "num_hidden_layers=126", "num_attention_heads=128",
               "num_key_value_heads=8", "vocab_size=128256", "tie_word_embeddings=false")  # fmt: skip
    found = obtain(
        Request(model="hf:llama", shape={"seq": 64}, hf_set=entries, ranks=Degrees(tp=8, world=1024)), print
    ).outline()
    assert (found.totals.parameters, found.ranks.parameters) == (50_735_300_608, 405_853_388_800)
    assert found.ranks.collectives == {"all_reduce": 253, "all_gather": 1}
    assert found.ranks.whole == ()


def test_deepseek_v3_has_its_attention_whole_on_every_rank() -> None:
    found = obtain(Request(model="hf:deepseek_v3", shape={"seq": 64}, ranks=Degrees(tp=8)), print).outline()
    assert (found.totals.parameters, found.ranks.parameters) == (93_959_052_288, 671_026_404_352)
    assert found.ranks.whole == ("attention",)


def test_megatrons_plan_cuts_what_widens_the_latents_of_deepseek_v3_and_what_follows() -> None:
    found = obtain(Request(model="deepseek-v3", shape={"seq": 64}, ranks=Degrees(tp=8)), print).outline()
    heads, layers = 128, 61
    queries, keys_and_values, out = 1536 * heads * (128 + 64), 512 * heads * (128 + 128), heads * 128 * 7168
    cut = (queries + keys_and_values + out) * layers
    assert found.totals.parameters == 93_959_052_288 - cut * 7 // 8 == 84_780_342_272
    assert found.ranks.parameters == 671_026_404_352
    assert found.ranks.whole == ()


@pytest.mark.parametrize(("degrees", "experts"), [({"tp": 8}, (8, 3584, 4096)), ({"tp": 8, "ep": 8}, (1, 28672, 4096))])
def test_experts_of_mixtral(degrees: dict[str, int], experts: tuple[int, ...]) -> None:
    trace = obtain(Request(model="hf:mixtral", shape={"seq": 64}, ranks=Degrees(**degrees)), print)
    assert trace.totals.parameters == 5_838_999_552
    shapes = {parameter.shape for parameter in trace.parameters if parameter.name.endswith("experts.gate_up_proj")}
    assert shapes == {experts}


def test_more_ranks_than_key_heads_fail_in_a_view() -> None:
    trace = hugging("llama", tp=8)
    assert trace.failure is not None
    assert trace.outline().explained is not None


@pytest.mark.parametrize(
    ("model", "degrees", "said"),
    [
        ("hf:gpt2", {"tp": 8}, "no tensor-parallel plan for GPT2LMHeadModel"),
        ("hf:llama", {"tp": 2, "sp": True}, "shares no rows"),
        ("hf:llama", {"ep": 2}, "no expert-parallel plan"),
        ("lecture-gpt", {"tp": 2}, "heads that are modules of their own"),
        ("mixtral-8x7b", {"ep": 8}, "use hf:"),
        ("gpt2", {"tp": 4, "world": 6}, "no multiple"),
        ("gpt2", {"tp": 4, "rank": 4}, "from 0 to 3"),
        ("gpt2", {"tp": 0}, "give 1 or more"),
        ("toy:relu", {"tp": 2}, "shards itself"),
    ],
)
def test_what_cannot_be_shared_is_said_in_one_line(model: str, degrees: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said) as caught:
        obtain(Request(model=model, ranks=Degrees(**degrees)), print)
    assert "\n" not in str(caught.value)


def test_presets_are_found() -> None:
    assert set(PRESETS) <= set(presets.names())
