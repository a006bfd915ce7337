"""Two models side by side: what was added, removed, changed; what is equal whatever its names."""

import json

import pytest
import torch
from torch import nn

import shapetrace
from shapetrace.comparing import compare
from shapetrace.errors import UsageError
from shapetrace.renderers.comparison import FORMATS, render


class Block(nn.Module):
    def __init__(self, width: int, wide: int) -> None:
        super().__init__()
        self.norm, self.up, self.down = nn.LayerNorm(width), nn.Linear(width, wide), nn.Linear(wide, width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.down(self.up(self.norm(x)).relu())


def stack(n_layers: int = 2, width: int = 8, wide: int = 32, *extra: nn.Module) -> nn.Module:
    return nn.Sequential(*(Block(width, wide) for _ in range(n_layers)), *extra)


class Renamed(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.inner = stack()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.inner(x)


def traced(model: nn.Module, width: int = 8) -> shapetrace.Trace:
    return shapetrace.trace(model, torch.zeros(3, width))


BASE = traced(stack())


def test_a_model_is_equal_to_itself():
    found = compare(BASE, traced(stack()))
    assert found.products_equal
    assert not found.differs(())
    assert "nothing differs" in render(found, "table")


def test_other_names_are_a_difference_of_form():
    found = compare(BASE, traced(Renamed()))
    assert found.products_equal
    assert found.differs({"steps", "kernels"})
    assert not found.differs({"names", "kernels", "steps"})
    assert "inner.0" in render(found, "table")


def test_a_wider_layer_is_a_change_of_shapes_parameters_and_flops():
    found = compare(BASE, traced(stack(wide=64)))
    changed = [c for c in found.changes if "products" in c.aspects and not c.section]
    assert [(c.status, c.left.equation, c.right.equation) for c in changed] == [
        ("changed", "[3,8]×[8,32]→[3,32]", "[3,8]×[8,64]→[3,64]"),
        ("changed", "[3,32]×[32,8]→[3,8]", "[3,64]×[64,8]→[3,8]"),
    ]
    assert found.totals[0].right - found.totals[0].left == 2 * (2 * 8 * 32 + 32)


def test_more_layers_are_one_change():
    found = compare(BASE, traced(stack(5)))
    products = [c for c in found.changes if "products" in c.aspects]
    assert [(c.section, c.notes) for c in products] == [(True, ("repeat 2 → 5",))]


def test_a_layer_at_the_end_is_added_and_nothing_else_moves():
    found = compare(BASE, traced(stack(2, 8, 32, nn.Linear(8, 5))))
    assert [(c.status, c.right.equation) for c in found.changes if c.status != "same" and not c.section] == [
        ("added", "[3,8]×[8,5]→[3,5]")
    ]
    back = compare(traced(stack(2, 8, 32, nn.Linear(8, 5))), BASE)
    assert [c.status for c in back.changes if c.status != "same" and not c.section] == ["removed"]


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_shows_both_sides(name):
    text = render(compare(BASE, traced(stack(wide=64))), name).replace("\\", "")
    assert "8,32]" in text and "8,64]" in text


def test_json_is_for_programs():
    document = json.loads(render(compare(BASE, traced(stack(wide=64))), "json"))
    assert document["products_equal"] is False
    assert {change["status"] for change in document["changes"]} == {"changed"}
    assert document["totals"][0]["name"] == "parameters"


def test_an_unknown_format_is_told():
    with pytest.raises(UsageError, match=r"no format 'svg' of a comparison: choose one of table"):
        render(compare(BASE, BASE), "svg")


def test_a_module_around_the_same_steps_changes_nothing_but_names():
    inner = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 8))
    found = compare(traced(inner), traced(nn.ModuleDict({"net": inner})["net"]))
    assert not found.differs()

    class Wrapped(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.net = inner

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.net(x)

    found = compare(traced(inner), traced(Wrapped()))
    assert found.products_equal
    assert not found.differs({"names"})
