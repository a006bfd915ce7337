"""What stands in the boxes of a map and below it: equations, weights, how often things run, what a pass costs."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

import shapetrace
from shapetrace.drawing import Look, figure
from shapetrace.drawing.layout.boxes import box_of
from shapetrace.drawing.mapping.boxes import Boxes
from shapetrace.drawing.mapping.chart import Node
from shapetrace.drawing.mapping.charting import chart
from shapetrace.drawing.mapping.pictures import Frame, has_picture, picture
from shapetrace.drawing.mapping.weights import weight_line
from shapetrace.drawing.primitives import Rect, Text
from shapetrace.drawing.wording import words_in
from shapetrace.formats import svg
from shapetrace.obtaining import obtain
from shapetrace.outlining.roles import Role
from shapetrace.outlining.structure import Operand, Outline, Step
from shapetrace.request import Request
from shapetrace.sharding.degrees import Degrees
from tests.drawing.test_map import frames, map_of, outline_of, texts
from tests.outlining.test_kinds_of_sections import StateSpace


def test_a_picture_multiplies_what_was_recorded_and_no_more():
    class Deep(nn.Module):
        def __init__(self, *, hidden: int) -> None:
            super().__init__()
            inner = [layer for _ in range(hidden) for layer in (nn.Linear(32, 32), nn.ReLU())]
            self.mlp = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), *inner, nn.Linear(32, 8))

        def forward(self, x: Tensor) -> Tensor:
            return x + self.mlp(x)

    for hidden, is_drawn in ((0, True), (1, False)):
        outline = shapetrace.trace(Deep(hidden=hidden), torch.zeros(1, 6, 8)).outline()
        (box,) = (node for node in chart(outline).nodes if node.sublayer == "mlp")
        assert has_picture(box) is is_drawn


def test_the_weights_of_a_box_are_named_with_their_modules_and_stored_shapes():
    said = texts(map_of(outline_of("gpt2")))
    assert "WQ, WK, WV: c_attn [2304, 768] + bias · WO: c_proj [768, 768] + bias" in said
    assert "wte.weight [50257, 768]ᵀ" in said
    without = texts(map_of(outline_of("llama-3.1-8b")))
    assert "q_proj, o_proj [4096, 4096] · k_proj, v_proj [1024, 4096]" in without
    assert not any("bias" in line for line in without)


def test_what_is_as_long_as_the_input_is_slanted():
    drawn = map_of(obtain(Request(model="gpt2", shape={"seq": 768}), print).outline())
    (entry,) = (mark for mark in drawn.marks() if isinstance(mark, Text) and mark.plain == "[768, 768]")
    assert [span.text for span in entry.spans if span.slanted] == ["768"] and entry.spans[1].slanted
    assert 'font-style="italic">768</tspan>' in svg.render(drawn)


def test_the_legend_explains_italics_where_there_are_some():
    frames_of_sound = shapetrace.trace(nn.Sequential(nn.Conv1d(4, 8, 3), nn.ReLU()), torch.zeros(1, 4, 64)).outline()
    for outline in (outline_of("gpt2"), frames_of_sound):
        drawn = map_of(outline)
        slanted = any(span.slanted for mark in drawn.marks() if isinstance(mark, Text) for span in mark.spans)
        assert ("length of the input" in texts(drawn)) is slanted


def test_below_a_map_stands_how_it_ran_and_what_a_longer_input_costs():
    said = " ".join(texts(map_of(outline_of("gpt2"))))
    assert "float32 · on meta, no arithmetic · batch 1" in said
    assert "86.7 % of the FLOPs grow as T, 13.3 % as T² and the cache by 73,728 bytes a token" in said
    assert "97.9 % of the FLOPs grow as T, 2.1 % as T²" in " ".join(texts(map_of(outline_of("mixtral-8x7b"))))
    assert "grow as" not in " ".join(
        texts(map_of(obtain(Request(model="gpt2", shape={"batch": 2, "layers": 1}), print).outline()))
    )
    assert "As both inputs get longer, T: 98.3 % of" in " ".join(texts(map_of(outline_of("transformer-base"))))


@pytest.mark.parametrize("rows", [1, 5, 1024, 100_000])
def test_a_picture_stays_in_its_box(rows):
    outline = outline_of("gpt2")
    (block,) = frames(chart(outline))
    assert block.inside is not None
    for node in block.inside.nodes:
        for height in (60, 70, 90):
            frame = Frame(0, 0, 476, height)
            steps = tuple(_as_long(step, rows) for step in node.steps)
            for mark in picture(replace(node, steps=steps), frame, frozenset(), words_in("en")):
                box = box_of(mark)
                assert box.left >= -1 and box.right <= 477 and box.top >= -1 and box.bottom <= height + 3


def _as_long(step: Step, rows: int) -> Step:
    def other(operand: Operand) -> Operand:
        return replace(operand, shape=tuple(rows if size == 1024 else size for size in operand.shape))

    return replace(step, operands=tuple(map(other, step.operands)), results=tuple(map(other, step.results)))


class Turning(nn.Module):
    """A layer whose inner product runs several times, each time with the same weights."""

    def __init__(self) -> None:
        super().__init__()
        self.into, self.again = nn.Linear(8, 8), nn.Linear(8, 8)

    def forward(self, x: Tensor) -> Tensor:
        x = self.into(x)
        for _ in range(7):
            x = torch.tanh(self.again(x)).sin()
        return x


class Loops(nn.Module):
    """Layers with loops in them, and a loop over one layer."""

    def __init__(self, *, over_one: bool) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(8)
        self.layers = nn.ModuleList([Turning()] if over_one else [Turning() for _ in range(3)])
        self.n_runs = 6 if over_one else 1

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.layers:
            for _ in range(self.n_runs):
                x = x + layer(self.norm(x))
        return x


def test_weights_that_layers_share_are_counted_once():
    of_one, of_three = (
        texts(map_of(shapetrace.trace(Loops(over_one=over_one), torch.zeros(1, 4, 8)).outline()))
        for over_one in (True, False)
    )
    assert {"144", "16"} <= set(of_one) and not any("×" in line and "144" in line for line in of_one)
    assert {"3 × 144", "16"} <= set(of_three)


def test_a_box_says_how_often_it_or_a_part_of_it_runs():
    assert any("in a loop ×7" in line for line in texts(map_of(_traced(Loops(over_one=False), 4, 8))))

    class Decoding(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.words, self.cell, self.out = nn.Embedding(50, 8), nn.GRUCell(8, 8), nn.Linear(8, 50)

        def forward(self, state: Tensor) -> Tensor:
            word, said = torch.zeros(1, dtype=torch.int64), []
            for _ in range(6):
                state = self.cell(self.words(word), state)
                said.append(self.out(state))
                word = said[-1].argmax(-1)
            return torch.stack(said)

    written = texts(map_of(_traced(Decoding(), 8)))
    assert "Loop ×6" in written and "1,282" in written


def _traced(model: nn.Module, *shape: int) -> Outline:
    return shapetrace.trace(model, torch.zeros(1, *shape)).outline()


def test_a_map_of_one_rank_says_so_and_what_ranks_tell_each_other():
    ranks = Degrees(tp=8)
    outline = obtain(Request(model="llama-3.1-8b", shape={"layers": 2, "seq": 64}, ranks=ranks), print).outline()
    for view in ("map", "story"):
        assert any("rank 0 of 8" in line for line in texts(figure(outline, look=Look(view=view))))
    assert any("All-reduce" in line for line in texts(map_of(outline)))


def test_a_pass_that_failed_has_no_result_and_no_growth():
    class Failing(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.table, self.out = nn.Embedding(50, 8), nn.Linear(8, 4)

        def forward(self, ids: Tensor) -> Tensor:
            return self.out(self.table(ids)) @ torch.zeros(3, 3)

    with pytest.raises(RuntimeError) as caught:
        shapetrace.trace(Failing(), torch.zeros(1, 6, dtype=torch.int64))
    outline = shapetrace.Trace.of(caught.value.trace).outline()  # type: ignore[attr-defined]
    assert [node.kind for node in chart(outline).nodes] == ["given", "box", "box"]
    assert not any("grow as" in line for line in texts(map_of(outline)))


def test_a_layer_that_is_like_another_says_what_is_said_of_its_scores_alone():
    shape = {"layers": 4, "seq": 64, "window": 16, "full_every": 2}
    outline = obtain(Request(model="gpt2", shape=shape), print).outline()
    drawn = map_of(outline)
    assert "as above, without window of 16" in texts(drawn)
    assert any("window of 16" in line and "heads" in line for line in texts(drawn))
    section = next(part for part in outline.root.sections() if part.path == "h.0.attn")
    node = Node("box", tuple(section.steps()), section, "attention")
    inks = [mark.ink for mark in picture(node, Frame(0, 0, 500, 90), frozenset(), words_in("en"))]
    assert {"data-hollow", "data-fill"} <= set(inks), "A is a band"
    assert any(text.startswith("同上，但无") for text in texts(figure(outline, look=Look(view="map"), lang="zh")))


def test_a_mixer_that_weighs_by_no_softmax_is_not_called_attention():
    outline = _traced(nn.Sequential(StateSpace(), StateSpace()), 5, 8)
    states = tuple(step for step in outline.steps() if step.role in {Role.STATE, Role.READ_STATE})
    queries = tuple(step for step in outline_of("gpt2").steps() if step.role is Role.QUERY)
    titles = [
        Boxes(outline, words_in("en")).title(Node("box", (*states, *more), sublayer="attention"))
        for more in ((), queries)
    ]
    assert len(states) > 1 and titles[0] != "Attention" == titles[1]


@pytest.mark.parametrize(("room", "line"), [
    (300, "q, o [8, 8] + bias · k [2, 8] + bias"), (170, "q, o [8, 8] · k [2, 8] + biases"),
])  # fmt: skip
def test_weights_with_biases_say_so_once_where_room_is_short(room, line):
    class Three(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.q, self.o, self.k = nn.Linear(8, 8), nn.Linear(8, 8), nn.Linear(8, 2)

        def forward(self, x: Tensor) -> Tensor:
            y: Tensor = self.k(self.o(self.q(x)))
            return y

    outline = _traced(Three(), 5, 8)
    written = "".join(span.text for span in weight_line(list(outline.steps()), outline.trace, room))
    assert written == line


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_what_a_longer_input_costs_does_not_drive_out_the_bars_of_a_long_map(lang):
    drawn = figure(outline_of("deepseek-v3"), look=Look(view="map"), lang=lang)
    assert drawn.height_px <= 1000
    assert any(isinstance(mark, Rect) and mark.ink == "track" for mark in drawn.marks())
    assert "6.5 %" in " ".join(texts(drawn))
