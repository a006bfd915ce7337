"""What one call reads in several products is counted for one of them."""

import pytest
import torch
from torch import Tensor, nn

from shapetrace.outlining.roles import Role
from tests.outlining.reading import read


class InOneCall(nn.Module):
    """The weighted sum and the output projection in one `einsum`."""

    def __init__(self) -> None:
        super().__init__()
        self.q, self.k, self.v, self.o = (nn.Parameter(torch.randn(2, 8, 4)) for _ in range(4))

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = (torch.einsum("btd,hdk->bhtk", x, w) for w in (self.q, self.k, self.v))
        return torch.einsum("bhqt,bhtk,hdk->bqd", (q @ k.mT).softmax(-1), v, self.o)


def test_a_sum_and_the_product_after_it_in_one_call_share_no_weight() -> None:
    found = read(InOneCall(), torch.randn(2, 5, 8))
    told = {step.role: step.parameters for step in found.steps()}
    assert (told[Role.WEIGHTED_SUM], told[Role.OUT_PROJ]) == (0, 64)


class Packed(nn.Module):
    """Examples of different lengths: the recurrent weights multiply with a batch that grows smaller."""

    def __init__(self) -> None:
        super().__init__()
        self.cell = nn.LSTM(4, 6, batch_first=True)

    def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
        packed = nn.utils.rnn.pack_padded_sequence(x, lengths, batch_first=True)
        return nn.utils.rnn.pad_packed_sequence(self.cell(packed)[0], batch_first=True)[0]


def test_weights_of_packed_examples_are_counted_once() -> None:
    found = read(Packed(), torch.randn(3, 7, 4), torch.tensor([7, 5, 2]))
    own = [step.parameters for step in found.steps() if step.role is Role.RECURRENT]
    assert own == [6 * 24 + 24, 0, 0]
    assert next(step.title for step in found.steps()) == "Pack"


class Learning(nn.Module):
    """A pass that asks for gradients of a layer of its own."""

    def __init__(self, bend: nn.Module) -> None:
        super().__init__()
        self.inner, self.bend = nn.Linear(8, 8), bend

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        with torch.enable_grad():
            return torch.autograd.grad(self.bend(self.inner(x)).pow(2).mean(), self.inner.parameters())


@pytest.mark.parametrize("bend", [nn.ReLU(), nn.GELU(), nn.GLU(), nn.Softmax(-1), nn.LayerNorm(8), nn.ELU()])
def test_gradients_that_a_pass_asks_for_are_known(bend: nn.Module) -> None:
    found = read(Learning(bend), torch.randn(3, 8, requires_grad=True), all_used=False)
    assert any("gradient" in step.title for step in found.steps())
