"""Any module graph: its shapes are the real ones, its file is read back, its sums hold however layers are folded."""

from collections.abc import Callable

import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from shapetrace.capture import capture
from shapetrace.outlining import outline
from shapetrace.serialize import from_json, to_json
from tests.capture.oracles import Counting, recorded_shapes, with_real_shapes, written_out
from tests.capture.samples import Attends

D = 8
Makes = Callable[[], nn.Module]


class Adds(nn.Sequential):
    """What its parts make of x, added to x."""

    def forward(self, x: Tensor) -> Tensor:
        return x + super().forward(x)


class Repeats(nn.Module):
    """One module, called several times."""

    def __init__(self, inner: nn.Module, times: int) -> None:
        super().__init__()
        self.inner, self.times = inner, times

    def forward(self, x: Tensor) -> Tensor:
        for _ in range(self.times):
            x = self.inner(x)
        return x


class Hides(nn.Module):
    """Modules in a plain list, the weight of the last one read by hand."""

    def __init__(self, parts: list[nn.Module]) -> None:
        super().__init__()
        self.first, self.parts = nn.Linear(D, D), parts

    def forward(self, x: Tensor) -> Tensor:
        for part in self.parts:
            x = part(x)
        return self.first(x) @ self.first.weight


LEAVES: list[Makes] = [
    lambda: nn.Linear(D, D), lambda: nn.Linear(D, D, bias=False), lambda: nn.LayerNorm(D), nn.GELU, nn.Tanh,
    lambda: nn.Sequential(nn.Linear(D, 3 * D), nn.ReLU(), nn.Linear(3 * D, D)), lambda: Attends(D, 2),
    lambda: nn.TransformerEncoderLayer(D, 2, 2 * D, batch_first=True), nn.Dropout, nn.Identity,
]  # fmt: skip


def inside(parts: st.SearchStrategy[Makes]) -> st.SearchStrategy[Makes]:
    lists = st.lists(parts, min_size=1, max_size=3)
    return st.one_of(
        lists.map(lambda found: lambda: nn.Sequential(*(make() for make in found))),
        lists.map(lambda found: lambda: Adds(*(make() for make in found))),
        st.builds(lambda make, n: lambda: nn.Sequential(*(make() for _ in range(n))), parts, st.integers(2, 4)),
        st.builds(lambda make, n: lambda: Repeats(make(), n), parts, st.integers(1, 3)),
        lists.map(lambda found: lambda: nn.Sequential(*(made := [make() for make in found]), *made)),
        lists.map(lambda found: lambda: nn.Sequential(*(made := [make() for make in found]), Hides(made))),
    )


MODULES = st.recursive(st.sampled_from(LEAVES), inside, max_leaves=8)


@settings(max_examples=25)
@given(MODULES)
def test_shapes_and_sums_of_any_module_are_the_real_ones(make: Makes) -> None:
    torch.manual_seed(0)
    model, x = nn.Sequential(make()).eval(), torch.randn(2, 3, D)
    with torch.no_grad():
        trace, seen = with_real_shapes(model, x)
        assert sorted(recorded_shapes(trace)) == sorted(seen)
        with written_out(), Counting() as counting:
            model(x)
    found = outline(trace)
    parameters = sum(each.numel() for each in model.parameters())
    assert found.totals.flops == counting.flops
    assert found.totals.parameters == parameters
    assert sum(step.parameters_in_all for step in found.steps()) + found.totals.unused_parameters == parameters
    assert sum(step.flops_in_all for step in found.steps()) == found.totals.flops
    places = found.coverage
    assert places.drawn + places.folded + places.elided == places.operations == len(trace.ops)
    assert places.misplaced == 0


@settings(max_examples=15)
@given(MODULES, st.booleans())
def test_any_module_gives_the_same_bytes_twice_and_is_read_back(make: Makes, training: bool) -> None:
    model, x = nn.Sequential(make()).train(training), torch.randn(2, 3, D)
    first, second = (capture(model, (x,)) for _ in range(2))  # on one line: a trace says from which it was called
    assert to_json(second) == to_json(first)
    assert from_json(to_json(first)) == first
