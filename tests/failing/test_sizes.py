"""Names of sizes in explanations: the model fails at other sizes too, and what did not fit is compared."""

import pytest
import torch
from torch import nn

import shapetrace
from shapetrace.failing import explanation
from shapetrace.obtaining import obtain
from shapetrace.proving import prove
from shapetrace.request import Request


class Masked(nn.Module):
    """A mask that is one too short, in the pass that is named."""

    def __init__(self) -> None:
        super().__init__()
        self.q, self.k = nn.Linear(64, 64), nn.Linear(64, 64)

    def forward(self, x: torch.Tensor, m: torch.Tensor) -> torch.Tensor:
        return self.q(x) @ self.k(x).transpose(-1, -2) + m[:, :-1]


class Convolved(nn.Module):
    """A head that was made for pictures of another size."""

    def __init__(self) -> None:
        super().__init__()
        self.c, self.f = nn.Conv2d(3, 16, 3), nn.Linear(1000, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.f(self.c(x).flatten(1))


class Viewed(nn.Module):
    """Fails before anything says what the columns of its input are."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.view(4, 12, 60)


class Even(nn.Module):
    """Fails at some sizes alone."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x[:, ::2] + x[:, 1::2]


def explained(model: nn.Module, *args: torch.Tensor):
    with pytest.raises(RuntimeError) as caught:
        shapetrace.sizes(model, *args)
    found = explanation(caught.value.trace)
    assert found is not None
    assert str(found.clash) in "".join(caught.value.__notes__)
    return found


def test_sizes_that_do_not_fit_have_their_names():
    found = explained(Masked(), torch.randn(2, 16, 64), torch.zeros(16, 16))
    assert found.clash == "16 (T) ≠ 15 (m_1−1)"
    assert [part.names for part in found.parts] == [("B", "T", "T"), ("m_0", "m_1−1")]


def test_a_width_that_many_sizes_make_has_its_formula():
    found = explained(Convolved(), torch.randn(2, 3, 10, 10))
    assert found.clash == "1024 (16·(H_img·W_img−2·H_img−2·W_img+4)) ≠ 1000"


def test_what_meets_a_weight_where_the_pass_fails_is_no_length():
    found = explained(nn.Linear(512, 10), torch.randn(4, 768))
    assert found.clash == "768 ≠ 512"
    assert found.parts[0].names == ("B", "")


def test_axes_that_nothing_told_apart_are_called_by_their_input():
    assert explained(Viewed(), torch.randn(4, 768)).parts[0].names == ("x_0", "x_1")


def test_a_size_at_which_the_pass_does_not_fail_proves_nothing():
    found = explained(Even(), torch.randn(3, 7))
    assert found.clash == "4 ≠ 3"


def test_names_of_a_configuration_are_in_its_explanation():
    request = Request(model="hf:gpt2", inputs=("inputs_embeds=1x16x512:float32",))
    found = explanation(prove(request, obtain(request, str)))
    assert found is not None
    assert found.clash == "512 ≠ 768 (d_model)"
