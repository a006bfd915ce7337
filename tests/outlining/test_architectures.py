"""Blocks of many architectures: what is drawn, and what folds."""

import pytest
import torch
from torch import nn

from shapetrace.capture import capture
from shapetrace.outlining import outline
from shapetrace.outlining.roles import Role
from tests.outlining.blocks import (
    ROTATIONS,
    Attention,
    Experts,
    FeedForward,
    Functions,
    Latent,
    Parallel,
    Patches,
    PostNorm,
    PreNorm,
    RMSNorm,
    Stack,
)  # fmt: skip
from tests.outlining.reading import faults, products, read, step, titles

X = torch.ones(1, 5, 24)


@pytest.mark.parametrize("rotate", ROTATIONS.values(), ids=ROTATIONS.keys())
@pytest.mark.parametrize("kv_heads", [1, 2, 4])
def test_every_rotation_is_one_step_for_queries_and_one_for_keys(rotate: object, kv_heads: int) -> None:
    found = read(Attention(kv_heads=kv_heads, rotate=rotate), X)
    ropes = [s for s in found.steps() if s.title == "RoPE"]
    assert [(s.equation, s.operands[0].stack) for s in ropes] == [("[5,6]", 4), ("[5,6]", kv_heads)]
    assert [p for p in products(found) if p[0] == "Key"] == [("Key", "[5,24]×[24,6]→[5,6]", kv_heads)]


def test_norms_of_queries_and_keys_belong_to_heads() -> None:
    found = read(Attention(qk_norm=True), X)
    assert [(s.title, s.equation, s.operands[0].stack, s.parameters) for s in found.steps() if s.kind == "norm"] == [
        ("RMSNorm", "[5,6]", 4, 6), ("RMSNorm", "[5,6]", 4, 6),
    ]  # fmt: skip


def test_a_norm_written_out_is_one_step() -> None:
    (norm,) = read(RMSNorm(), X).steps()
    assert (norm.title, norm.equation, norm.parameters) == ("RMSNorm", "[5,24]", 24)


def test_latent_attention_shows_its_ranks() -> None:
    found = read(Stack([PreNorm(Latent(), FeedForward("swiglu")) for _ in range(2)]), X)
    assert products(found) == [
        ("Compress", "[5,24]×[24,14]→[5,14]", 1), ("Query", "[5,14]×[14,10]→[5,10]", 4),
        ("Compress", "[5,24]×[24,14]→[5,14]", 1), ("Key", "[5,10]×[10,6]→[5,6]", 4),
        ("Value", "[5,10]×[10,5]→[5,5]", 4), ("Scores", "[5,10]×[10,5]→[5,5]", 4),
        ("Weighted sum", "[5,5]×[5,5]→[5,5]", 4), ("Output", "[5,20]×[20,24]→[5,24]", 1),
        ("Gate", "[5,24]×[24,40]→[5,40]", 1), ("Up", "[5,24]×[24,40]→[5,40]", 1), ("Down", "[5,40]×[40,24]→[5,24]", 1),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "activation", "names"),
    [
        ("gelu", "GELU", ["Expand", "Shrink"]), ("relu2", "ReLU²", ["Expand", "Shrink"]),
        ("swiglu", "SwiGLU", ["Gate", "Up", "Down"]),
    ],
)  # fmt: skip
def test_feed_forward_layers_have_their_names(kind: str, activation: str, names: list[str]) -> None:
    found = read(PreNorm(Attention(), FeedForward(kind)), X)
    assert [title for title, _, _ in products(found)][-len(names) :] == names
    assert step(found, activation).kind == "activation"


def order(found: object) -> list[str]:
    wanted = ("LayerNorm", "RMSNorm", "Scores", "Expand", "Residual")
    return [title for title in titles(found) if title in wanted]


def test_norms_stand_where_the_code_has_them() -> None:
    pre = read(PreNorm(Attention(), FeedForward(), lambda: nn.LayerNorm(24)), X)
    post = read(PostNorm(Attention(), FeedForward(), lambda: nn.LayerNorm(24)), X)
    parallel = read(Parallel(Attention(), FeedForward()), X)
    wanted = ["RMSNorm", "Scores", "Residual", "Expand", "Residual"]
    assert order(pre) == ["LayerNorm", "Scores", "Residual", "LayerNorm", "Expand", "Residual"]
    assert order(post) == ["Scores", "Residual", "LayerNorm", "Expand", "Residual", "LayerNorm"]
    assert [title for title in titles(parallel) if title in wanted] == wanted


def repeats(found: object) -> list[int]:
    return [s.repeat for s in found.steps() if s.title == "Scores"]


def test_layers_that_alternate_fold_as_a_period() -> None:
    found = read(Stack([PreNorm(Attention(window=0 if i % 2 else 3), FeedForward()) for i in range(6)]), X)
    assert repeats(found) == [3, 3]
    assert [s.results[0].pattern for s in found.steps() if s.title == "Scores"] == ["band", ""]


