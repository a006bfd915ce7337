"""What stands beside the column of a map, and the signs in boxes that have no room for a picture."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

import shapetrace
from shapetrace.drawing import Look, figure
from shapetrace.drawing.layout.boxes import box_of
from shapetrace.drawing.mapping.chart import Node
from shapetrace.drawing.mapping.charting import chart
from shapetrace.drawing.mapping.glyphs import glyph
from shapetrace.drawing.mapping.inside.attention import inside_attention
from shapetrace.drawing.mapping.inside.experts import inside_experts
from shapetrace.drawing.mapping.inside.routes import routes
from shapetrace.drawing.primitives import Circle, Figure, Group, Line, Mark, Polygon, Rect, Text
from shapetrace.drawing.wording import words_in
from shapetrace.outlining.structure import Outline
from tests.drawing.geometry import assert_sound
from tests.drawing.test_map import map_of, outline_of
from tests.drawing.test_map_columns import obtained

D = 32


def panels(drawn: Figure) -> list[Group]:
    return [group for group in drawn.groups if group.id.startswith("inside")]


def plain(marks: tuple[Mark, ...]) -> list[str]:
    return [mark.plain for mark in marks if isinstance(mark, Text)]


def boxes(outline: Outline, sublayer: str) -> list[Node]:
    flows, found = [chart(outline)], []
    while flows:
        for node in flows.pop().nodes:
            flows += [node.inside] if node.inside is not None else []
            found += [node] if node.kind == "box" and node.sublayer == sublayer else []
    return found


def insides(outline: Outline, sublayer: str) -> tuple[Mark, ...]:
    inside = inside_attention if sublayer == "attention" else inside_experts
    return inside(boxes(outline, sublayer)[0], (), words_in("en"))[0]


def test_what_latent_attention_and_experts_hold_is_opened_beside_the_column():
    drawn = map_of(outline_of("deepseek-v3"))
    attention, experts = panels(drawn)
    said = plain(attention.marks)
    assert said[0] == "Inside: Attention"
    assert {"7168×1536", "7168×576", "1536×192", "512×128", "16384×7168", "64", "×128"} <= set(said)
    assert said.count("512×128") == 2, "keys and values have weights of their own"
    assert {"WDQ", "WDKV", "WQ", "WK", "WV", "WO", "not drawn: RMSNorm · RoPE"} <= set(said)
    assert "8 of 256" in plain(experts.marks) and "one expert: 44 M parameters" in plain(experts.marks)
    assert "each 7168 → 2048 → 7168" in plain(experts.marks) and "MLP" in plain(experts.marks)
    assert drawn.height_px <= 1000
    assert_sound(drawn)


def test_every_box_that_is_opened_has_a_dotted_line_to_its_panel():
    attention, experts = panels(map_of(outline_of("deepseek-v3")))
    lines = [
        [mark for mark in group.marks if isinstance(mark, Line) and mark.ink == "leader"]
        for group in (attention, experts)
    ]
    assert [len(each) for each in lines] == [2, 1], (
        "attention of the dense layers and of the others, experts of the others"
    )
    for group, each in zip((attention, experts), lines, strict=True):
        frame = next(mark for mark in group.marks if isinstance(mark, Rect) and mark.ink == "panel")
        for line in each:
            (x, y) = line.strokes[0][-1]
            assert x == frame.x and frame.y < y < frame.y + frame.height


def test_what_is_in_a_panel_stays_in_it():
    for model in ("deepseek-v3", "mixtral-8x7b"):
        for group in panels(map_of(outline_of(model))):
            frame, *marks = group.marks
            around = box_of(frame)
            for mark in marks:
                if not (isinstance(mark, Line) and mark.ink == "leader") and not isinstance(mark, Circle):
                    box = box_of(mark)
                    assert around.left <= box.left and box.right <= around.right, mark
                    assert around.top <= box.top and box.bottom <= around.bottom, mark


def test_a_map_whose_boxes_show_what_is_in_them_has_no_panels():
    assert not panels(map_of(outline_of("gpt2")))


def test_a_narrow_map_has_no_panels():
    assert not panels(figure(outline_of("mixtral-8x7b"), look=Look(view="map", width_px=332.0)))


def test_heads_that_share_keys_are_counted_each_on_its_own():
    said = plain(insides(outline_of("mixtral-8x7b"), "attention"))
    assert (said.count("×32"), said.count("×8")) == (1, 2)
    assert "32 heads · Q Kᵀ ⁄ √128" in said


@pytest.mark.parametrize(("model", "n"), [("deepseek-v3", 256), ("mixtral-8x7b", 8)])
def test_there_is_a_square_for_each_expert(model, n):
    marks = insides(outline_of(model), "experts")
    squares = [mark for mark in marks if isinstance(mark, Rect) and mark.ink == "weight-bar"]
    assert len(squares) == n
    rows = {mark.y for mark in squares}
    assert all(sum(mark.y == y for mark in squares) == n // len(rows) for y in rows), "all rows are full"


class Attention(nn.Module):
    def __init__(self, *, convolved: bool = False, context: bool = False) -> None:
        super().__init__()
        self.q, self.k, self.v, self.o = (nn.Linear(D, D) for _ in range(4))
        self.mixed = nn.Conv1d(D, D, 3, padding=1) if convolved else nn.Identity()
        self.context = context

    def forward(self, x: Tensor, memory: Tensor) -> Tensor:
        read = memory if self.context else x
        k = self.mixed(self.k(read).transpose(1, 2)).transpose(1, 2)
        q, k, v = (each.unflatten(-1, (4, -1)).transpose(1, 2) for each in (self.q(x), k, self.v(read)))
        weights = (q @ k.transpose(-1, -2) / 8**0.5).softmax(-1)
        return x + self.o((weights @ v).transpose(1, 2).flatten(2))


def attention(**kwargs: bool) -> Outline:
    return shapetrace.trace(Attention(**kwargs), torch.randn(1, 6, D), torch.randn(1, 9, D)).outline()


def test_attention_that_is_made_through_more_than_products_has_no_inside():
    assert insides(attention(), "attention")
    assert not insides(attention(convolved=True), "attention")


def test_what_keys_and_values_are_made_of_is_given_apart_from_what_queries_are():
    marks = insides(attention(context=True), "attention")
    pills = [mark for mark in marks if isinstance(mark, Rect) and mark.ink == "data" and mark.radius == mark.height / 2]
    assert len(pills) == 2
    assert len([m for m in insides(attention(), "attention")
                if isinstance(m, Rect) and m.ink == "data" and m.radius == m.height / 2]) == 1  # fmt: skip


def test_a_route_names_the_products_that_a_matrix_comes_through_and_what_is_joined_to_it():
    node = boxes(outline_of("deepseek-v3"), "attention")[0]
    scores = next(step for step in node.steps if step.kind == "scores")
    query, key = routes(scores.operands[:2], node.steps)
    assert [step.results[0].name for step in query.products] == ["C_Q", "Q"] and not query.sides
    assert [step.results[0].name for step in key.products] == ["C_KV", "K"]
    assert [side.shape[-1] for side in key.sides] == [64]
    assert query.source.value == key.source.value


def test_a_mixture_whose_result_is_no_sum_has_no_inside():
    (node, *_) = boxes(outline_of("deepseek-v3"), "experts")
    assert inside_experts(node, (), words_in("en"))[0]
    assert not inside_experts(replace(node, steps=node.steps[:-1]), (), words_in("en"))[0]


class PostNorm(nn.Module):
    def __init__(self, *, read_again: bool = False) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            nn.ModuleList((nn.Linear(D, 4 * D), nn.Linear(4 * D, D), nn.LayerNorm(D))) for _ in range(2)
        )
        self.read_again = read_again

    def forward(self, x: Tensor) -> Tensor:
        for up, down, norm in self.layers:  # type: ignore[misc]
            added = x + down(up(x).relu())
            x = norm(added) + added if self.read_again else norm(added)
        return x


@pytest.mark.parametrize("read_again", [False, True])
def test_a_residual_and_its_norm_are_one_where_nothing_else_reads_the_sum(read_again):
    outline = shapetrace.trace(PostNorm(read_again=read_again), torch.randn(1, 6, D)).outline()
    flow = chart(outline)
    inner = [node for each in flow.nodes for node in (each.inside.nodes if each.inside is not None else ())]
    kinds = [node.kind for node in (*flow.nodes, *inner)]
    assert ("add_norm" in kinds) is not read_again
    assert ("Add & LayerNorm" in plain(tuple(map_of(outline).marks()))) is not read_again


def test_signs_show_masks_and_widths():
    masked, open_ = (boxes(outline, "attention")[0] for outline in (outline_of("gpt2"), attention()))
    triangles = [[mark for mark in glyph(node, 0, 0, 60) if isinstance(mark, Polygon)] for node in (masked, open_)]
    assert [len(each) for each in triangles] == [1, 0]
    data = [mark.height for mark in glyph(boxes(outline_of("gpt2"), "mlp")[0], 0, 0, 60) if isinstance(mark, Rect)]
    assert data[1] / data[0] == pytest.approx(4 ** (1 / 3)) and data[2] == data[0]


def test_what_an_encoder_hands_over_is_named_where_it_leaves_and_where_it_arrives():
    drawn = map_of(obtained("transformer-base").outline())
    (lines,) = (group for group in drawn.groups if group.id == "lines")
    assert plain(lines.marks) == ["C", "[64, 512]", "K, V"]
    assert_sound(drawn)


def test_a_map_says_which_pytorch_ran():
    said = plain(tuple(map_of(outline_of("gpt2")).marks()))
    assert f"every shape recorded from a real forward pass · PyTorch {torch.__version__.partition('+')[0]}" in said


class Fused(nn.Module):
    """Latents of queries and of keys and values side by side in one product."""

    def __init__(self) -> None:
        super().__init__()
        self.down, self.q = nn.Linear(D, 12 + 8), nn.Linear(12, D)
        self.k, self.v, self.o = nn.Linear(8, D), nn.Linear(8, D), nn.Linear(D, D)

    def forward(self, x: Tensor) -> Tensor:
        latent_q, latent_kv = self.down(x).split([12, 8], -1)
        made = self.q(latent_q), self.k(latent_kv), self.v(latent_kv)
        q, k, v = (each.unflatten(-1, (4, -1)).transpose(1, 2) for each in made)
        weights = (q @ k.transpose(-1, -2) / 8**0.5).softmax(-1)
        return self.o((weights @ v).transpose(1, 2).flatten(2))


class Layer(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.norm, self.attn = nn.LayerNorm(D), Fused()

    def forward(self, x: Tensor) -> Tensor:
        return x + self.attn(self.norm(x))


@pytest.mark.parametrize(("model", "is_inside"), [(Layer(), True), (Fused(), False)])
def test_columns_of_one_product_that_go_different_ways_stand_apart(model, is_inside):
    marks = insides(shapetrace.trace(model, torch.randn(1, 6, D)).outline(), "attention")
    assert plain(marks).count(f"{D}×20") == is_inside
    assert {"12", "8" if is_inside else "[6, 8]"} <= set(plain(marks))
