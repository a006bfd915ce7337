"""Recurrent layers: the products of the step-by-step run, in a trace that does not grow with the steps."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence
from torch.utils.flop_counter import FlopCounterMode

from shapetrace.capture import capture
from shapetrace.capture.known_calls import building
from shapetrace.ir import Trace
from shapetrace.outlining import outline
from tests.capture.oracles import kernels, traced_output

LAYERS: dict[str, Callable[[], nn.RNNBase]] = {
    "lstm": lambda: nn.LSTM(8, 6),
    "lstm, two layers, both ways": lambda: nn.LSTM(8, 6, 2, bidirectional=True, batch_first=True),
    "lstm without biases": lambda: nn.LSTM(8, 6, bias=False),
    "lstm with a projection": lambda: nn.LSTM(8, 6, proj_size=3, bidirectional=True),
    "gru": lambda: nn.GRU(8, 6, batch_first=True),
    "gru, three layers, both ways": lambda: nn.GRU(8, 6, 3, bidirectional=True),
    "rnn": lambda: nn.RNN(8, 6, 2, bidirectional=True),
    "rnn with relu": lambda: nn.RNN(8, 6, nonlinearity="relu", bias=False),
}
LENGTHS = (2, 5, 5, 3)

all_layers = pytest.mark.parametrize("make", LAYERS.values(), ids=LAYERS.keys())
pytestmark = [
    pytest.mark.filterwarnings("ignore:LSTM with projections:UserWarning"),
    pytest.mark.filterwarnings("ignore:TF32 acceleration:UserWarning"),
]


def packed() -> PackedSequence:
    return pack_padded_sequence(torch.randn(5, 4, 8), torch.tensor(LENGTHS), enforce_sorted=False)


def counted(model: nn.Module, data: Tensor | PackedSequence) -> int:
    """FLOPs of the products, step by step, as torch counts them."""
    with torch.backends.mkldnn.flags(enabled=False), torch.no_grad(), FlopCounterMode(display=False) as counter:
        model(data)
    return counter.get_total_flops()


def on_meta(make: Callable[[], nn.Module]) -> nn.Module:
    with building():
        return make().eval()


@all_layers
@pytest.mark.parametrize("data", [torch.randn(5, 4, 8), packed()], ids=["whole", "packed"])
def test_the_products_are_those_of_every_step(make: Callable[[], nn.RNNBase], data: Tensor | PackedSequence) -> None:
    model = make().eval()
    expected, parameters = counted(model, data), sum(p.numel() for p in model.parameters())
    for found in (outline(capture(model, (data,))), outline(capture(on_meta(make), (data,)))):
        steps = [step for step in found.steps() if step.kind == "product"]
        assert found.totals.matmul_flops == sum((step.flops or 0) * step.repeat for step in steps) == expected
        assert found.totals.uncounted == {} and found.totals.parameters == parameters
        if isinstance(data, Tensor):
            assert sum(step.parameters * step.repeat for step in steps) == parameters


@all_layers
@pytest.mark.parametrize("device", ["cpu", "meta"])
def test_a_trace_does_not_grow_with_the_steps(make: Callable[[], nn.RNNBase], device: str) -> None:
    def taken(n_steps: int) -> Trace:
        model = make().to(device).eval()
        return capture(model, (torch.zeros((2, n_steps, 8) if model.batch_first else (n_steps, 2, 8), device=device),))

    short, long = taken(3), taken(50)
    assert kernels(short) == kernels(long)
    times = {kernel.times for op in long.ops for kernel in op.kernels if "mm" in kernel.name}
    assert times == {1, 50}


@all_layers
@pytest.mark.parametrize("train", [False, True])
def test_what_a_layer_gives_is_what_it_gives_untraced(make: Callable[[], nn.RNNBase], train: bool) -> None:
    model, data = make().train(train), torch.randn(5, 4, 8)
    with torch.set_grad_enabled(train):
        trace, seen = traced_output(model, data)
        expected = model(data)
    states = expected[1] if isinstance(expected[1], tuple) else (expected[1],)
    assert all(torch.equal(one, other) for one, other in zip(seen, (expected[0], *states), strict=True))
    assert [trace.tensors[i].shape for i in trace.outputs] == [tuple(t.shape) for t in (expected[0], *states)]
    assert set(trace.outputs) <= set(trace.ops[-1].outputs)
    assert seen[0].requires_grad == train


@all_layers
def test_packed_sequences_have_the_shapes_of_the_cpu_on_meta(make: Callable[[], nn.RNNBase]) -> None:
    out, last = make()(packed())
    trace = capture(on_meta(make), (packed(),))
    expected = {tuple(tensor.shape) for tensor in (out.data, *(last if isinstance(last, tuple) else (last,)))}
    assert {trace.tensors[i].shape for i in trace.outputs} >= expected


def test_positions_stay_positions_through_a_recurrent_layer() -> None:
    class Tagger(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.lstm, self.head = nn.LSTM(8, 6, batch_first=True), nn.Linear(6, 3)

        def forward(self, x: Tensor) -> Tensor:
            return self.head(self.lstm(x)[0])

    steps = [step for step in outline(capture(Tagger(), (torch.randn(2, 7, 8),))).steps() if step.kind == "product"]
    assert [step.equation for step in steps] == [
        "[2,7,8]×[8,24]→[2,7,24]", "[2,6]×[6,24]→[2,24]", "[2,7,6]×[6,3]→[2,7,3]"
    ]  # fmt: skip


def test_a_wrong_input_is_the_layers_own_error() -> None:
    with pytest.raises(RuntimeError, match=r"input.size\(-1\) must be equal to input_size"):
        capture(nn.GRU(8, 6), (torch.zeros(5, 2, 9),))