def test_what_a_period_of_layers_gives_is_made_by_its_last_sum() -> None:
    layers = [PreNorm(Attention(window=0 if i % 2 else 3), FeedForward()) for i in range(6)]
    found = read(nn.Sequential(Stack(layers), nn.Linear(24, 7)), X)
    *_, last, head = found.steps()
    assert last.repeat == 3 and last.title == "Residual"
    assert head.operands[0].made_by == last.id


def test_layers_that_differ_in_a_weight_s_shape_alone_stay_apart() -> None:
    found = read(Stack([PreNorm(Attention(), FeedForward(width=40 if i < 2 else 48)) for i in range(5)]), X)
    assert repeats(found) == [2, 3]
    alternating = read(Stack([PreNorm(Attention(), FeedForward(width=40 if i % 2 else 48)) for i in range(4)]), X)
    assert repeats(alternating) == [2, 2]


def test_layers_that_differ_in_a_bias_alone_stay_apart() -> None:
    layers = [nn.Sequential(nn.Linear(24, 24, bias=i > 1), nn.ReLU(), nn.Linear(24, 24)) for i in range(4)]
    found = read(Stack(layers), X)
    assert [s.repeat for s in found.steps() if s.title == "ReLU"] == [2, 2]


def test_dense_and_expert_layers_of_one_class_stay_apart() -> None:
    layers = [PreNorm(Attention(), FeedForward("swiglu")), *(PreNorm(Attention(), Experts()) for _ in range(2))]
    found = read(Stack(layers), X)
    assert repeats(found) == [1, 2]
    assert step(found, "Router").equation == "[5,24]×[24,4]→[5,4]"
    assert [s.repeat for s in found.steps() if s.title == "Gate"] == [1, 8]


def test_one_layer_used_four_times_is_counted_once() -> None:
    model = Stack([PreNorm(Attention(), FeedForward())], times=4)
    trace = capture(model.eval(), (X,))
    found = outline(trace)
    assert repeats(found) == [4]
    assert found.totals.parameters == sum(p.numel() for p in model.parameters())
    assert faults(trace, found, all_used=False) == []


def test_patches_are_a_convolution() -> None:
    found = read(Patches(), torch.ones(2, 3, 8, 8))
    convolution = step(found, "Convolution")
    assert convolution.equation == "[2,3,8,8]∗[24,3,4,4]→[2,24,2,2]"
    assert found.totals.flops - found.totals.matmul_flops == convolution.flops == 2 * 2 * 4 * 24 * 3 * 16
    assert {"First position", "Head"} <= set(titles(found))


def test_a_model_without_modules_folds_too() -> None:
    found = read(Functions(4), X)
    assert {s.repeat for s in found.steps()} == {4}
    assert [title for title, _, _ in products(found)] == [
        "Query", "Key", "Value", "Scores", "Weighted sum", "Output", "Expand", "Shrink",
    ]  # fmt: skip


def test_a_single_layer_is_a_model() -> None:
    (only,) = read(nn.Linear(24, 3), X).steps()
    assert (only.kind, only.equation, only.parameters) == ("product", "[5,24]×[24,3]→[5,3]", 75)


@pytest.mark.filterwarnings("ignore:enable_nested_tensor")
@pytest.mark.parametrize("batch_first", [True, False])
def test_torch_s_transformer_has_three_attentions(batch_first: bool) -> None:
    model = nn.Transformer(24, 4, 2, 3, 48, batch_first=batch_first)
    source, target = torch.ones(2, 5, 24), torch.ones(2, 7, 24)
    if not batch_first:
        source, target = source.transpose(0, 1), target.transpose(0, 1)
    found = read(model, source, target)
    scores = [(s.equation, s.repeat, s.results[0].stack_axes) for s in found.steps() if s.title == "Scores"]
    assert scores == [
        ("[5,6]×[6,5]→[5,5]", 2, (2, 4)), ("[7,6]×[6,7]→[7,7]", 3, (2, 4)), ("[7,6]×[6,5]→[7,5]", 3, (2, 4)),
    ]  # fmt: skip


def test_an_empty_model_has_an_outline() -> None:
    found = read(nn.Identity(), X)
    assert list(found.steps()) == [] and found.totals.parameters == 0


def test_a_model_that_only_makes_constants_has_an_outline() -> None:
    class Makes(nn.Module):
        def forward(self) -> torch.Tensor:
            return torch.arange(4).cumsum(0)

    assert read(Makes()).coverage.operations == 2


