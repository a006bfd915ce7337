"""Few layers stand for all of a deep model, where each layer has one that is the same."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import pytest

from shapetrace import ir
from shapetrace.models.settings import Experts, Settings
from shapetrace.proving import reference
from shapetrace.sizing.variables import Variable
from shapetrace.sizing.varying import sizes

DENSE = Settings(layers=9, d_model=64, heads=4, vocab=90, seq=24)
MIXED = replace(DENSE, activation="swiglu", experts=Experts(8, 2, 20, shared=1, first_dense=2))
VARIED = [
    Variable("batch", "B", 1, "input"), Variable("seq", "T", 24, "input"), Variable("heads", "h", 4, "entry"),
    Variable("d_model", "d_model", 64, "entry"), Variable("d_ff", "d_ff", 256, "entry"),
]  # fmt: skip


@dataclass
class Runs:
    """Runs settings, and remembers how deep; ``few`` layers where few are asked for."""

    settings: Settings
    few: int
    depths: list[int] = field(default_factory=list)

    def __call__(self, values: Mapping[str, int], *, shallow: bool) -> ir.Trace:
        layers = self.few if shallow else self.settings.layers
        self.depths.append(layers)
        return reference.run(replace(self.settings, layers=layers, **values), shallow=False)


def proved(settings: Settings, few: int) -> tuple[ir.Sizes, Runs]:
    settings = replace(settings, d_ff=256)
    runs = Runs(settings, few)
    return sizes(reference.run(settings, shallow=False), VARIED, runs), runs


@pytest.mark.parametrize(("settings", "few"), [(DENSE, 2), (MIXED, 3)])
def test_sizes_of_a_deep_model_are_proved_with_few_layers(settings: Settings, few: int) -> None:
    found, runs = proved(settings, few)
    assert set(runs.depths) == {few}
    deep = sizes(reference.run(runs.settings, shallow=False), VARIED, Runs(runs.settings, few), shallow_layers=False)
    assert (found.axes, found.parameters, found.formulas) == (deep.axes, deep.parameters, deep.formulas)
    assert -1 not in {place for axes in (*found.axes, *found.parameters) for place in axes}


def test_where_a_sort_of_layer_is_missing_all_layers_run() -> None:
    found, runs = proved(MIXED, 2)
    assert set(runs.depths) == {2, 9}, "the experts begin in the third layer"
    assert -1 not in {place for axes in found.axes for place in axes}


def test_layers_that_are_equal_by_chance_do_not_stand_for_each_other() -> None:
    """Of three layers the second is as wide as the others by chance: the fourth could be like either."""

    def run(values: Mapping[str, int], *, shallow: bool) -> ir.Trace:
        return odd(values.get("d_ff", 256), 2 if shallow else 4)

    found = sizes(odd(256, 4), [VARIED[-1]], run)
    wide = [found.formulas[axes[0]] for axes in found.parameters]
    assert wide == ["d_ff", "256", "d_ff", "256"]


def odd(width: int, layers: int) -> ir.Trace:
    """Layers of which every other one has a width of its own."""
    from torch import nn, zeros

    import shapetrace

    model = nn.ModuleList([nn.Linear(64, 256 if i % 2 else width, bias=False) for i in range(layers)])

    class Each(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layers = model

        def forward(self, x: object) -> list[object]:
            return [layer(x) for layer in self.layers]

    return shapetrace.trace(Each().to("meta"), zeros(3, 64, device="meta"))
