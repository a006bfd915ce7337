"""Two models side by side: what was added, removed, changed; what is equal whatever its names."""

import json
from dataclasses import replace

import pytest
import torch
from torch import nn

import shapetrace
from shapetrace.comparing import Comparison, compare
from shapetrace.formats import FORMATS, names
from shapetrace.formats.contract import Options
from shapetrace.formats.rendering import render


def written(comparison: Comparison, name: str, *, strict: bool = True) -> str:
    return render(comparison, FORMATS[name], Options(strict=strict))


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
    assert "nothing differs" in written(found, "table")


def test_other_names_are_a_difference_of_form():
    found = compare(BASE, traced(Renamed()))
    assert found.products_equal
    assert found.differs({"steps", "kernels"})
    assert not found.differs({"names", "kernels", "steps"})
    assert "inner.0" in written(found, "table")


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


@pytest.mark.parametrize("name", [name for name in names("comparison") if not FORMATS[name].figure])
def test_every_format_shows_both_sides(name):
    text = written(compare(BASE, traced(stack(wide=64))), name).replace("\\", "")
    assert "8,32]" in text and "8,64]" in text


def test_json_is_for_programs():
    document = json.loads(written(compare(BASE, traced(stack(wide=64))), "json"))
    assert document["products_equal"] is False
    assert {change["status"] for change in document["changes"]} == {"changed"}
    assert document["totals"][0]["name"] == "parameters"


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


def layers(*wides: int) -> shapetrace.Trace:
    return traced(nn.Sequential(*(Block(8, wide) for wide in wides)))


def test_one_changed_layer_of_many_is_all_that_differs():
    found = compare(layers(32, 32, 32, 32), layers(32, 32, 64, 32))
    changed = [c for c in found.changes if "products" in c.aspects]
    assert [(c.left.path, c.right.path) for c in changed] == [("2.up", "2.up"), ("2.down", "2.down")]
    sections = [(c.left.title + c.left.times, c.left.path) for c in found.changes if c.section and c.depth == 0]
    assert sections == [("MLP ×2", "0"), ("MLP", "2"), ("MLP", "3")] or [path for _, path in sections] == [
        "0",
        "2",
        "3",
    ]
    assert found.n_in("names") == 0
    back = compare(layers(32, 32, 64, 32), layers(32, 32, 32, 32))
    assert [c.left.path for c in back.changes if "products" in c.aspects] == ["2.up", "2.down"]


def test_an_inserted_layer_is_added_and_its_equal_neighbours_are_not():
    found = compare(layers(32, 32, 32), layers(32, 64, 32, 32))
    assert {aspect for c in found.changes if c.status == "changed" for aspect in c.aspects} == {"names"}
    added = [c.right.path for c in found.changes if c.status == "added" and c.section]
    assert added == ["1"]


def test_other_steps_are_listed_only_if_asked_for():
    found = compare(BASE, traced(stack(width=16), 16))
    titles = [change.left.title for change in found.listed(strict=False) if change.differs and not change.section]
    assert "Residual" not in titles
    assert "Residual" in [change.left.title for change in found.listed(strict=True) if change.differs]
    text = written(found, "table", strict=False)
    assert "(--strict lists them)" in text
    assert "Residual" not in text.partition("step")[2]


def test_a_product_that_widens_stands_beside_one_that_widens():
    class Gated(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.gate, self.up, self.down = nn.Linear(8, 24), nn.Linear(8, 24), nn.Linear(24, 8)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.down(self.gate(x).sigmoid() * self.up(x))

    found = compare(traced(nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 8))), traced(Gated()))
    changed = {c.left.path: c.right.path for c in found.changes if c.left and c.right and not c.section}
    assert changed["2"] == "down"


def test_settings_that_differ_are_the_first_to_be_told():
    def named(**settings: int) -> shapetrace.Trace:
        return shapetrace.Trace.of(replace(BASE, model=replace(BASE.model, settings=settings)))

    found = compare(named(layers=2, d_model=8), named(layers=2, d_model=1024))
    assert found.settings == (("d_model", 8, 1024),)
    assert written(found, "table").splitlines()[2] == " settings that differ: d_model 8 → 1,024"
    assert json.loads(written(found, "json"))["settings"] == [{"name": "d_model", "left": 8, "right": 1024}]


def test_no_line_says_nothing():
    text = written(compare(BASE, traced(stack(2, 8, 32, nn.Linear(8, 5)))), "table")
    assert "– → –" not in text
    assert "buffers" not in text  # 0 on both sides
    assert "+0.0" not in text
