"""The overview: a whole pass in a column of 700 px, nothing left out, norms and sums as marks."""

import math
from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace
from itertools import count

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

import shapetrace
from shapetrace.drawing import Look, figure
from shapetrace.drawing.condensing.closing import opened_until
from shapetrace.drawing.condensing.gathering import lines_of
from shapetrace.drawing.condensing.lines import Closed, Equation, Framed, Head, Hung, Join, Line, every
from shapetrace.drawing.condensing.saying import closed
from shapetrace.drawing.primitives import Rect, Text
from shapetrace.drawing.wording import words_in
from shapetrace.making import preset
from shapetrace.outlining.running import running_axes
from shapetrace.outlining.structure import Outline, Section
from tests.drawing.geometry import assert_sound
from tests.drawing.random_outlines import outlines
from tests.obtained import obtained

PRESETS = {"gpt2": 1500, "llama-3.1-8b": 1500, "deepseek-v3": 2400, "transformer-base": 2400}


def outline_of(model: str) -> Outline:
    return obtained(model).outline()


def shown(lines: Iterable[Line]) -> list[str]:
    """Ids of all steps that some line stands for."""
    ids: list[str] = []
    leads: set[str] = set()
    for line in every(lines):
        if isinstance(line, Equation):
            ids += [step.id for step in line.row.drawn()]
            leads |= {line.lead.id} if line.lead else set()
        elif isinstance(line, Hung):
            ids += [step.id for step in line.steps]
        elif isinstance(line, Join):
            ids += [line.step.id, *([line.norm.id] if line.norm else [])]
        elif isinstance(line, Closed):
            ids += [step.id for step in line.section.steps()]
            leads |= {norm.id for norm in line.leads}
    return [*ids, *leads]


@pytest.mark.parametrize("name", PRESETS)
def test_every_step_has_one_place(name):
    outline = outline_of(name)
    assert sorted(shown(lines_of(outline, Look()))) == sorted(step.id for step in outline.steps())


def renumbered(section: Section, numbers: Iterator[int]) -> Section:
    """The same with other ids, each step its own."""
    items = (
        renumbered(item, numbers) if isinstance(item, Section) else replace(item, id=f"s{next(numbers)}")
        for item in section.items
    )
    return replace(section, items=tuple(items))


@settings(max_examples=60, deadline=None)
@given(outlines(), st.sampled_from([0, 300, 1000]))
def test_every_step_of_any_outline_has_one_place(outline, room):
    outline = replace(outline, root=renumbered(outline.root, count()))
    steps = sorted(step.id for step in outline.steps())
    assert sorted(shown(lines_of(outline, Look()))) == steps

    def gather(closed: Collection[int]) -> tuple[Line, ...]:
        return lines_of(outline, Look(), any_size=True, closed=closed)

    assert sorted(shown(opened_until(outline, gather, room, 60))) == steps


@pytest.mark.parametrize("name", PRESETS)
@pytest.mark.parametrize("lang", ["en", "zh"])
def test_an_overview_is_sound_and_no_longer_than_is_read(name, lang):
    drawn = figure(outline_of(name), lang=lang)
    assert_sound(drawn)
    assert drawn.width_px == 700
    assert drawn.height_px <= PRESETS[name]


