"""What is on in the masks that a pass uses, read off their values: on the CPU and on meta alike."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from shapetrace.capture import capture
from shapetrace.capture.known_calls import building
from shapetrace.capture.masks import read
from shapetrace.ir import Pattern, Trace
from shapetrace.ops.masks import band

N = 8
FULL = torch.ones(N, N, dtype=torch.bool)
DISTANCE = (torch.arange(N) - torch.arange(N).unsqueeze(1)).abs()


def by_definition(below: int, above: int, rows: int = N, columns: int = N) -> Tensor:
    """Row i sees column j if j is at most so far from the diagonal that ends in the last corner."""
    return torch.tensor([[-below <= j - (i + columns - rows) <= above for j in range(columns)] for i in range(rows)])


def band_of(marks: Tensor) -> tuple[int, int] | None:
    pattern = read(marks)
    return None if pattern is None else band(pattern)


@pytest.mark.parametrize("extent", [(7, 0), (3, 0), (1, 1), (0, 0), (2, 4), (0, 7)])
@pytest.mark.parametrize("shape", [(8, 8), (3, 8), (1, 1, 8, 8)])
def test_a_band_is_read_as_it_was_defined(extent: tuple[int, int], shape: tuple[int, ...]) -> None:
    marks = by_definition(*extent, *shape[-2:]).reshape(shape)
    floats = torch.zeros(shape).masked_fill(~marks, float("-inf"))
    found = [band_of(marks), band_of(~marks), band_of(floats), band_of(torch.clamp(floats, min=-1e9))]
    assert all(each is None or torch.equal(by_definition(*each, *shape[-2:]), marks.reshape(shape[-2:]))
               for each in found)  # fmt: skip
    assert found[0] is not None or marks.all()


@pytest.mark.parametrize(
    "marks",
    [
        FULL, torch.zeros(N, N), FULL.tril() & (torch.arange(N) != 2), torch.stack([FULL.tril(), FULL.tril(-1)]),
        torch.block_diag(FULL[:4, :4], FULL[:4, :4]).bool(), torch.linspace(-1, 1, N * N).view(N, N),
    ],
)  # fmt: skip
def test_what_is_no_band_is_none(marks: Tensor) -> None:
    assert band_of(marks) is None


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16, torch.float64])
@pytest.mark.parametrize("hides", [-torch.inf, -1e4, -1e9, None])
def test_a_float_mask_hides_where_it_is_far_below_zero(dtype: torch.dtype, hides: float | None) -> None:
    least = torch.finfo(dtype).min if hides is None else max(hides, torch.finfo(dtype).min) if hides > -1e30 else hides
    mask = torch.zeros(N, N, dtype=dtype).masked_fill(~FULL.tril(), least)
    found = read(mask)
    assert found == read(FULL.tril())
    sloped = read(mask - 0.5 * DISTANCE.to(dtype))
    assert sloped is not None and (sloped.kind, sloped.biased) == ("causal", True)


@pytest.mark.parametrize("hides", [-100, -torch.inf])
def test_numbers_that_are_no_mask_of_two_values_are_a_bias(hides: float) -> None:
    windows = torch.zeros(4, N, N).masked_fill(FULL.tril(), hides)
    assert read(windows) == read(FULL.triu(1))
    for bias in (-0.25 * DISTANCE, 8.0 - DISTANCE, torch.linspace(-99, 1, N * N).view(N, N)):
        found = read(bias)
        assert found is not None and (found.kind, found.biased) == ("all", True)


def test_zeros_and_ones_are_on_where_they_are_one() -> None:
    for ones in (FULL.tril().long(), FULL.tril().to(torch.uint8)):
        assert read(ones) == read(FULL.tril())
    factor = read(FULL.tril().float())
    assert factor is not None and (factor.kind, factor.factor, factor.biased) == ("causal", True, False)
    decay = read((0.9**DISTANCE).tril(), scales=True)
    assert decay is not None and (decay.kind, decay.factor, decay.biased) == ("causal", True, True)
    hidden = read(torch.zeros(N, N).masked_fill(~FULL.tril(), 1e9), turned=True)
    assert hidden == read(FULL.tril())


@pytest.mark.parametrize(
    "numbers", [torch.arange(N * N).view(N, N), torch.full((N, N), torch.nan), torch.zeros(0, N), FULL.to(torch.cfloat)]
)
def test_what_is_no_mask_is_none(numbers: Tensor) -> None:
    assert read(numbers) is None


def test_a_mask_expanded_over_heads_and_rows_is_read_once() -> None:
    padding = torch.arange(N) < torch.tensor([[5], [N]])
    expanded = padding[:, None, None].expand(2, 1 << 12, 1 << 9, N)
    found, short = read(expanded), read(padding[:, None, None].expand(2, 3, 4, N))
    assert found is not None and short is not None
    assert (found.kind, found.differs, found.lead, found.size) == ("columns", True, (2, 1), (512, N))
    assert [part.columns for part in found.parts] == [((0, 5),), None]
    assert (short.kind, short.size) == ("columns", (4, N))


def test_a_mask_with_more_than_sixty_four_million_cells_is_not_looked_at() -> None:
    largest = read(torch.ones(1 << 13, 1 << 13, dtype=torch.bool).tril())
    assert largest is not None and (largest.kind, largest.causal) == ("causal", True)
    assert read(torch.ones(1, 1 << 14, dtype=torch.bool).expand(1 << 13, -1)) is None


class Masked(nn.Module):
    """Scores of two heads under a mask, in the ways that models write it."""

    def __init__(self, how: str, seen: Callable[[torch.device], Tensor]) -> None:
        super().__init__()
        self.how, self.seen = how, seen
        self.q = nn.Linear(4, 4)
        with building():
            self.register_buffer("kept", seen(torch.empty(0).device))

    def forward(self, x: Tensor) -> Tensor:
        q = self.q(x).view(2, N, 2, 2).transpose(1, 2)
        seen = self.kept if self.how == "buffer" else self.seen(x.device)
        added = torch.zeros(N, N, device=x.device).masked_fill(~seen, float("-inf"))
        if self.how in ("fused", "buffer"):
            return F.scaled_dot_product_attention(q, q, q, attn_mask=seen)
        if self.how == "fused, by place":
            return F.scaled_dot_product_attention(q, q, q, added)
        scores = q @ q.mT
        if self.how == "fill":
            scores = scores.masked_fill(~seen, -1e9)
        elif self.how == "add":
            scores = scores + added
        elif self.how == "subtract":
            scores = scores - 1e9 * (~seen).to(scores.dtype)
        elif self.how == "index":
            scores[~seen.expand_as(scores)] = -torch.inf
        elif self.how == "multiply":
            scores = scores * seen.to(scores.dtype)
        elif self.how == "one product":
            scores = torch.baddbmm(added, q.flatten(0, 1), q.flatten(0, 1).mT).view_as(scores)
        else:
            scores = torch.where(seen, scores, torch.finfo(scores.dtype).min)
        return scores.softmax(-1) @ q


SEEN: dict[str, Callable[[torch.device], Tensor]] = {
    "causal": lambda device: torch.ones(N, N, dtype=torch.bool, device=device).tril(),
    "future": lambda device: torch.ones(N, N, device=device).triu(1) == 1,
    "window": lambda device: (torch.arange(N, device=device).unsqueeze(1) - torch.arange(N, device=device)).abs() <= 2,
    "blocks": lambda device: (documents := torch.arange(N, device=device) // 3).unsqueeze(1) == documents,
    "prefix": lambda device: torch.ones(N, N, device=device).tril().bool() | (torch.arange(N, device=device) < 3),
    "off_diagonal": lambda device: ~torch.eye(N, dtype=torch.bool, device=device),
    "all": lambda device: torch.ones(N, N, dtype=torch.bool, device=device),
}
WAYS = ["fused", "fused, by place", "fill", "add", "subtract", "index", "multiply", "one product", "where", "buffer"]


def patterns(trace: Trace) -> list[Pattern]:
    return [tensor.pattern for tensor in trace.tensors if tensor.pattern is not None]


@pytest.mark.parametrize("device", ["cpu", "meta"])
@pytest.mark.parametrize("how", WAYS)
@pytest.mark.parametrize("kind", ["causal", "future"])
def test_a_mask_is_known_however_it_is_used(kind: str, how: str, device: str) -> None:
    with torch.device(device):
        trace = capture(Masked(how, SEEN[kind]), (torch.randn(2, N, 4),))
    hides = how in ("fill", "index")
    other = {"causal": "future", "future": "causal"}[kind]
    assert (other if hides else kind) in {pattern.kind for pattern in patterns(trace)}
    assert {tensor.band for tensor in trace.tensors} == {None, (N - 1, 0)}


@pytest.mark.parametrize("kind", SEEN)
def test_a_mask_has_the_same_pattern_on_meta_as_on_the_cpu(kind: str) -> None:
    found = []
    for device in ("cpu", "meta"):
        with torch.device(device):
            found.append(patterns(capture(Masked("where", SEEN[kind]), (torch.randn(2, N, 4),))))
    assert found[0] == found[1]
    assert kind in {pattern.kind for pattern in found[0]}


class Attends(nn.Module):
    def __init__(self, n_heads: int = 2, **masks: Tensor) -> None:
        super().__init__()
        self.attention, self.masks = nn.MultiheadAttention(4, n_heads, batch_first=True), masks

    def forward(self, x: Tensor) -> Tensor:
        return self.attention(x, x, x, **self.masks)[0]


@pytest.mark.parametrize("need_weights", [True, False])
def test_masks_given_to_multi_head_attention_by_keyword_are_known(need_weights: bool) -> None:
    padding = torch.tensor([[False] * 5 + [True] * 3, [False] * N])
    model = Attends(attn_mask=FULL.triu(1), key_padding_mask=padding, need_weights=need_weights).eval()
    trace = capture(model, (torch.randn(2, N, 4),))
    given = {trace.tensors[i].shape: trace.tensors[i].pattern for call in trace.calls for i in call.inputs}
    ours, theirs = given[N, N], given[2, N]
    assert ours is not None and ours.kind == "future"
    assert theirs is not None and theirs.cells == ("00000111", "00000000")
    kinds = [(pattern.kind, pattern.differs) for pattern in patterns(trace)]
    assert ("causal", True) in kinds  # both together, added


@pytest.mark.parametrize("shape", [(N, N), (4, N, N)])
def test_a_float_mask_given_to_multi_head_attention_is_known(shape: tuple[int, ...]) -> None:
    added = torch.zeros(shape).masked_fill(~FULL.tril(), -torch.inf)
    trace = capture(Attends(attn_mask=added).eval(), (torch.randn(2, N, 4),))
    assert "causal" in {pattern.kind for pattern in patterns(trace)}


def test_one_head_and_one_example_have_a_mask_too() -> None:
    class One(nn.Module):
        def forward(self, q: Tensor) -> Tensor:
            return (q @ q.mT + torch.zeros(1, 1, N, N).masked_fill(~FULL.tril(), -torch.inf)).softmax(-1) @ q

    assert "causal" in {pattern.kind for pattern in patterns(capture(One(), (torch.randn(1, 1, N, 4),)))}


class Biased(nn.Module):
    """Distances are added to the scores, learned or not."""

    def __init__(self, *, learned: bool) -> None:
        super().__init__()
        self.q = nn.Linear(4, 4)
        self.learned = nn.Embedding(N, 1) if learned else None

    def forward(self, x: Tensor) -> Tensor:
        q = self.q(x).unsqueeze(1)
        place = torch.arange(N)
        distance = (place - place.unsqueeze(1)).abs()
        bias = -0.5 * distance.float() if self.learned is None else self.learned(distance).permute(2, 0, 1)
        return (q @ q.mT + bias).softmax(-1) @ q


@pytest.mark.parametrize("learned", [False, True])
def test_a_bias_hides_nothing_and_differs(learned: bool) -> None:
    found = patterns(capture(Biased(learned=learned), (torch.randn(2, N, 4),)))
    assert [(pattern.kind, pattern.biased) for pattern in found] == [("all", True)]


def test_what_is_computed_from_weights_is_no_mask_of_the_model() -> None:
    class Routes(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.fc = nn.Linear(4, 4)

        def forward(self, x: Tensor) -> Tensor:
            y = self.fc(x)
            return torch.where(y > 0, y, y + 1) + x

    assert patterns(capture(Routes(), (torch.randn(2, N, 4),))) == []
