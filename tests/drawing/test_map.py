"""The map: what stands in it is what was recorded, on one screen, for any model."""

from dataclasses import replace
from itertools import pairwise

import pytest
import torch
from hypothesis import given, settings
from torch import Tensor, nn

import shapetrace
from shapetrace.drawing import Look, figure
from shapetrace.drawing.kinds.map import _arranged
from shapetrace.drawing.layout.boxes import box_of
from shapetrace.drawing.mapping.arranging import ROOMS, Arranging, Laid, Spot
from shapetrace.drawing.mapping.boxes import Boxes
from shapetrace.drawing.mapping.chart import Flow, Fork, Node
from shapetrace.drawing.mapping.charting import chart, closable
from shapetrace.drawing.mapping.railing import Rail, Railing
from shapetrace.drawing.mapping.wiring import Wires, wires
from shapetrace.drawing.primitives import Circle, Figure, Line, Polygon, Rect, Text
from shapetrace.drawing.wording import words_in
from shapetrace.errors import UsageError
from shapetrace.models import presets
from shapetrace.outlining.structure import Operand, Outline, Step
from tests.drawing.geometry import assert_sound
from tests.drawing.random_outlines import outlines
from tests.obtained import obtained
from tests.outlines import gpt2

LARGEST = {"gpt2", "llama-3.1-405b", "mixtral-8x7b", "deepseek-v3", "transformer-base", "qwen3-0.6b", "lecture-gpt"}


def outline_of(model: str) -> Outline:
    return obtained(model).outline()


def map_of(outline: Outline) -> Figure:
    return figure(outline, look=Look(view="map"))


def kinds(flow: Flow) -> list[str]:
    return [node.sublayer or node.kind for node in flow.nodes]


def frames(flow: Flow) -> list[Node]:
    return [node for node in flow.nodes if node.kind == "frame"]


def texts(drawn: Figure) -> list[str]:
    return [mark.plain for mark in drawn.marks() if isinstance(mark, Text)]


@pytest.mark.parametrize(
    "name", [name if name in LARGEST else pytest.param(name, marks=pytest.mark.slow) for name in presets.names()]
)
def test_every_preset_is_one_screen_without_overlaps(name):
    drawn = map_of(outline_of(name))
    assert drawn.width_px == 700 and drawn.height_px <= 1000
    assert_sound(drawn)


def test_gpt2_is_two_sublayers_with_their_residuals_twelve_times():
    flow = chart(outline_of("gpt2"))
    assert kinds(flow) == ["given", "lookup", "join", "frame", "norm", "box", "given"]
    (block,) = frames(flow)
    assert block.repeat == 12 and block.inside is not None
    assert kinds(block.inside) == ["norm", "attention", "join", "norm", "mlp", "join"]
    assert [node.older for node in block.inside.nodes if node.kind == "join"] == [-1, 2]
    assert flow.chain == (0, 1, 2, 3, 4, 5, 6)


def test_the_numbers_are_those_of_the_outline():
    said = texts(map_of(outline_of("gpt2")))
    assert {"12 × 2.36 M", "22.8 %", "12 × 4.72 M", "45.5 %", "27.1 %", "tied to wte", "38.6 M"} <= set(said)
    assert any("124,439,808 parameters" in line for line in said)


def test_encoder_and_decoder_stand_side_by_side_and_the_memory_goes_to_the_decoder():
    flow = chart(outline_of("transformer-base"))
    (fork,) = flow.chain
    assert isinstance(fork, Fork) and len(fork.chains) == 2
    encoder, decoder = frames(flow)
    assert flow.nodes.index(encoder) in fork.chains[0] and flow.nodes.index(decoder) in fork.chains[1]
    assert decoder.beside == (flow.nodes.index(encoder),)


class Parallel(nn.Module):
    """Attention and MLP read one norm; both are added to what entered."""

    def __init__(self) -> None:
        super().__init__()
        self.norm, self.attn = nn.LayerNorm(16), nn.MultiheadAttention(16, 2, batch_first=True)
        self.up, self.down = nn.Linear(16, 64), nn.Linear(64, 16)

    def forward(self, x: Tensor) -> Tensor:
        h = self.norm(x)
        return x + self.attn(h, h, h, need_weights=False)[0] + self.down(self.up(h).relu())


