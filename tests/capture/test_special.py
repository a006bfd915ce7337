"""Modules that are more than Python code: compiled, scripted, with their own gradients, wrapped weights."""

import subprocess
import sys
import warnings
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.attention.bias import causal_lower_right, causal_upper_left
from torch.nn.attention.flex_attention import AuxRequest, create_block_mask, flex_attention
from torch.nn.functional import scaled_dot_product_attention
from torch.nn.utils import parametrizations
from torch.utils.checkpoint import checkpoint

from shapetrace.capture import capture
from shapetrace.outlining import outline
from shapetrace.outlining.roles import Role
from tests.capture.oracles import kernels, names, only, recorded_shapes, traced_output, with_real_shapes


def x(*shape: int) -> Tensor:
    return torch.ones(shape or (2, 4))


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of torch's own modules
def test_a_compiled_module_runs_as_the_code_it_was_made_from() -> None:
    model = nn.Sequential(nn.Linear(4, 4), nn.ReLU())
    expected = names(capture(model, (x(),)))
    assert names(capture(torch.compile(model), (x(),))) == expected


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_compiled_module_inside_a_model_does_too() -> None:
    model = nn.Sequential(torch.compile(nn.Linear(4, 4)), nn.ReLU())
    assert names(capture(model, (x(),))) == ["linear", "relu"]


def test_the_kernels_of_a_scripted_module_are_recorded() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # TorchScript is deprecated, and still met
        scripted = torch.jit.script(nn.Linear(4, 3))
    trace = capture(nn.Sequential(scripted, nn.ReLU()), (x(),))
    assert "addmm" in kernels(trace)
    assert outline(trace).totals.matmul_flops == 2 * 2 * 4 * 3


class Square(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, value: Tensor, weight: Tensor) -> Tensor:
        ctx.save_for_backward(value, weight)
        return (value * value) @ weight

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:  # noqa: ARG004
        return grad, None


class Squares(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(4, 3))

    def forward(self, value: Tensor) -> Tensor:
        return Square.apply(value, self.weight).exp()


def test_the_work_of_an_autograd_function_is_recorded() -> None:
    trace = capture(Squares(), (x(),))
    assert kernels(trace)[:3] == ["mul", "mm", "exp"]
    assert only(trace, "exp").inputs == trace.ops[-2].outputs
    assert [step.equation for step in outline(trace).steps() if step.kind == "product"] == ["[2,4]×[4,3]→[2,3]"]


@pytest.mark.parametrize(
    "wrap", [parametrizations.weight_norm, parametrizations.orthogonal, parametrizations.spectral_norm]
)
def test_a_reparametrised_weight_is_a_weight(wrap: Any) -> None:
    model = wrap(nn.Linear(4, 4))
    trace = capture(model.eval(), (x(),))
    linear = only(trace, "linear")
    assert [trace.tensors[i].role for i in linear.inputs] == ["data", "weight", "weight"]
    steps = list(outline(trace).steps())
    assert sum(step.parameters * step.repeat for step in steps) == sum(p.numel() for p in model.parameters())


class Lora(nn.Module):
    """A frozen layer with a low-rank update beside it."""

    def __init__(self, base: nn.Linear, rank: int) -> None:
        super().__init__()
        self.base, self.scale = base.requires_grad_(False), 0.5
        self.A = nn.Parameter(torch.zeros(rank, base.in_features))
        self.B = nn.Parameter(torch.zeros(base.out_features, rank))

    def forward(self, value: Tensor) -> Tensor:
        return self.base(value) + (value @ self.A.T @ self.B.T) * self.scale


def test_a_low_rank_wrapper_is_three_products() -> None:
    found = outline(capture(nn.Sequential(Lora(nn.Linear(8, 6), 2)), (x(3, 8),)))
    products = [step.equation for step in found.steps() if step.kind == "product"]
    assert products == ["[3,8]×[8,6]→[3,6]", "[3,8]×[8,2]→[3,2]", "[3,2]×[2,6]→[3,6]"]
    assert sum(step.parameters for step in found.steps()) == 8 * 6 + 6 + 2 * 8 + 6 * 2