class Picks(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.table = nn.Parameter(torch.ones(10, 4))

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        return self.table[ids]


def test_an_indexed_table_is_a_lookup() -> None:
    found = step(read(Picks(), torch.zeros(2, 3, dtype=torch.int64)), "Token lookup")
    assert (found.equation, found.parameters) == ("[2,3]→rows of [10,4]→[2,3,4]", 40)


def test_an_activation_with_a_pool_is_not_called_an_activation() -> None:
    found = read(nn.Sequential(nn.ReLU(), nn.MaxPool2d(2)), torch.ones(2, 3, 8, 8))
    assert "ReLU" not in titles(found)


def test_sizes_that_are_equal_by_chance_are_told_apart() -> None:
    """Batch 4, 4 tokens, 4 heads: axes are known by identity, not by size."""
    found = read(Stack([PreNorm(Attention(), FeedForward(width=24)) for _ in range(2)]), torch.ones(4, 4, 24))
    splits = [s.equation for s in found.steps() if s.kind == "split"]
    assert splits == ["[4,4,4,6]→[4,4,4,6]"] * 3
    assert step(found, "Scores").results[0].stack_axes == (4, 4)
    assert step(found, "Concat heads").equation == "4·[4,4,6]→[4,4,24]"


def test_a_window_inside_layers_that_alternate_is_a_band_and_a_nested_fold() -> None:
    found = read(Stack([PreNorm(Attention(window=0 if i % 3 == 2 else 3), FeedForward()) for i in range(6)]), X)
    assert repeats(found) == [4, 2]
    (group,) = (s for s in found.root.sections() if s.title == "Layer group")
    assert (group.repeat, [s.repeat for s in group.items]) == (2, [2, 1])
    scores = [s for s in found.steps() if s.title == "Scores"]
    assert [s.results[0].band for s in scores] == [(2, 0), None]
    assert "window of 3" in [str(note) for note in scores[0].notes]


def test_an_input_of_truth_values_is_a_mask() -> None:
    class Masked(nn.Module):
        def forward(self, x: torch.Tensor, seen: torch.Tensor) -> torch.Tensor:
            return torch.where(seen.unsqueeze(-1), x, 0.0)

    (chosen,) = read(Masked(), torch.ones(2, 5, 24), torch.ones(2, 5, dtype=torch.bool)).steps()
    assert [o.name for o in chosen.operands] == ["mask", "X"]


class Timed(nn.Module):
    """A number for each example that is reckoned with, and one that looks a row up; no vocabulary, no classes."""

    def __init__(self, *, scored: bool) -> None:
        super().__init__()
        self.scored, self.kinds, self.head = scored, nn.Embedding(5, 24), nn.Linear(24, 3)
        self.layer = nn.TransformerEncoderLayer(24, 4, 48, batch_first=True)

    def forward(self, x: torch.Tensor, time: torch.Tensor, kind: torch.Tensor) -> torch.Tensor:
        y: torch.Tensor = self.head(self.layer(x + self.kinds(kind) + (time[:, None] * 0.5).sin()))
        return y.softmax(-1) if self.scored else y


def test_numbers_that_are_reckoned_with_are_no_ids_and_a_head_gives_logits_where_they_become_shares() -> None:
    inputs = torch.ones(2, 24), *(torch.zeros(2, dtype=torch.long) for _ in range(2))
    given = [read(Timed(scored=scored), *inputs) for scored in (False, True)]
    names = {o.source: o.name for o in (operand for step in given[0].steps() for operand in step.operands) if o.source}
    assert (names["kind"], names["time"]) == ("ids", "")
    heads = [next(step for step in found.steps() if step.role is Role.HEAD) for found in given]
    assert [head.results[0].name for head in heads] == ["Y", "logits"]


class TwoTowers(nn.Module):
    """Two embeddings that are compared: neither projection is a head."""

    def __init__(self) -> None:
        super().__init__()
        self.words, self.block = nn.Embedding(50, 24), PreNorm(Attention(), FeedForward())
        self.a, self.b = nn.Linear(24, 16, bias=False), nn.Linear(24, 16, bias=False)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        x = self.block(self.words(ids))
        one, other = self.a(x[:, 0]), self.b(x[:, -1])
        return (one / one.norm(dim=-1, keepdim=True)) @ (other / other.norm(dim=-1, keepdim=True)).mT


def test_a_projection_that_is_compared_is_no_head() -> None:
    found = read(TwoTowers(), torch.zeros(3, 5, dtype=torch.long))
    assert {"a", "b"} <= set(titles(found)) and "Head" not in titles(found)
    assert "Unembedding" not in [s.title for s in found.root.sections()]


def test_heads_behind_the_positions_are_a_stack_too() -> None:
    class Normed(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.q, self.k, self.v = (nn.Linear(24, 24) for _ in range(3))
            self.norm = nn.LayerNorm(6)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            q, k, v = (part(x).view(*x.shape[:2], 4, 6) for part in (self.q, self.k, self.v))
            return nn.functional.scaled_dot_product_attention(
                self.norm(q).transpose(1, 2), k.transpose(1, 2), v.transpose(1, 2)
            )

    found = step(read(Normed(), torch.ones(2, 5, 24)), "LayerNorm")
    assert (found.operands[0].shape, found.operands[0].stack_axes) == ((5, 6), (2, 4))