def test_parallel_sublayers_stand_side_by_side():
    blocks = nn.Sequential(*(Parallel() for _ in range(3)))
    (block,) = frames(chart(shapetrace.trace(blocks, torch.zeros(1, 5, 16)).outline()))
    assert block.inside is not None
    (fork,) = [item for item in block.inside.chain if isinstance(item, Fork)]
    beside = [
        [block.inside.nodes[number].sublayer for number in chain if isinstance(number, int)] for chain in fork.chains
    ]
    assert sorted(found for chain in beside for found in chain if found) == ["attention", "mlp"]


class Plain(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv, self.fc = nn.Conv2d(3, 8, 3), nn.Linear(8, 5)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(self.conv(x).relu().mean((2, 3)))


@pytest.mark.parametrize(
    ("model", "inputs"),
    [
        (Plain(), (torch.zeros(1, 3, 9, 9),)),
        (nn.Identity(), (torch.zeros(2),)),
        (nn.LSTM(4, 6, 2), (torch.zeros(3, 1, 4),)),
        (nn.Sequential(*(nn.Linear(4, 4) for _ in range(30))), (torch.zeros(1, 4),)),
        (nn.Transformer(16, 2, 2, 2, 32, batch_first=True), (torch.zeros(1, 5, 16), torch.zeros(1, 4, 16))),
    ],
)
def test_any_model_has_a_map(model, inputs):
    assert_sound(map_of(shapetrace.trace(model, *inputs).outline()))


@settings(max_examples=40, deadline=None)
@given(outlines())
def test_any_outline_has_a_map(outline):
    assert_sound(map_of(outline))


@pytest.mark.parametrize("name", [" ", "\u200b", "\x1b"])
def test_a_result_without_a_name_to_be_seen_is_called_output(name):
    outline = gpt2()
    *before, last = outline.root.items
    assert isinstance(last, Step)
    step = replace(last, results=(replace(last.results[0], name=name, source=name),))
    root = replace(outline.root, items=(*before, step))
    assert "output" in texts(map_of(replace(outline, root=root)))


def test_less_room_never_makes_a_map_taller():
    outline = outline_of("deepseek-v3")
    heights = [
        Arranging(room, lambda _node: True, lambda _node: 60.0).lay(chart(outline), 0, 588, 0).bottom
        for room in ROOMS
    ]  # fmt: skip
    assert heights == sorted(heights, reverse=True)


def test_a_map_is_of_the_whole_model():
    with pytest.raises(UsageError, match="whole model"):
        figure(outline_of("gpt2"), section="mlp", look=Look(view="map"))


def test_in_chinese_every_phrase_is_translated():
    drawn = figure(outline_of("gpt2"), look=Look(view="map"), lang="zh")
    assert not {"Attention", "Token lookup", "Unembedding", "data", "weights"} & set(texts(drawn))
    assert_sound(drawn)


class Skipping(nn.Module):
    """What the way down made is put beside what the way up made, past everything between them."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = nn.Conv2d(3, 8, 3, padding=1), nn.Conv2d(8, 16, 3, stride=2, padding=1)
        self.norm, self.time = nn.GroupNorm(4, 16), nn.Linear(4, 16)
        self.up, self.out = nn.ConvTranspose2d(16, 8, 2, stride=2), nn.Conv2d(16, 3, 3, padding=1)

    def forward(self, x: Tensor, t: Tensor) -> Tensor:
        skipped = self.a(x).relu()
        y = self.norm(self.b(skipped) + self.time(t).relu()[:, :, None, None])
        z: Tensor = self.out(torch.cat([self.up(y), skipped], 1))
        return z


class Several(nn.Module):
    """Codebooks: each with a table and a head of its own."""

    def __init__(self, n: int) -> None:
        super().__init__()
        self.tables, self.block = nn.ModuleList(nn.Embedding(20, 16) for _ in range(n)), Parallel()
        self.heads = nn.ModuleList(nn.Linear(16, 20) for _ in range(n))

    def forward(self, ids: Tensor) -> Tensor:
        x = sum(table(ids[:, n]) for n, table in enumerate(self.tables))
        y = self.block(x)
        return torch.stack([head(y) for head in self.heads], 1)


class Unlike(nn.Module):
    """Many heads of one value, each of another width."""

    def __init__(self) -> None:
        super().__init__()
        self.heads = nn.ModuleList(nn.Linear(16, 4 + n) for n in range(9))

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([head(x) for head in self.heads], 1)


class Modulated(nn.Module):
    """A layer that scales its norms by something it makes of a condition (adaLN)."""

    def __init__(self) -> None:
        super().__init__()
        self.norm, self.ada = nn.LayerNorm(16, elementwise_affine=False), nn.Linear(16, 32)
        self.up, self.down = nn.Linear(16, 64), nn.Linear(64, 16)

    def forward(self, x: Tensor, c: Tensor) -> Tensor:
        shift, scale = self.ada(c.sin())[:, None].chunk(2, -1)
        y: Tensor = x + self.down(self.up(self.norm(x) * (1 + scale) + shift).relu())
        return y


class Conditioned(nn.Module):
    """Data and a condition, each with its way to layers that read both."""

    def __init__(self) -> None:
        super().__init__()
        self.data, self.condition = nn.Linear(8, 16), nn.Linear(4, 16)
        self.layers, self.out = nn.ModuleList(Modulated() for _ in range(3)), nn.Linear(16, 8)

    def forward(self, x: Tensor, c: Tensor) -> Tensor:
        x, c = self.data(x), self.condition(c)
        for layer in self.layers:
            x = layer(x, c)
        y: Tensor = self.out(x)
        return y


CONDITIONED = torch.zeros(2, 5, 8), torch.zeros(2, 4)


def crossings(outline: Outline) -> tuple[list[str], Wires]:
    """What lines of a map run through."""
    laid = _arranged(Boxes(outline, words_in("en")), 652, 10, 1000)
    lines, found = wires(laid), []
    spots = [spot for flow in laid.all() for spot in flow.spots.values() if spot.node.inside is None]
    strokes = [stroke for mark in lines.marks if isinstance(mark, Line) for stroke in mark.strokes]
    for (a, b), (c, d) in (piece for stroke in strokes for piece in pairwise(stroke)):
        (left, right), (top, bottom) = sorted((a, c)), sorted((b, d))
        found += [
            f"{spot.node.kind} {[step.title for step in spot.node.steps]}"
            for spot in spots
            if left < spot.right - 1 and right > spot.left + 1 and top < spot.bottom - 1 and bottom > spot.top + 1
        ]
    return found, lines


@pytest.mark.parametrize(
    ("model", "inputs"),
    [
        (Skipping(), (torch.zeros(1, 3, 8, 8), torch.zeros(1, 4))),
        (Conditioned(), CONDITIONED),
        (Several(4), (torch.zeros(1, 4, 5, dtype=torch.long),)),
        (nn.Sequential(*(Parallel() for _ in range(3))), (torch.zeros(1, 5, 16),)),
        (nn.Transformer(16, 2, 2, 2, 32, batch_first=True), (torch.zeros(1, 5, 16), torch.zeros(1, 4, 16))),
    ],
)
def test_no_line_runs_through_a_box(model, inputs):
    found, lines = crossings(shapetrace.trace(model.eval(), *inputs).outline())
    assert found == []
    assert lines.left_out == 0


def test_what_joins_is_a_node_of_its_own_and_knows_all_its_pieces():
    skipping = chart(shapetrace.trace(Skipping(), torch.zeros(1, 3, 8, 8), torch.zeros(1, 4)).outline())
    (joined,) = [node for node in skipping.nodes if node.kind == "words" and node.steps[0].title == "Concat"]
    assert [skipping.nodes[made].steps[0].path for made in joined.main] == ["up", "a"]
    several = chart(shapetrace.trace(Unlike(), torch.zeros(5, 16)).outline())
    (joined,) = [node for node in several.nodes if node.kind == "words"]
    assert [several.nodes[made].steps[0].path for made in joined.main] == [f"heads.{n}" for n in range(9)]


def test_layers_go_on_with_what_they_add_to_and_what_they_read_beside_is_handed_over():
    flow = chart(shapetrace.trace(Conditioned().eval(), *CONDITIONED).outline())
    (frame,) = frames(flow)
    assert [flow.nodes[made].steps[-1].path for made in frame.main] == ["data"]
    assert [flow.nodes[made].steps[-1].path for made in frame.beside] == ["condition"]
    entering = [node.steps[0].path for node in frame.inside.nodes if not node.main and node.enters]
    beside = [node.steps[0].title for node in frame.inside.nodes if not node.main and not node.enters]
    assert (entering, beside) == (["layers.0.norm"], ["Sin"])


def test_what_layers_alone_are_given_stands_before_their_frame():
    layer = nn.TransformerEncoderLayer(16, 2, 32, batch_first=True)
    outline = shapetrace.trace(nn.TransformerEncoder(layer, 2).eval(), torch.zeros(1, 5, 16)).outline()
    flow = chart(outline)
    (frame,) = frames(flow)
    assert [node.kind for node in flow.nodes] == ["given", "frame", "given"]
    assert "given" not in {node.kind for node in frame.inside.nodes} and frame.main == (0,)
    drawn = map_of(outline)
    assert texts(drawn).count("[5, 16]") == 2
    (result,) = [mark for mark in drawn.marks() if isinstance(mark, Text) and mark.plain == "X̂2"]
    assert [span.shift for span in result.spans] == [0, 1]


class Recurrent(nn.Module):
    """Two recurrent layers in one call, and a residual around it."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.lstm, self.last = nn.Linear(8, 8), nn.LSTM(8, 8, num_layers=2), nn.Linear(8, 8)

    def forward(self, x: Tensor) -> Tensor:
        h = self.first(x)
        return self.last(self.lstm(h)[0] + h)


def test_one_call_is_one_box_and_what_it_gives_goes_on():
    flow = chart(shapetrace.trace(Recurrent().eval(), torch.zeros(4, 8)).outline())
    boxes = [number for number, node in enumerate(flow.nodes) if node.kind == "box"]
    (join,) = [node for node in flow.nodes if node.kind == "join"]
    assert [flow.nodes[number].steps[0].path for number in boxes] == ["first", "lstm", "last"]
    assert (join.main, join.older) == ((boxes[0], boxes[1]), boxes[0])


def test_a_residual_of_nothing_that_is_drawn_has_no_line():
    loose = Operand("", "data", (4, 8), made_by="", value=7)
    step = Step(
        "sum", "", "residual", "Residual", "", "+", (loose, replace(loose, value=8)), (replace(loose, value=9),)
    )
    node = Node("join", (step,), older=-1)
    laid = Arranging(ROOMS[0], lambda _: False, lambda _: 80.0).lay(Flow((node,), (0,)), 0, 600, 0)
    assert wires(laid).marks == () and wires(laid).left_out == 0


def test_experts_are_one_box_that_says_how_many_are_chosen():
    drawn = map_of(outline_of("mixtral-8x7b"))
    assert any("2 of 8 experts" in text for text in texts(drawn)) and texts(drawn).count("Mixture of experts") == 1


def test_a_shape_above_a_frame_is_clear_of_the_box_before_it():
    drawn = map_of(outline_of("deepseek-v3"))
    shapes = [mark for mark in drawn.marks() if isinstance(mark, Text) and mark.plain == "[1024, 7168]"]
    boxes = [box_of(mark) for mark in drawn.marks() if isinstance(mark, Rect) and mark.ink == "block"]
    assert shapes and not any(
        shape.y - 11 < box.bottom < shape.y and box.left < shape.x < box.right for shape in shapes for box in boxes
    )


def test_bars_are_explained_where_there_are_some():
    long = nn.Sequential(*(nn.Linear(width, width + 1) for width in range(8, 48)))
    drawn = [outline_of("gpt2"), shapetrace.trace(long, torch.zeros(1, 8)).outline()]
    assert [any("Bars" in line for line in texts(map_of(each))) for each in drawn] == [True, False]


class Heads(nn.Module):
    """Heads that read one value and are put together; with ``odd``, another product reads the first of them alone."""

    def __init__(self, *, odd: bool) -> None:
        super().__init__()
        self.first, self.a, self.b = nn.LayerNorm(8), nn.Linear(8, 16), nn.Linear(8, 16)
        self.c, self.d = nn.Linear(8, 16), nn.Linear(8, 16)
        self.odd = nn.Linear(16, 16) if odd else None

    def forward(self, x: Tensor) -> Tensor:
        h = self.first(x)
        made = [self.a(h), self.b(h), self.c(h), self.d(h)]
        return torch.stack([*made, self.odd(made[0])] if self.odd is not None else made)


def test_boxes_that_are_alike_and_read_together_are_one_with_their_number():
    drawn = {odd: shapetrace.trace(Heads(odd=odd), torch.zeros(3, 8)).outline() for odd in (False, True)}
    assert [node.copies for node in chart(drawn[False]).nodes if node.kind == "box"] == [4]
    assert max(node.copies for node in chart(drawn[True]).nodes) == 3
    said = texts(map_of(drawn[False]))
    assert "4 × 144" in said and any(text.endswith("×4") for text in said)


def test_lines_without_room_are_counted_below():
    outline = shapetrace.trace(Unlike(), torch.zeros(5, 16)).outline()
    found, lines = crossings(outline)
    assert found == [] and lines.left_out > 1
    drawn = map_of(outline)
    assert f"{lines.left_out} arrows have no room and are not drawn." in texts(drawn)
    assert_sound(drawn)


class Towers(nn.Module):
    """Chains beside each other, each of so many layers, no two of one size."""

    def __init__(self, *lengths: int) -> None:
        super().__init__()
        starts = [100 * (place + 1) for place in range(len(lengths))]
        self.layers = nn.ModuleDict({
            f"{start}_{n}": nn.Linear(start + n, start + n + 1)
            for start, length in zip(starts, lengths, strict=True) for n in range(length)
        })  # fmt: skip

    def forward(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        made = {str(x.shape[-1]): x for x in inputs}
        for name, layer in self.layers.items():
            start = name.partition("_")[0]
            made[start] = layer(made[start])
        return tuple(made.values())


def widths_of_columns(*lengths: int) -> list[float]:
    inputs = [torch.zeros(2, 100 * (place + 1)) for place in range(len(lengths))]
    drawn = map_of(shapetrace.trace(Towers(*lengths), *inputs).outline())
    assert_sound(drawn)
    blocks = [mark for mark in drawn.marks() if isinstance(mark, Rect) and mark.ink.startswith("block")]
    return [width for _, width in sorted({(round(block.x), block.width) for block in blocks})]


def test_what_is_much_shorter_than_its_neighbours_has_a_narrow_column():
    even = widths_of_columns(2, 2, 2)
    assert len(even) == 3 and max(even) - min(even) < 1
    left, middle, right = widths_of_columns(2, 16, 2)
    assert left == right < even[0] < middle


class Unit(nn.Module):
    """A convolution that is added to what entered."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv = nn.Conv1d(width, width, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.conv(x).relu()


class Part(nn.Module):
    """Unlike units one after the other, each of which could be seen."""

    def __init__(self, sizes: range) -> None:
        super().__init__()
        self.units = nn.ModuleList(
            nn.Sequential(Unit(size), nn.Conv1d(size, size + 1, 1), Unit(size + 1)) for size in sizes
        )

    def forward(self, x: Tensor, *others: Tensor) -> Tensor:
        for unit in self.units:
            x = unit(x)
        return sum((x * other.mean() for other in others), start=x)


class Parts(nn.Module):
    """Two parts, the second of which reads the first through two convolutions."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = Part(range(4, 10)), Part(range(4, 9))
        self.left, self.right = nn.Conv1d(10, 4, 1), nn.Conv1d(10, 9, 1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.first(x)
        return self.second(self.left(x), self.right(x))


def test_where_there_is_no_room_parts_are_closed_that_are_worth_least():
    outline = shapetrace.trace(Parts(), torch.zeros(1, 4, 8)).outline()
    drawn = map_of(outline)
    assert drawn.height_px <= 1000
    assert_sound(drawn)
    told = texts(drawn)
    assert {"first.units.5", "Second"} <= set(told) and "second" not in told, "the part with most parameters is open"


def test_all_that_a_closed_part_reads_arrives_there():
    outline = shapetrace.trace(Parts(), torch.zeros(1, 4, 8)).outline()
    flow = chart(outline, closed={id(section) for section in closable(outline)})
    first, left, right, second = (flow.nodes[number] for number in range(1, 5))
    assert [node.section and node.section.path for node in (first, second)] == ["first", "second"]
    assert second.main == (flow.nodes.index(left), flow.nodes.index(right))


def test_layers_behind_loose_steps_are_a_frame():
    outline = shapetrace.trace(Loose(), torch.zeros(1, 5, 8)).outline()
    assert [node.repeat for node in frames(chart(outline))] == [3]


class Loose(nn.Module):
    """Steps of no module, then layers of which two take turns."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleList(Turn(n % 2 == 0) for n in range(6))

    def forward(self, x: Tensor) -> Tensor:
        x = x.sin().flip(1)
        for layer in self.layers:
            x = layer(x)
        return x


class Turn(nn.Module):
    """A layer with one of two widths."""

    def __init__(self, is_wide: bool) -> None:
        super().__init__()
        self.up, self.down = nn.Linear(8, 16 if is_wide else 4), nn.Linear(16 if is_wide else 4, 8)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.down(self.up(x).relu())


def test_a_line_past_boxes_runs_on_the_side_from_which_it_comes():
    box = Spot(Node("box"), 100, 100, 140, 120, 120)
    laid = Laid(Flow((), ()), "left", 80, 260, 0, spots={0: box})
    drawn = Railing(laid, (60, 280), ()).draw(
        [Rail(120, 10, 110, box), Rail(220, 10, 110, box), Rail(120, 20, 110, box)]
    )
    lanes = [mark.strokes[0][1][0] for marks in drawn for mark in marks if isinstance(mark, Line)]
    assert lanes[0] < lanes[2] < box.left and lanes[1] > box.right


def arrowless(outline: Outline) -> list[str]:
    """Boxes of a map without an arrow in, which begin with nothing that was computed or given."""
    laid = _arranged(Boxes(outline, words_in("en")), 652, 10, 900)
    marks = wires(laid).marks
    tips = [mark.points[0] for mark in marks if isinstance(mark, Polygon)]
    tips += [stroke[-1] for mark in marks if isinstance(mark, Line) for stroke in mark.strokes]
    spots = [spot for flow in laid.all() for spot in flow.spots.values() if spot.node.steps]
    return [
        spot.node.steps[0].id
        for spot in spots
        if not any(spot.left - 1 <= x <= spot.right + 1 and spot.top - 1 <= y <= spot.bottom + 1 for x, y in tips)
    ]


class Queries(nn.Module):
    """Learned queries that look at an image, as in Q-Former: the first layer begins with weights alone."""

    def __init__(self) -> None:
        super().__init__()
        self.queries, self.norm = nn.Parameter(torch.zeros(1, 4, 16)), nn.LayerNorm(16)
        self.layers = nn.ModuleList(nn.TransformerDecoderLayer(16, 2, 32, batch_first=True) for _ in range(2))
        self.encoder = nn.Linear(8, 16)

    def forward(self, image: Tensor) -> Tensor:
        memory, x = self.encoder(image), self.norm(self.queries)
        for layer in self.layers:
            x = layer(x, memory)
        return x


class Padded(nn.Module):
    """Ids that are padded before they are looked up, and positions that are counted from them."""

    def __init__(self) -> None:
        super().__init__()
        self.words, self.places = nn.Embedding(20, 16), nn.Embedding(12, 16)
        self.layer = nn.TransformerEncoderLayer(16, 2, 32, batch_first=True)

    def forward(self, ids: Tensor) -> Tensor:
        ids = nn.functional.pad(ids, (0, 2), value=1)
        known = ids.ne(1).int()
        y: Tensor = self.layer(self.words(ids) + self.places(known.cumsum(1) * known))
        return y


@pytest.mark.parametrize(
    ("model", "inputs"),
    [
        (Skipping(), (torch.zeros(1, 3, 8, 8), torch.zeros(1, 4))),
        (Conditioned(), CONDITIONED),
        (Several(4), (torch.zeros(1, 4, 5, dtype=torch.long),)),
        (Queries(), (torch.zeros(1, 5, 8),)),
        (Padded(), (torch.ones(1, 5, dtype=torch.long),)),
        (nn.Transformer(16, 2, 2, 2, 32, batch_first=True), (torch.zeros(1, 5, 16), torch.zeros(1, 4, 16))),
    ],
)
def test_every_box_that_reads_something_has_an_arrow(model, inputs):
    outline = shapetrace.trace(model.eval(), *inputs).outline()
    assert arrowless(outline) == []
    found, lines = crossings(outline)
    assert found == [] and lines.left_out == 0


@pytest.mark.parametrize("model", [
    "hf:siglip",
    *(pytest.param(f"hf:{name}", marks=pytest.mark.slow) for name in (
        "vits", "mask2former", "blip-2", "longformer", "clip", "florence2", "seamless_m4t", "whisper", "wav2vec2",
        "timesformer", "t5gemma", "qwen3_next",
    )),
])  # fmt: skip
def test_every_box_of_a_model_of_transformers_that_reads_something_has_an_arrow(model):
    outline = obtained(model, seq=64).outline()
    assert arrowless(outline) == []
    assert crossings(outline)[0] == []


def test_learned_queries_stand_before_what_begins_with_them():
    flow = chart(shapetrace.trace(Queries().eval(), torch.zeros(1, 5, 8)).outline())
    (queries,) = [node for node in flow.nodes if node.kind == "given" and node.value.role == "weight"]
    readers = [node for node in flow.nodes if flow.nodes.index(queries) in node.main]
    assert [node.kind for node in readers] == ["frame"] and queries.value.shape == (4, 16)


def test_a_full_bar_and_its_share_do_not_overlap():
    drawn = map_of(shapetrace.trace(nn.Sequential(nn.Linear(8, 8)), torch.zeros(4, 8)).outline())
    assert "100.0 %" in texts(drawn)
    share = next(box_of(mark) for mark in drawn.marks() if isinstance(mark, Text) and mark.plain == "100.0 %")
    tracks = [mark for mark in drawn.marks() if isinstance(mark, Rect) and mark.ink == "track"]
    assert all(bar.x + bar.width <= share.left or bar.x >= share.right for bar in tracks)


def test_a_residual_runs_on_no_other_line_and_arrives_at_an_edge():
    drawn = map_of(obtained("hf:layoutlmv3").outline())
    marks = [mark for group in drawn.groups if group.id != "heading" for mark in group.marks]
    strokes = {
        ink: [stroke for mark in marks if isinstance(mark, Line) and mark.ink == ink for stroke in mark.strokes]
        for ink in ("rail", "data-edge")
    }
    others = [(a[0], a[1], b[1]) for stroke in strokes["data-edge"] for a, b in pairwise(stroke) if a[0] == b[0]]
    edges = {x for mark in marks if isinstance(mark, Rect) for x in (mark.x, mark.x + mark.width)}
    edges |= {x for mark in marks if isinstance(mark, Circle) for x in (mark.x - mark.radius, mark.x + mark.radius)}
    assert strokes["rail"]
    for *_, (x, top), (_, low), tip in strokes["rail"]:
        assert not any(abs(x - other) < 4 and top < below and above < low for other, above, below in others)
        assert tip[0] in edges


@pytest.mark.parametrize("width", [300.0, 333.0, 500.0])
def test_a_map_is_as_narrow_as_is_asked_for_unless_columns_need_more(width):
    alone, forked = outline_of("gpt2"), outline_of("transformer-base")
    drawn = figure(alone, look=Look(view="map", width_px=width))
    assert drawn.width_px == width and {"Attention", "MLP", "logits"} <= set(texts(drawn))
    assert_sound(drawn)
    drawn = figure(forked, look=Look(view="map", width_px=width))
    assert width < drawn.width_px < 700
    assert_sound(drawn)