class Quantised(nn.Module):
    """Whole numbers and a scale for each row, kept as buffers."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("q", torch.ones(6, 8, dtype=torch.int8))
        self.register_buffer("scale", torch.ones(6, 1))

    def forward(self, value: Tensor) -> Tensor:
        return F.linear(value, self.q.to(value.dtype) * self.scale)


def test_a_buffer_multiplied_with_data_is_a_weight() -> None:
    (step,) = [s for s in outline(capture(Quantised(), (x(3, 8),))).steps() if s.kind == "product"]
    assert step.equation == "[3,8]×[8,6]→[3,6]"
    assert [operand.role for operand in step.operands] == ["data", "weight"]


@pytest.mark.parametrize("reentrant", [False, True])
def test_a_checkpointed_block_is_recorded_once(reentrant: bool) -> None:
    class Saves(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.fc = nn.Linear(4, 4)

        def forward(self, value: Tensor) -> Tensor:
            return checkpoint(self.fc, value, use_reentrant=reentrant).exp()

    trace = capture(Saves(), (x().requires_grad_(),))
    assert [name for name in names(trace) if name in ("linear", "exp")] == ["linear", "exp"]


def test_multi_head_attention_is_opened() -> None:
    model = nn.MultiheadAttention(16, 4, batch_first=True)
    trace = capture(model, (x(1, 5, 16),) * 3, {"need_weights": False})
    (call,) = [call for call in trace.calls if call.kind == "function"]
    assert call.type == "multi_head_attention_forward"
    assert {"linear", "scaled_dot_product_attention"} <= {op.name for op in trace.ops if op.call == call.id}


def test_the_function_of_multi_head_attention_is_left_as_it_was() -> None:
    question = F.multi_head_attention_forward.__globals__["has_torch_function"]
    capture(nn.MultiheadAttention(16, 4), (x(5, 1, 16),) * 3)
    assert F.multi_head_attention_forward.__globals__["has_torch_function"] is question


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("grad", [False, True])
def test_the_fused_encoder_layer_is_recorded_as_its_parts(training: bool, grad: bool) -> None:
    model = nn.TransformerEncoderLayer(16, 4, 32, batch_first=True).train(training)
    with torch.set_grad_enabled(grad):
        trace, seen = with_real_shapes(model, x(1, 5, 16))
        bare = capture(model, (x(1, 5, 16),))
    assert sorted(recorded_shapes(trace)) == sorted(seen)
    assert "_transformer_encoder_layer_fwd" not in kernels(bare)
    assert names(bare) == names(trace)


class Vmapped(nn.Module):
    def forward(self, value: Tensor) -> Tensor:
        return torch.vmap(lambda row: row.exp() * 2)(value)


def test_vmap_does_not_break_a_trace() -> None:
    trace = capture(Vmapped(), (x(),))
    assert trace.tensors[trace.outputs[0]].shape == (2, 4)
    assert trace.tensors[trace.outputs[0]].role == "data"


class Casts(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(4, 4)

    def forward(self, value: Tensor) -> Tensor:
        with torch.autocast("cpu", dtype=torch.bfloat16):
            return self.fc(value)


def test_autocast_is_recorded_and_its_weight_is_the_parameter() -> None:
    (step,) = [s for s in outline(capture(Casts(), (x(),))).steps() if s.kind == "product"]
    assert step.equation == "[2,4]×[4,4]→[2,4]" and step.parameters == 20


@pytest.mark.parametrize("grad", [torch.no_grad, torch.enable_grad, torch.inference_mode])
@pytest.mark.parametrize(
    "layer",
    [
        lambda: nn.LSTM(8, 16, num_layers=2, bidirectional=True, batch_first=True),
        lambda: nn.LSTM(8, 16, bias=False),
        lambda: nn.GRU(8, 16, num_layers=2),
    ],
)
def test_a_recurrent_layer_that_runs_as_one_kernel_is_taken_down_as_its_products(layer: Any, grad: Any) -> None:
    model, data = layer(), torch.randn(2, 5, 8)
    seen: list[Tensor] = []
    model.register_forward_hook(lambda _module, _args, output: seen.append(output[0]))
    with grad():
        fused, opened = capture(model, (data,)), capture(layer().to("meta"), (data,))
        assert torch.allclose(seen[0], model(data)[0])
    assert "mkldnn_rnn_layer" not in kernels(fused)
    assert [outline(trace).totals.uncounted for trace in (fused, opened)] == [{}, {}]
    assert outline(fused).totals.matmul_flops == outline(opened).totals.matmul_flops > 0
    assert set(fused.outputs) <= set(fused.ops[-1].outputs)


class Flexible(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.q, self.k, self.v = (nn.Linear(32, 32) for _ in range(3))

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = (part(x).unflatten(-1, (2, 16)).transpose(1, 2) for part in (self.q, self.k, self.v))
        return self.attend(q, k, v).transpose(1, 2).flatten(2)

    @staticmethod
    def attend(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        mask = create_block_mask(lambda _b, _h, i, j: i >= j, None, None, q.shape[-2], q.shape[-2], device="cpu")
        return flex_attention(q, k, v, block_mask=mask)


@pytest.mark.filterwarnings("ignore:.*flex_attention called without torch.compile")
def test_flex_attention_is_read_with_its_mask() -> None:
    model, x = Flexible(), torch.randn(1, 8, 32)
    with torch.no_grad():
        expected = model(x)
        trace, (*_, got) = traced_output(model, x)
    assert torch.equal(got, expected)
    steps = {step.role: step for step in outline(trace).steps()}
    assert steps[Role.SCORES].equation == "[8,16]×[16,8]→[8,8]"
    assert steps[Role.SCORES].results[0].pattern == "causal"
    assert steps[Role.WEIGHTED_SUM].operands[0].stack == 2


def test_what_flex_attention_returns_to_nobody_is_no_step() -> None:
    model, x = Flexible(), torch.randn(1, 8, 32)
    with torch.no_grad():
        unread = outline(capture(model, (x,)))
        model.attend = lambda q, k, v: (
            (found := flex_attention(q, k, v, return_aux=AuxRequest(lse=True)))[0] * found[1].lse[..., None]
        )
        read = outline(capture(model, (x,)))
    after = [[s for s in each.steps() if "ogsumexp" in s.title] for each in (unread, read)]
    assert unread.coverage.reasons["not read"] > read.coverage.reasons["not read"]
    assert [len(found) for found in after] == [0, 1]


@pytest.mark.filterwarnings("ignore:.*flex_attention called without torch.compile")
def test_distances_that_flex_attention_adds_hide_nothing() -> None:
    slopes = torch.tensor([0.5, 0.25])
    model, x = Flexible(), torch.randn(1, 8, 32)
    with torch.no_grad():
        model.attend = lambda q, k, v: flex_attention(q, k, v, score_mod=lambda s, _b, h, i, j: s + slopes[h] * (j - i))
        (scores,) = (step for step in outline(capture(model, (x,))).steps() if step.role is Role.SCORES)
    assert "plus a bias" in map(str, scores.notes)
    assert "masked" not in map(str, scores.notes)


@pytest.mark.parametrize(
    ("bias", "said"),
    [(causal_upper_left(8, 8), "causal mask"), (causal_lower_right(4, 8), "masked")],
)
def test_a_mask_of_a_class_of_its_own_is_what_its_kernel_says(bias: Tensor, said: str) -> None:
    model, x = Flexible(), torch.randn(1, 8, 32)
    model.attend = lambda q, k, v: scaled_dot_product_attention(q[:, :, -bias.seq_len_q :], k, v, attn_mask=bias)
    (scores,) = (step for step in outline(capture(model, (x,))).steps() if step.role is Role.SCORES)
    assert said in map(str, scores.notes)


def test_the_branch_that_is_taken_is_recorded() -> None:
    class Branches(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.yes, self.no = nn.Linear(4, 3), nn.Linear(4, 3)

        def forward(self, x: Tensor) -> Tensor:
            return torch.cond(x.sum() > 0, self.yes, self.no, (x,))

    trace, (got,) = traced_output(model := Branches(), torch.ones(2, 4))
    assert torch.equal(got, model.yes(torch.ones(2, 4)))
    assert [step.path for step in outline(trace).steps() if step.kind == "product"] == ["yes"]


def test_the_rows_of_a_jagged_tensor_are_multiplied_together() -> None:
    rows = torch.nested.nested_tensor([torch.ones(2, 4), torch.ones(3, 4)], layout=torch.jagged)
    model = nn.Sequential(nn.Linear(4, 6), nn.GELU(), nn.Linear(6, 2))
    trace, (got,) = traced_output(model, rows)
    assert torch.equal(got.values(), model(rows).values())
    assert [step.equation for step in outline(trace).steps()] == ["[5,4]×[4,6]→[5,6]", "[5,6]", "[5,6]×[6,2]→[5,2]"]
    assert outline(trace).totals.flops == 2 * 5 * (4 * 6 + 6 * 2)


def test_flex_attention_is_opened_where_no_compiler_was_loaded() -> None:
    code = """
import sys, torch
from torch.nn.attention.flex_attention import flex_attention
from shapetrace.capture import capture
class Net(torch.nn.Module):
    def forward(self, x):
        return flex_attention(x, x, x)
assert "torch._dynamo" not in sys.modules
ops = capture(Net(), (torch.randn(1, 2, 8, 16),)).ops
print(any(kernel.name.startswith("aten.bmm") for op in ops for kernel in op.kernels))
"""
    run = subprocess.run([sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout == "True\n"
