"""Maps of several columns: towers, forks in frames, lines between them, and boxes in little room."""

from itertools import pairwise

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

import shapetrace
from shapetrace.drawing import Look, figure
from shapetrace.drawing.layout.boxes import box_of
from shapetrace.drawing.primitives import Circle, Figure, Line, Polygon, Rect, Text
from shapetrace.outlining.roles import Part, Role
from shapetrace.outlining.structure import Outline
from tests.drawing.geometry import assert_sound
from tests.obtained import obtained

WIDTH = 16


def traced(model: nn.Module, *inputs: Tensor) -> Outline:
    return shapetrace.trace(model, *inputs).outline()


def map_of(outline: Outline, width_px: float = 700.0) -> Figure:
    return figure(outline, look=Look(view="map", width_px=width_px))


def texts(drawn: Figure) -> list[Text]:
    return [mark for mark in drawn.marks() if isinstance(mark, Text)]


def strokes(drawn: Figure, ink: str) -> list[tuple[tuple[float, float], ...]]:
    below = [mark for group in drawn.groups if group.id != "heading" for mark in group.marks]
    return [stroke for mark in below if isinstance(mark, Line) and mark.ink == ink for stroke in mark.strokes]


class Layer(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.norm, self.up, self.down = nn.LayerNorm(WIDTH), nn.Linear(WIDTH, 24), nn.Linear(24, WIDTH)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.down(self.up(self.norm(x)).relu())


def ends() -> nn.Module:
    return nn.Sequential(nn.Linear(WIDTH, WIDTH), nn.ReLU(), nn.Linear(WIDTH, WIDTH))


class Towers(nn.Module):
    """Rows and ids, each through layers of its own, ends that are alike, and their products both ways (CLAP)."""

    def __init__(self) -> None:
        super().__init__()
        self.words = nn.Embedding(50, WIDTH)
        self.left, self.right = (nn.Sequential(Layer(), Layer()) for _ in range(2))
        self.left_end, self.right_end = ends(), ends()

    def forward(self, x: Tensor, ids: Tensor) -> tuple[Tensor, Tensor]:
        left, right = self.left(x).mean(1), self.right(self.words(ids))[:, 0].tanh()
        left, right = nn.functional.normalize(self.left_end(left)), nn.functional.normalize(self.right_end(right))
        return right @ left.mT, left @ right.mT


@pytest.fixture(scope="module")
def towers() -> Outline:
    return traced(Towers(), torch.randn(3, 6, WIDTH), torch.zeros(3, 5, dtype=torch.long))


def test_what_ends_two_towers_stands_below_each_and_both_products_below_both(towers):
    drawn = map_of(towers)
    titles = [(text.plain, text.x) for text in texts(drawn) if text.plain in ("MLP", "Product", "L2 norm")]
    assert [name for name, _ in titles].count("MLP") >= 2
    for name in ("L2 norm", "Product"):
        assert len({x for title, x in titles if title == name}) == 2, name
    assert not any("no room" in text.plain for text in texts(drawn))
    assert_sound(drawn)


class Crossed(nn.Module):
    """A norm of its own for what is read, beside what goes on; the right one of two columns ends the frame."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleList(Pair() for _ in range(3))

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.layers:
            x = layer(x)
        return x


class Pair(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        self.left, self.right = nn.Linear(WIDTH, WIDTH), nn.Linear(WIDTH, WIDTH)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.left(self.a(x)) + self.right(self.b(x))


def test_lines_into_a_fork_leave_the_title_of_its_frame_alone():
    drawn = map_of(traced(Crossed(), torch.randn(2, 6, WIDTH)))
    title = next(box_of(text) for text in texts(drawn) if text.plain.endswith("×3"))
    level = [(a, b) for stroke in strokes(drawn, "data-edge") for a, b in pairwise(stroke)
             if a[1] == b[1]]  # fmt: skip
    assert level
    for (one, y), (other, _) in level:
        assert not (title.top < y < title.bottom and min(one, other) < title.right and title.left < max(one, other))


def test_a_frame_that_ends_side_by_side_is_left_by_what_ended_last():
    drawn = map_of(obtained("hf:perceiver").outline())
    panels = sorted((mark for mark in drawn.marks() if isinstance(mark, Rect) and mark.ink == "panel"), key=_top)
    edge = panels[0].y + panels[0].height
    ended = [stroke for stroke in strokes(drawn, "data-edge") if abs(stroke[-1][1] - edge) < 0.1]
    assert len(ended) == 1 and len(ended[0]) == 4 and ended[0][-1][0] != ended[0][0][0]


def _top(mark: Rect) -> float:
    return mark.y


def test_a_line_into_a_frame_in_a_frame_has_its_head_at_a_box():
    drawn = map_of(obtained("hf:gpt_oss", entries=("num_hidden_layers=4",)).outline())
    marks = (mark for group in drawn.groups if group.id.startswith("frame") for mark in group.marks)
    panels = sorted((mark for mark in marks if isinstance(mark, Rect) and mark.ink == "panel"), key=_top)
    assert len(panels) == 2
    heads = [mark.points[0] for mark in drawn.marks() if isinstance(mark, Polygon) and mark.ink == "rail-dot"]
    assert not any(abs(y - panels[1].y) < 0.1 for _, y in heads)


def test_no_line_to_a_sum_goes_through_another_sum():
    drawn = map_of(obtained("hf:decision_transformer").outline())
    assert not any("no room" in text.plain for text in texts(drawn))
    sums = [box_of(mark) for mark in drawn.marks() if isinstance(mark, Circle)]
    crossed = [
        (y, each)
        for stroke in strokes(drawn, "data-edge") for (x, y), (other, below) in pairwise(stroke)
        if y == below for each in sums
        if each.top < y < each.bottom and min(x, other) < each.left - 1 and each.right + 1 < max(x, other)
    ]  # fmt: skip
    assert not crossed


def test_a_narrow_box_has_its_whole_name_and_counts_below_it():
    drawn = map_of(obtained("hf:siglip").outline())
    said = [text.plain for text in texts(drawn)]
    assert {"Cross-attention", "Token lookup", "12 × 2.36 M"} <= set(said)
    assert said.count("Attention") == 2
    assert_sound(drawn)
    narrow = [text.plain for text in texts(map_of(obtained("mixtral-8x7b").outline(), 332.0))]
    assert "Mixture of experts" in narrow


def test_a_head_of_which_only_the_biases_are_its_own_is_tied_too():
    said = [text.plain for text in texts(map_of(obtained("hf:electra", entries=("num_hidden_layers=2",)).outline()))]
    assert any(text.startswith("tied to ") and text.endswith(" + 30.5 K") for text in said)


def test_the_legend_of_a_map_speaks_of_residuals_where_one_is_drawn():
    plain = traced(nn.Sequential(nn.Linear(WIDTH, WIDTH), nn.ReLU(), nn.Linear(WIDTH, 4)), torch.randn(2, WIDTH))
    added = traced(nn.Sequential(Layer(), Layer()), torch.randn(2, 6, WIDTH))
    assert "residual" not in [text.plain for text in texts(map_of(plain))]
    assert "residual" in [text.plain for text in texts(map_of(added))]


def test_a_number_alone_is_called_a_scalar():
    class Scaled(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.by = nn.Parameter(torch.ones(()))

        def forward(self, x: Tensor) -> Tensor:
            return x * self.by

    outline = traced(Scaled(), torch.randn(3, 4))
    assert [step.equation for step in outline.steps()] == ["[3,4]⊙scalar→[3,4]"]
    assert "by" in [text.plain for text in texts(map_of(outline))]


def given(drawn: Figure) -> list[str]:
    """What stands in pills of data: names of inputs and of the result."""
    nodes = (group for group in drawn.groups if group.id.startswith("node"))
    return [mark.plain for group in nodes for mark in group.marks if isinstance(mark, Text) and mark.ink == "name-data"]


def test_inputs_of_one_name_are_called_as_the_model_calls_them_and_are_as_long_as_they_were_given():
    assert given(map_of(obtained("transformer-base").outline()))[:2] == ["input_ids", "decoder_input_ids"]
    assert "decoder_input_ids" in given(
        map_of(
            obtained(
                "hf:speecht5",
                entries=(
                    "encoder_layers=1",
                    "decoder_layers=1",
                ),
            ).outline()
        )
    ), "a part of which is prepared"
    padded = [
        text.plain for text in texts(map_of(obtained("hf:longformer", entries=("num_hidden_layers=1",)).outline()))
    ]
    assert "[510]" in padded and "[512]" not in padded


def test_rows_that_ids_choose_behind_a_lookup_are_a_summand_of_their_own():
    drawn = map_of(
        obtained(
            "hf:seamless_m4t",
            entries=(
                "encoder_layers=1",
                "decoder_layers=1",
            ),
        ).outline()
    )
    assert [text.plain for text in texts(drawn)].count("Select rows") == 2


def test_heads_of_scores_that_run_in_pieces_are_counted_as_heads():
    said = [
        text.plain
        for text in texts(
            map_of(
                obtained(
                    "hf:led",
                    entries=(
                        "encoder_layers=1",
                        "decoder_layers=1",
                    ),
                ).outline()
            )
        )
    ]
    assert any(text.startswith("16 heads") for text in said) and not any("48 heads" in text for text in said)


def test_a_part_of_the_columns_of_a_product_has_the_rows_of_the_product():
    outline = obtained("hf:phi3", entries=("num_hidden_layers=2",)).outline()
    parts = [step.results[0].axes[0] for step in outline.steps() if step.role in (Role.QUERY, Role.KEY, Role.VALUE)]
    assert len(parts) == 3 and set(parts) == {outline.positions.axis}


def test_rows_of_a_table_of_few_kinds_are_no_positions_and_two_sums_in_a_row_are_two_rows():
    outline = obtained("hf:electra", entries=("num_hidden_layers=2",)).outline()
    sums = [step for step in outline.steps() if step.kind == "add"]
    assert [step.operands[1].part for step in sums] == [Part.TABLE, Part.POSITIONS]
    drawn = figure(outline, look=Look())
    assert {"E2", "P", "X1"} <= {text.plain for text in texts(drawn)}


def test_channels_and_frames_of_sound_are_no_length_of_the_input():
    drawn = figure(obtained("hf:hubert", entries=("num_hidden_layers=1",)).outline(), look=Look())
    assert "length of the input" not in [text.plain for text in texts(drawn)]


def test_one_id_beside_rows_is_no_token_with_padding():
    drawn = figure(obtained("hf:timesfm", entries=("num_hidden_layers=1",)).outline(), look=Look(view="story"))
    assert not any("padding" in text.plain for text in texts(drawn))


def test_what_is_scaled_by_a_number_is_called_as_before():
    outline = obtained("hf:gemma3_text", entries=("num_hidden_layers=2",)).outline()
    (scaled,) = (step for step in outline.steps() if step.kind == "multiply")
    assert scaled.results[0].name == "X"
    drawn = figure(outline, look=Look(view="story"))
    assert any(text.plain.startswith("X2 goes into the next block as X") for text in texts(drawn))


def test_bars_of_a_box_are_its_shares_of_parameters_flops_and_activations():
    outline = obtained("gpt2").outline()
    section = next(part for part in outline.root.sections() if part.kind == "attention")
    said = [text.plain for text in texts(map_of(outline))]
    made = sum(step.activation_bytes for step in section.steps()) / outline.totals.activation_bytes
    flops = sum(step.flops_in_all for step in section.steps()) / outline.totals.flops
    owned = sum(step.parameters_in_all for step in section.steps()) / outline.totals.parameters
    start = said.index(f"{100 * made:.1f} %")
    assert said[start : start + 3] == [f"{100 * share:.1f} %" for share in (made, flops, owned)]
    assert {"weight-bar", "data-bar", "made-bar"} <= {
        mark.ink for mark in map_of(outline).marks() if isinstance(mark, Rect)
    }


def test_facts_of_a_narrow_figure_are_whole():
    said = " ".join(text.plain for text in texts(map_of(obtained("mixtral-8x7b").outline(), 332.0)))
    assert "8 experts, 2 a token" in said


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_in_little_room_words_are_left_out_or_broken_and_not_cut(lang):
    drawn = figure(obtained("transformer-base").outline(), look=Look(view="map", width_px=330), lang=lang)
    assert_sound(drawn)
    assert not [text.plain for text in texts(drawn) if "…" in text.plain]


class Scaled(nn.Module):
    """A layer whose norm waits until a gate is made of what was handed over (a diffusion model)."""

    def __init__(self) -> None:
        super().__init__()
        self.norm, self.gate, self.last = nn.LayerNorm(WIDTH), nn.Linear(WIDTH, WIDTH), nn.Linear(WIDTH, WIDTH)

    def forward(self, x: Tensor, c: Tensor) -> Tensor:
        normed = self.norm(x)
        made: Tensor = x + self.last(normed * self.gate(F.silu(c))[:, None])
        return made


class Conditioned(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layers, self.table = nn.ModuleList([Scaled(), Scaled()]), nn.Embedding(50, WIDTH)

    def forward(self, x: Tensor, ids: Tensor) -> Tensor:
        c = self.table(ids)
        for layer in self.layers:
            x = layer(x, c)
        return x


def test_a_line_past_others_leaves_the_edge_of_what_it_comes_from():
    drawn = map_of(traced(Conditioned(), torch.randn(1, 9, WIDTH), torch.zeros(1, dtype=torch.int64)))
    boxes = [mark for mark in drawn.marks() if isinstance(mark, Rect) and mark.ink.startswith("block")]
    plain = [piece for stroke in strokes(drawn, "data-edge") for piece in pairwise(stroke)]
    rails = strokes(drawn, "rail")
    assert rails
    for (x, y), *_ in rails:
        on_box = any(box.x < x < box.x + box.width and y == box.y + box.height for box in boxes)
        on_line = any(a[0] == b[0] == x and min(a[1], b[1]) <= y <= max(a[1], b[1]) for a, b in plain)
        assert on_box or on_line
