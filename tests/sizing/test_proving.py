"""Every axis has a name that was proved, and formulas of costs are those of real passes at sizes never traced."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

import shapetrace
from shapetrace import ir
from shapetrace.models.settings import Attention, Experts, Latent, Settings
from shapetrace.obtaining import obtain
from shapetrace.outlining import outline
from shapetrace.outlining.passes import PASSES, run
from shapetrace.outlining.structure import Outline
from shapetrace.proving import prove, reference
from shapetrace.request import Request
from shapetrace.sizing import parse
from shapetrace.sizing.searching import Search
from shapetrace.sizing.variables import Variable

GQA = {"layers": 2, "heads": 8, "kv_heads": 2, "d_model": 128, "d_head": 128, "d_ff": 320, "seq": 40, "vocab": 130}
SMALL = {"layers": 2, "heads": 4, "d_model": 64, "seq": 48, "vocab": 90}

EXPERTS = Settings(
    layers=3, d_model=64, heads=4, d_ff=96, vocab=130, seq=24, positions="rope", norm="rmsnorm", activation="swiglu",
    tie=False, bias=False, context=None,
    attention=Attention(projections="separate", latent=Latent(16, 8, 4, 8, 24)),
    experts=Experts(8, 2, 20, shared=1, first_dense=1, groups=4, groups_kept=2),
)  # fmt: skip


def named(shape: dict[str, object]) -> shapetrace.Trace:
    request = Request(shape=shape)
    return prove(request, obtain(request, str))


def named_settings(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> shapetrace.Trace:
    monkeypatch.setattr(reference, "settings_of", lambda _: ("made", settings))
    return prove(Request(), shapetrace.Trace.of(reference.run(settings, shallow=False)))


def dims(trace: shapetrace.Trace, title: str) -> list[tuple[str, ...]]:
    step = next(step for step in trace.outline().steps() if step.title == title)
    return [(*each.lead, *each.dims) for each in (*step.operands, *step.results)]


def test_names_are_those_of_the_field() -> None:
    trace = named(SMALL)
    assert dims(trace, "Token lookup") == [("B", "T"), ("V", "d_model"), ("B", "T", "d_model")]
    assert dims(trace, "Query") == [("B", "T", "d_model"), ("d_model", "d_head"), ("B", "T", "d_head")]
    assert dims(trace, "Scores") == [("B", "T", "d_head"), ("B", "d_head", "T"), ("B", "T", "T")]
    assert dims(trace, "Expand") == [("B", "T", "d_model"), ("d_model", "d_ff"), ("B", "T", "d_ff")]


def test_128_wide_and_a_head_of_128_are_never_confused() -> None:
    trace = named(GQA)
    assert dims(trace, "Query")[1] == ("d_model", "d_head")
    assert dims(trace, "Output")[1] == ("h·d_head", "d_model")
    query, key = (next(s for s in trace.outline().steps() if s.title == title) for title in ("Query", "Key"))
    assert (query.results[0].stack_dims, key.results[0].stack_dims) == (("h",), ("h_kv",))


@pytest.mark.parametrize("shape", [SMALL, GQA, SMALL | {"batch": 3}, SMALL | {"window": 8, "positions": "rope"}])
def test_every_axis_of_data_is_named(shape: dict[str, object]) -> None:
    trace = named(shape)
    assert trace.sizes is not None
    assert all(-1 not in axes for axes in trace.sizes.axes)
    assert trace.sizes.refused == ()
    for step in trace.outline().steps():
        for operand in (*step.operands, *step.results):
            sizes = [size for size in operand.shape if size > 1]
            assert sum(map(bool, operand.dims)) >= len(sizes), (step.title, operand.dims, operand.shape)


def costs(read: Outline, values: dict[str, int]) -> dict[str, int | None]:
    formulas = read.formulas
    assert formulas is not None
    cache = formulas.cache_bytes
    return {
        "parameters": formulas.parameters and formulas.parameters.at(values),
        "flops": formulas.flops and formulas.flops.at(values),
        "activations": formulas.activation_bytes and formulas.activation_bytes.at(values),
        "cache": cache and cache.at(values),
    }


def real(trace: ir.Trace, tokens: int) -> dict[str, int | None]:
    read = outline(trace)
    totals = read.totals
    kept = None if read.cache is None else read.cache.bytes_per_token() * tokens
    return {"parameters": totals.parameters, "flops": totals.flops, "activations": totals.activation_bytes,
            "cache": kept}  # fmt: skip


@pytest.mark.parametrize(
    ("d_model", "heads", "d_ff", "seq", "batch"),
    [(96, 6, 100, 10, 2), (40, 4, 80, 33, 1), (64, 2, 70, 64, 5), (24, 3, 48, 7, 3), (120, 10, 30, 21, 2)],
)
def test_costs_are_those_of_real_passes_at_sizes_never_traced(
    d_model: int, heads: int, d_ff: int, seq: int, batch: int
) -> None:
    trace = named(SMALL | {"d_ff": 160})
    other = obtain(Request(shape=SMALL | {"d_model": d_model, "heads": heads, "d_ff": d_ff, "seq": seq,
                                          "batch": batch}), str)  # fmt: skip
    values = {"B": batch, "T": seq, "V": 90, "d_model": d_model, "h": heads, "d_ff": d_ff, "T_max": 1024,
              "d_head": d_model // heads}  # fmt: skip
    assert costs(trace.outline(), values) == real(other, batch * seq)


def test_costs_of_steps_are_those_of_real_passes_too(monkeypatch: pytest.MonkeyPatch) -> None:
    trace = named_settings(EXPERTS, monkeypatch)
    assert trace.sizes is not None
    changed = replace(EXPERTS, batch=3, seq=17, d_model=80, d_ff=44, heads=6,
                      experts=replace(EXPERTS.experts, count=12, per_token=3, d_ff=14, shared=2))  # fmt: skip
    other = reference.run(changed, shallow=False)
    values = trace.sizes.symbols | {"B": 3, "T": 17, "d_model": 80, "d_ff": 44, "h": 6, "E": 12, "k": 3,
                                    "d_expert": 14, "n_shared": 2}  # fmt: skip
    assert costs(trace.outline(), values) == real(other, 3 * 17)
    steps = {step.id: step for step in outline(other).steps()}
    counted = 0
    for step in trace.outline().steps():
        assert step.formulas is not None
        for formula, number in ((step.formulas.flops, steps[step.id].flops),
                                (step.formulas.parameters, steps[step.id].parameters)):  # fmt: skip
            if formula is not None:
                assert formula.at(values) == number, (step.id, str(formula))
                counted += 1
    assert counted > 40


@pytest.mark.parametrize("shape", [SMALL, GQA])
def test_atoms_and_variation_agree(shape: dict[str, object]) -> None:
    found = run(PASSES, trace=named(shape), fused=False)["proof"]
    assert found.disagreements == ()


def test_the_cross_check_can_fail() -> None:
    trace = named(SMALL)
    assert trace.sizes is not None
    place = trace.sizes.formulas.index("d_model")
    other = trace.sizes.formulas.index("d_ff")
    wrong = next(t.id for t in trace.tensors if t.shape == (1, 48, 64) and t.origin == "made")
    axes = list(trace.sizes.axes)
    axes[wrong] = tuple(other if each == place else each for each in axes[wrong])
    formulas = [*trace.sizes.formulas]
    formulas[other] = "64"
    lied = replace(trace.sizes, axes=tuple(axes), formulas=tuple(formulas))
    found = run(PASSES, trace=replace(trace, sizes=lied), fused=False)["proof"]
    assert ("d_model", "64") in found.disagreements or ("64", "d_model") in found.disagreements


def test_names_are_kept_in_a_file_and_old_files_have_none(tmp_path) -> None:
    trace = named(SMALL)
    trace.save(tmp_path / "trace.json")
    loaded = shapetrace.load(tmp_path / "trace.json")
    assert loaded.sizes == trace.sizes
    assert loaded.outline().formulas == trace.outline().formulas
    text = (tmp_path / "trace.json").read_text()
    old = "\n".join(line for line in text.splitlines() if not line.startswith('"sizes"')).replace(",\n}", "\n}")
    (tmp_path / "old.json").write_text(old)
    assert shapetrace.load(tmp_path / "old.json").sizes is None


class Own(nn.Module):
    """Ids and a mask that go together, and a picture that goes with nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.table = nn.Embedding(50, 32)
        self.out = nn.Linear(32, 128)
        self.conv = nn.Conv2d(3, 32, 4, 4)

    def forward(self, ids: Tensor, mask: Tensor, picture: Tensor) -> Tensor:
        x = self.table(ids) * mask[..., None]
        patches = self.conv(picture).flatten(2).transpose(1, 2)
        return self.out(torch.cat([patches, x], dim=1))


