"""Models of other libraries, tiny and with random weights: traced, covered, and counted as torch counts them."""

from importlib import import_module

import pytest
import torch
from torch import nn

from tests.capture.test_corpus import all_measured
from tests.nightly import measuring

pytestmark = pytest.mark.filterwarnings("ignore")  # those of other libraries, and of torch's switches

CHECKS = ("traced", "covered", "parameters", "flops")
TOLD_OTHERWISE = {
    "vit_pytorch na_vit_nested_tensor:NaViT": "torch counts nothing of what runs inside a nested tensor",
}
"""Models whose FLOPs torch itself cannot count, and why."""
FEWEST = {"transformers": 0.6}
"""Share of the models that have to run untraced; the others of transformers need files or packages, or more memory."""


def wrong(row: dict[str, object]) -> list[str]:
    """What does not hold of a model."""
    checks = [check for check in CHECKS if check != "flops" or row["type"] not in TOLD_OTHERWISE]
    return [f"{row['type']}: {row[check]}" for check in checks if row.get(check)]


@pytest.mark.nightly
@pytest.mark.parametrize("library", measuring.LIBRARIES)
def test_models_of_a_library_are_traced_covered_and_exact(library: str, capsys: pytest.CaptureFixture[str]) -> None:
    try:
        import_module(library)
    except Exception as error:  # noqa: BLE001 - one that is built for another torch raises what it likes
        pytest.skip(f"{library} cannot be imported: {error}")
    names = measuring.names(library)
    rows = all_measured("tests.nightly.measuring", names)
    ran = [row for row in rows if row["cpu"] == ""]
    faults = [line for row in ran for line in wrong(row)]
    unknown = sum(row.get("unknown", 0) for row in ran) / max(1, sum(row.get("operations", 0) for row in ran))
    with capsys.disabled():
        print(f"\n{library}: {len(names)} models, {len(ran)} run untraced, {len(faults)} faults, ", end="")
        print(f"{unknown:.2%} of their operations are drawn as plain steps")
        print(*(f"  does not run: {row['type']}: {row['cpu']}" for row in rows if row["cpu"]), sep="\n")
    assert len(ran) >= FEWEST.get(library, 0.95) * len(names)
    assert faults == []


def test_the_measure_finds_what_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    case = measuring.Case(nn.Sequential(nn.Linear(4, 6), nn.ReLU(), nn.Linear(6, 2)), (torch.ones(3, 4),))
    counted = measuring.independent_flops(case)
    assert counted == 2 * 3 * (4 * 6 + 6 * 2)
    found = measuring.found_of(case, counted)
    assert [found[check] for check in CHECKS] == ["", "", "", ""]
    assert wrong({"type": "x", **measuring.found_of(case, counted + 2)}) == ["x: FLOPs: 216, not 218"]
    monkeypatch.setattr(case.model, "parameters", lambda: iter([torch.ones(5)]))
    assert measuring.found_of(case, counted)["parameters"] == "parameters: 44, not 5"


def test_attention_of_one_kernel_is_counted_as_what_it_stands_for() -> None:
    layer = nn.TransformerEncoderLayer(16, 2, 32, batch_first=True).eval()
    case = measuring.Case(layer, (torch.ones(1, 5, 16),))
    products = 2 * 5 * (4 * 16 * 16 + 2 * 16 * 32) + 2 * 2 * 5 * 5 * 16
    assert measuring.independent_flops(case) == products
    assert measuring.found_of(case, products)["flops"] == ""


def test_what_does_not_run_untraced_is_no_fault_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    class Library:
        @staticmethod
        def build(name: str) -> measuring.Case:
            raise ValueError(name)

    monkeypatch.setattr(measuring, "import_module", lambda _name: Library)
    assert measuring.measure("some model")["cpu"].startswith("ValueError: model")
