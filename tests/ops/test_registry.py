"""One entry a kernel: what it says is seen in every place that asks."""

from collections.abc import Iterator
from typing import get_args

import pytest
import torch
from torch.nn import functional as F

from shapetrace.capture import capture, meta_shapes
from shapetrace.capture.known_calls import knowing
from shapetrace.capture.known_values import KnownValues
from shapetrace.ops import axis_products, products
from shapetrace.ops.kinds import has, is_factory, kernel_kind
from shapetrace.ops.registry import ENTRIES, UNKNOWN, OpKind, Trait, Value, find
from shapetrace.ops.registry import kernels as register
from shapetrace.ops.words import word_of
from shapetrace.outlining import outline
from tests.ops.chains import Runs, facts_of

LIBRARY = torch.library.Library("made_up", "FRAGMENT")
LIBRARY.define("frobnicate(Tensor a, Tensor b) -> Tensor")
LIBRARY.impl("frobnicate", torch.matmul, "CPU")
for _name in ("frob", "blob"):
    LIBRARY.define(f"{_name}(Tensor a) -> Tensor")
    LIBRARY.impl(_name, lambda a: a * 2, "CPU")


@pytest.fixture
def entries() -> Iterator[None]:
    """Entries that are made in the test are gone after it."""
    before = dict(ENTRIES)
    yield
    ENTRIES.clear()
    ENTRIES.update(before)
    find.cache_clear()


def frobnicate(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    return torch.ops.made_up.frobnicate(a, b)


def test_one_entry_is_all_that_a_kernel_needs(entries: None) -> None:
    a, b = torch.empty(1 << 13, 1 << 12, device="meta"), torch.empty(1 << 12, 3, device="meta")
    assert kernel_kind("made_up.frobnicate.default") == "unknown"
    with pytest.raises(NotImplementedError):  # too large to try on zeros
        facts_of(frobnicate, a, b)
    register("frobnicate", "product", "frobnicate it", axes=axis_products.matmul, product=products.matmul, shape="mm")
    assert kernel_kind("made_up.frobnicate.default") == "product"
    assert word_of("made_up.frobnicate") == "frobnicate it"
    facts = facts_of(frobnicate, a, b)
    (left, right), (result,) = map(facts.axes_of, facts.trace.inputs), map(facts.axes_of, facts.trace.outputs)
    assert facts.tensor(facts.trace.outputs[0]).shape == (1 << 13, 3)
    assert facts.atoms.flat(result) == facts.atoms.flat((left[0], right[1]))
    assert facts.atoms.leaves(left[1]) == facts.atoms.leaves(right[0])
    totals = outline(facts.trace).totals
    assert (totals.flops, totals.uncounted) == (2 * a.numel() * 3, {})


@pytest.mark.parametrize(("name", "value", "expected"), [("frob", "", [2.0, 4.0]), ("blob", "unknown", None)])
def test_an_entry_says_whether_a_result_is_known(
    entries: None, name: str, value: str, expected: list[float] | None
) -> None:
    register(name, "pointwise", value=value, shape="same")
    values = KnownValues()
    with torch.device("meta"), knowing(values):
        made = values.value(getattr(torch.ops.made_up, name)(torch.tensor([1.0, 2.0])))
    assert (None if made is None else made.tolist()) == expected


def test_a_second_entry_is_an_error(entries: None) -> None:
    with pytest.raises(ValueError, match="two entries for the kernel add"):
        register("frob add", "pointwise")
    assert "frob" not in ENTRIES


def test_spellings_of_one_kernel_have_its_entry() -> None:
    assert find("aten.add_.Tensor") is find("aten.add.Scalar") is find("iadd") is not UNKNOWN
    assert find("aten.special_frob.default").kind == "pointwise"
    assert find("aten.frobnicate.default") is UNKNOWN


COLLECTIVES = (torch.ops.c10d, torch.ops._c10d_functional, torch.ops._c10d_functional_autograd, torch.ops._dtensor)


def is_known_to_torch(name: str) -> bool:
    homes = (torch.ops.aten, torch, torch.Tensor, F, torch.linalg, torch.fft, *COLLECTIVES)
    spelled = (name, f"{name}_", f"__{name}__", name.removeprefix("linalg_"), name.removeprefix("fft_"))
    return any(hasattr(home, each) for home in homes for each in spelled)


@pytest.mark.skipif(torch.__version__ < (2, 13), reason="an older PyTorch has fewer kernels")
def test_every_entry_is_of_something_that_torch_has() -> None:
    assert [name for name in ENTRIES if not is_known_to_torch(name)] == []
    assert not is_known_to_torch("frobnicate")


def test_entries_say_only_what_is_known_elsewhere() -> None:
    for name, entry in ENTRIES.items():
        assert entry.kind in get_args(OpKind), name
        assert entry.value in get_args(Value), name
        assert {*entry.traits} <= {*get_args(Trait)}, name
        assert entry.shape in ("", *meta_shapes.RULES), name
        assert (entry.kind == "product") == (entry.product is not None), name


def test_traits_are_asked_of_operations() -> None:
    trace = capture(Runs(lambda x: x.masked_fill(x > 0, 1.0).topk(2)[0].sum() + torch.zeros(1)), (torch.ones(3, 4),))
    compare, fill, best, add, zeros, _ = trace.ops
    assert [has(op, "hides") for op in (compare, fill, best)] == [False, True, False]
    assert [has(op, "picks") for op in (best, add)] == [True, False]
    assert [is_factory(op) for op in (zeros, add)] == [True, False]