def test_inputs_of_any_module_are_varied() -> None:
    trace = shapetrace.sizes(Own(), torch.zeros(2, 128, dtype=torch.long), torch.ones(2, 128), torch.ones(2, 3, 16, 24))
    sizes = trace.sizes
    assert sizes is not None
    assert sizes.entries["T"] == "ids[1], mask[1]"
    shape = [sizes.formulas[place] for place in sizes.axes[trace.outputs[0]]]
    assert shape[0] == "B"
    assert shape[2] == "128"
    assert parse(shape[1]).at({"B": 5, "T": 9, "H_img": 32, "W_img": 20}) == 9 + 8 * 5


class Picky(nn.Module):
    """Takes one length alone, and runs its layer once for each example."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(8, 8)

    def forward(self, x: Tensor) -> Tensor:
        if x.shape[1] != 12:
            raise ValueError(f"length {x.shape[1]} is not 12")
        return torch.stack([self.layer(row) for row in x])


class Graph(nn.Module):
    """Nodes gather what their neighbours say; a graph of fewer nodes has edges that lead nowhere."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.last = nn.Linear(8, 16), nn.Linear(16, 4)

    def forward(self, x: Tensor, sources: Tensor, targets: Tensor) -> Tensor:
        rows = self.first(x).relu()
        return self.last(torch.zeros_like(rows).index_add(0, targets, rows[sources]))