LOOKS = st.builds(
    Look,
    width_px=st.sampled_from([600, 700, 1200]),
    dims=st.sampled_from(["numbers", "names", "both"]),
    list_alike=st.booleans(),
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(outlines(), LOOKS, st.sampled_from(["en", "zh"]))
def test_an_overview_of_any_outline_is_sound(outline, look, lang):
    assert_sound(figure(outline, look=look, lang=lang))


@pytest.mark.parametrize("name", PRESETS)
@pytest.mark.parametrize("width", [336.0, 450.0])
def test_a_narrow_column_has_the_whole_pass_and_no_title_cut_short(name, width):
    drawn = figure(outline_of(name), look=Look(width_px=width))
    assert_sound(drawn)
    assert (drawn.width_px, drawn.name) == (width, "overview") and drawn.height_px <= 2400
    assert not [
        mark.plain for mark in drawn.marks() if isinstance(mark, Text) and mark.ink == "label" and "…" in mark.plain
    ]


def test_norms_and_sums_are_marks_and_rows_on_request():
    outline = outline_of("gpt2")
    lines = list(every(lines_of(outline, Look())))
    titles = [step.title for line in lines if isinstance(line, Equation) for step in line.row.drawn()]
    assert not {"LayerNorm", "Residual"} & set(titles)
    assert [line.goes_on for line in lines if isinstance(line, Join)] == [True, True]
    assert [line.is_last for line in lines if isinstance(line, Join)] == [False, True]
    assert sum(line.lead is not None for line in lines if isinstance(line, Equation)) == 3
    rows = figure(outline, look=Look(expand=True))
    assert rows.height_px > 1.5 * figure(outline).height_px


def test_products_of_one_value_share_a_row():
    lines = [line for line in every(lines_of(outline_of("llama-3.1-8b"), Look())) if isinstance(line, Equation)]
    assert [len(line.row.alike) for line in lines if line.row.alike] == [2, 1]
    assert all(
        step.operands[0].value == line.row.steps[0].operands[0].value for line in lines for step in line.row.alike
    )


def test_a_section_that_is_equal_to_one_above_is_referred_to():
    lines = list(every(lines_of(outline_of("deepseek-v3"), Look())))
    (like,) = (line for line in lines if isinstance(line, Closed))
    assert [step.equation for step in like.section.steps()] == [step.equation for step in like.above.steps()]
    assert sum(isinstance(line, Framed) for line in lines) == 2


class Stage(nn.Module):
    """Attention and an MLP, as wide as it is told."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.attn = nn.MultiheadAttention(width, 2, batch_first=True)
        self.up, self.down = nn.Linear(width, 64), nn.Linear(64, width)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attn(x, x, x, need_weights=False)[0]
        return x + self.down(self.up(x).relu())


def test_a_stage_of_other_sizes_is_referred_to_only_where_any_size_will_do():
    stages = nn.Sequential(Stage(8), nn.Linear(8, 16), Stage(16), Stage(16))
    outline = shapetrace.trace(stages, torch.zeros(1, 5, 8)).outline()
    assert not any(isinstance(line, Closed) for line in every(lines_of(outline, Look())))
    (like,) = (line for line in every(lines_of(outline, Look(), any_size=True)) if isinstance(line, Closed))
    assert (like.section.kind, like.resized) == ("mlp", True)
    assert closed(like, words_in("en"), 500) == "as 0.mlp, above, for [5,16]→[5,16]"


class Tall(nn.Module):
    """Two stages of unlike blocks, and many products that belong to no block."""

    def __init__(self, n_unlike: int) -> None:
        super().__init__()
        self.early = nn.Sequential(*(nn.Sequential(*(nn.Linear(8, 8) for _ in range(n + 3))) for n in range(n_unlike)))
        self.late = nn.Sequential(Stage(8), Stage(8))
        self.ends = nn.ModuleList(nn.Linear(8, size) for size in range(4, 12))

    def forward(self, x: Tensor) -> list[Tensor]:
        x = self.late(self.early(x))
        return [end(x.sin()) for end in self.ends]


def test_what_has_no_room_is_said_in_a_line_and_what_is_known_stays_open():
    outline = shapetrace.trace(Tall(8), torch.zeros(1, 5, 8)).outline()
    drawn = figure(outline)
    assert drawn.height_px <= 2400
    marks = [mark for group in drawn.groups for mark in group.marks if isinstance(mark, Text)]
    texts = [mark.plain for mark in marks]
    assert "[5,8]→[5,8], 3 steps" in texts
    assert "Scores" in texts


def test_stages_that_repeat_their_blocks_in_other_numbers_say_so():
    stages = nn.Sequential(*(nn.Sequential(nn.Linear(size // 2, size), *(Stage(size) for _ in range(n)))
                             for size, n in ((8, 2), (16, 3))))  # fmt: skip
    outline = shapetrace.trace(stages, torch.zeros(1, 5, 4)).outline()
    (like,) = (line for line in every(lines_of(outline, Look(), any_size=True)) if isinstance(line, Closed))
    assert closed(like, words_in("en"), 500) == "as 0, above, for [5,8]→[5,16], ×3 instead of ×2"


def test_a_part_of_several_has_a_heading_and_its_end_is_seen():
    lines = lines_of(outline_of("transformer-base"), Look())
    assert not any(isinstance(line, Head) for line in lines)  # its frames are named
    outline = shapetrace.trace(Towers(), torch.zeros(1, 5, 8)).outline()
    heads = [line.section and line.section.path for line in lines_of(outline, Look()) if isinstance(line, Head)]
    assert heads == ["left.1", None, "right", None]


class Towers(nn.Module):
    """Two unlike parts, and a product behind them."""

    def __init__(self) -> None:
        super().__init__()
        self.left = nn.Sequential(nn.Linear(8, 16), Stage(16), nn.Linear(16, 4))
        self.right = nn.Sequential(nn.Linear(8, 12), nn.Linear(12, 10), nn.Linear(10, 4))

    def forward(self, x: Tensor) -> Tensor:
        return self.left(x) @ self.right(x).transpose(1, 2)


def test_a_decoder_is_not_taken_for_the_encoder_whose_rows_see_all():
    assert not any(isinstance(line, Closed) for line in every(lines_of(outline_of("transformer-base"), Look())))


def test_equal_sizes_have_equal_sides():
    drawn = figure(outline_of("gpt2"))
    sides = {round(mark.height, 2) for mark in drawn.marks() if isinstance(mark, Rect) and mark.ink == "data-back"}
    unit = max(sides) / math.cbrt(1024)
    assert sides == {round(unit * math.cbrt(size), 2) for size in (64, 1024)}


def test_each_equation_stands_there_to_be_copied():
    written = [mark.plain for mark in figure(outline_of("gpt2")).marks() if isinstance(mark, Text)]
    assert "[1024,768]×[768,64]→[1024,64] ×12" in written
    assert "[1024,768]×[768,3072]→[1024,3072]" in written


def test_the_length_of_the_input_is_told_from_an_equal_size_of_the_model():
    drawn = figure(preset("toy:nsa").outline())  # 64 rows of 64 columns
    inks = {mark.ink for mark in drawn.marks() if isinstance(mark, Text) and mark.plain == "64"}
    assert {"size", "size-run", "match", "match-run"} <= inks
    assert "length of the input" in [mark.plain for mark in drawn.marks() if isinstance(mark, Text)]


def test_rows_of_an_image_are_no_length_of_the_input():
    patches = nn.Sequential(nn.Conv2d(3, 8, 4, 4), nn.Flatten(2), nn.Linear(64, 16))
    drawn = figure(shapetrace.trace(patches, torch.zeros(1, 3, 32, 32)).outline())
    assert not any(isinstance(mark, Text) and mark.ink.endswith("-run") for mark in drawn.marks())


def test_a_shape_that_is_written_names_each_axis_once():
    drawn = figure(preset("mixtral-8x7b", layers=2, seq=64).outline())
    written = {"".join(span.text for span in mark.spans) for mark in drawn.marks() if isinstance(mark, Text)}
    assert {"[64,2,4096]", "[64,2,1]"} <= written


class Reader(nn.Module):
    """Attention to itself, then to what another made, alike but for what they read; then to what was before."""

    def __init__(self) -> None:
        super().__init__()
        self.own, self.other = (nn.MultiheadAttention(8, 2, batch_first=True) for _ in range(2))
        self.hidden = nn.MultiheadAttention(8, 2, batch_first=True)

    def forward(self, x: Tensor, memory: Tensor, mask: Tensor) -> Tensor:
        x = x + self.own(x, x, x, need_weights=False)[0]
        x = x + self.other(x, memory, memory, need_weights=False)[0]
        return x + self.hidden(x, x, x, attn_mask=mask, need_weights=False)[0]


def test_attention_to_another_and_masked_attention_are_not_as_attention_to_itself():
    future = torch.full((5, 5), -torch.inf).triu(1)
    inputs = torch.zeros(1, 5, 8), torch.zeros(1, 5, 8), future
    outline = shapetrace.trace(Reader(), *inputs).outline()
    assert sum(section.kind == "attention" for section in outline.root.sections()) == 3
    for any_size in (False, True):
        lines = every(lines_of(outline, Look(), any_size=any_size))
        assert not [line for line in lines if isinstance(line, Closed)]


def test_a_side_of_an_image_is_no_length_of_the_input():
    net = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 4, 3, padding=1))
    assert not running_axes(shapetrace.trace(net, torch.zeros(1, 3, 16, 16)).outline())
    assert running_axes(shapetrace.trace(nn.Linear(8, 4), torch.zeros(1, 5, 8)).outline())


def test_the_rail_goes_into_layers_that_alternate_and_out_of_them_again():
    window = {"window": 256, "full_every": 3, "layers": 6, "seq": 512}
    drawn = figure(preset("", norm="rmsnorm", positions="rope", **window).outline())
    rails = [mark for group in drawn.groups if group.id.startswith("rail") for mark in group.marks]
    lines = [points for rail in rails for points in rail.strokes]
    turns = [points for points in lines if len({x for x, _ in points}) > 1]
    assert len(turns) == 2
    (outer, inner), (again, _) = (sorted({x for x, _ in points}) for points in turns)
    assert outer == again < inner
    out = max(y for x, y in turns[1] if x == outer)
    leads = [group.marks[0].strokes[0][0] for group in drawn.groups if group.id.startswith("lead")]
    first = min(y for x, y in leads if x == outer and y > out)
    assert ((outer, out), (outer, first)) in lines  # what the layers gave leads to the norm behind them
    assert any(start == (outer, first) for start, *_ in lines)  # and on to the sum


def test_a_sum_with_what_has_no_name_says_its_shape():
    class Block(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.norm, self.a, self.b = nn.LayerNorm(8), nn.Linear(8, 8), nn.Linear(8, 8)

        def forward(self, x: Tensor) -> Tensor:
            return x + self.b(self.a(self.norm(x)))

    outline = shapetrace.trace(nn.Sequential(*(Block() for _ in range(3))), torch.zeros(1, 6, 8)).outline()
    nameless = _renamed(outline.root)
    for view in ("overview", "rows"):
        drawn = figure(replace(outline, root=nameless), look=Look(view=view))
        written = [mark.plain for mark in drawn.marks() if isinstance(mark, Text)]
        assert any("[6,8]" in text and text.startswith(("= ", "+ ")) for text in written), view
        assert not any("·" in text and "+" in text for text in written)


def _renamed(section: Section) -> Section:
    """A section whose residual sums add what has no name."""
    items = []
    for item in section.items:
        if isinstance(item, Section):
            items.append(_renamed(item))
        elif item.kind == "residual":
            older, newer = item.operands
            items.append(replace(item, operands=(older, replace(newer, name=""))))
        else:
            items.append(item)
    return replace(section, items=tuple(items))


@pytest.mark.parametrize(("dims", "said"), [("numbers", "1024"), ("names", "T")])
def test_the_legend_shows_the_length_of_the_input_as_it_is_written(dims, said):
    for look in (Look(dims=dims), Look(dims=dims, view="rows"), Look(dims=dims, view="story")):
        written = [mark for mark in figure(outline_of("gpt2"), look=look).marks() if isinstance(mark, Text)]
        place = next(i for i, mark in enumerate(written) if mark.plain == "length of the input")
        assert written[place - 1].plain == said