class Signals(nn.Module):
    """Half of the frequencies of a real signal, and a picture of another size."""

    def forward(self, x: Tensor, picture: Tensor) -> tuple[Tensor, Tensor]:
        return torch.fft.rfft(x, dim=1).abs(), nn.functional.interpolate(picture, scale_factor=1.5)


def test_what_refuses_fewer_rows_is_varied_upwards() -> None:
    ends = torch.arange(9).repeat(2)
    found = shapetrace.sizes(Graph().eval(), torch.rand(9, 8), ends, ends.flip(0)).sizes
    assert found is not None
    assert not found.refused
    assert (found.symbols["B"], found.symbols["T"]) == (9, 18)
    assert all(-1 not in axes for axes in found.axes)


def test_frequencies_and_scaled_pictures_have_formulas() -> None:
    trace = shapetrace.sizes(Signals(), torch.rand(2, 18, 5), torch.rand(2, 3, 10, 14))
    found = trace.sizes
    assert found is not None
    made = [found.formulas[place] for value in trace.outputs for place in found.axes[value]]
    assert made[1] == "⌊T/2⌋+1"
    assert made[-2:] == ["⌊3·H_img/2⌋", "⌊3·W_img/2⌋"]


def test_a_refused_variation_says_which_and_why_and_the_rest_is_named() -> None:
    sizes = shapetrace.sizes(Picky(), torch.zeros(4, 12, 8)).sizes
    assert sizes is not None
    reasons = {each.symbol: each.reason for each in sizes.refused}
    assert "is not 12" in reasons["T"]
    assert "the pass itself depends on B" in reasons["B"]
    assert sizes.symbols == {"B": 4}


def test_a_model_that_refuses_everything_has_numbers() -> None:
    class Fixed(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            assert x.shape == (3, 5), "only (3, 5)"
            return x * 2

    trace = shapetrace.sizes(Fixed(), torch.zeros(3, 5))
    assert trace.sizes is not None
    assert {each.symbol for each in trace.sizes.refused} == {"B", "T"}
    assert all(place == -1 for axes in trace.sizes.axes for place in axes)
    assert str(trace).count("[3,5]") == 1


def test_an_entry_that_is_the_same_in_every_draw_is_a_number_and_not_called_varied(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    drawn = Search.draws

    def pinned(search: Search, taken: Sequence[Variable], *, more: int = 0) -> list[dict[Variable, int]]:
        found = drawn(search, taken, more=more)
        return [{each: each.base if each.symbol == "V" else value for each, value in of.items()} for of in found]

    monkeypatch.setattr(Search, "draws", pinned)
    sizes = named({**SMALL, "tie": False}).sizes
    assert sizes is not None
    assert "V" not in sizes.symbols
    assert [each.symbol for each in sizes.refused] == ["V"]
    assert "90" in sizes.formulas


class Fused(nn.Module):
    """Attention in one call, as long as its heads are wide."""

    def __init__(self) -> None:
        super().__init__()
        self.qkv, self.out = nn.Linear(64, 192), nn.Linear(64, 64)

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = (part.unflatten(-1, (4, 16)).transpose(1, 2) for part in self.qkv(x).chunk(3, -1))
        return self.out(nn.functional.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2))


def test_scores_of_a_fused_call_are_as_wide_as_it_is_long_also_where_heads_are_as_wide() -> None:
    trace = shapetrace.sizes(Fused(), torch.zeros(1, 16, 64))
    assert dims(trace, "Scores")[2] == ("B", "T", "T")
    assert dims(trace, "Weighted sum")[0][-2:] == ("T", "T")


@pytest.mark.parametrize("shape", [SMALL, GQA])
def test_every_step_that_costs_something_has_a_formula_of_it(shape: dict[str, object]) -> None:
    for step in named(shape).outline().steps():
        assert step.formulas is not None
        assert (step.formulas.flops is None) == (step.flops is None), step.title
        assert step.formulas.parameters is not None, step.title
