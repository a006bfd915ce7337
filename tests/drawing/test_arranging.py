"""Steps that share a row, sections that become panels, rows that fold."""

from dataclasses import replace

import pytest

from shapetrace.drawing import figure
from shapetrace.drawing.content.collapsing import collapse
from shapetrace.drawing.content.marking import marked
from shapetrace.drawing.content.rails import rails_for
from shapetrace.drawing.content.referring import referred
from shapetrace.drawing.content.rows import Panel, Row, arrange, flattened, rows_in
from shapetrace.drawing.look import Look
from shapetrace.drawing.primitives import Text
from shapetrace.outlining.structure import Section, Step
from tests.drawing.outlines import data, function, gpt2, outline_of, product, weight


def titles(rows):
    return [[step.title for step in row.steps] for row in rows]


def attention_rows(**look):
    section = gpt2().root.items[1].items[1]
    return list(rows_in(arrange(section, Look(**look))))


def test_softmax_and_concat_share_the_row_of_their_product():
    assert titles(attention_rows()) == [
        ["Query"], ["Scores", "Softmax"], ["Weighted sum", "Concat heads"], ["Output"]
    ]  # fmt: skip


def test_key_and_value_are_alike_and_listed_on_request():
    assert [step.title for step in attention_rows()[0].alike] == ["Key", "Value"]
    assert titles(attention_rows(list_alike=True))[:3] == [["Query"], ["Key"], ["Value"]]


def test_a_product_with_an_activation_is_not_like_one_without():
    x = data("X", 8, 4)
    gate, up = (product(name, x, weight(name, 4, 6), data(name, 8, 6)) for name in ("Gate", "Up"))
    silu = function("activation", "SiLU", "SiLU", data("Gate", 8, 6, made_by=gate.id), data("G", 8, 6))
    assert titles(arrange(outline_of(gate, silu, up).root, Look())) == [["Gate", "SiLU"], ["Up"]]


def test_hidden_kinds_have_no_rows():
    rows = rows_in(arrange(gpt2().root, Look(hide=("norms", "residuals"))))
    assert not {step.kind for row in rows for step in row.drawn()} & {"norm", "residual"}


def test_panels_are_nested_two_deep_and_deeper_rows_keep_their_repeats():
    section = Section("d", "D", "other", "", 3, ("d",), (function("norm", "N", "N", data("", 1), data("", 1)),))
    for path in "cba":
        section = Section(path, path, "other", "", 2, (path,), (section,))
    (a,) = flattened(arrange(outline_of(section).root, Look()), "")
    (b,) = a.items
    (row,) = b.items
    assert (a.section.path, b.section.path, row.repeat) == ("a", "b", 6)
    assert isinstance(row, Row)


def test_too_many_rows_fold_the_deepest_and_cheapest_section_first():
    items = arrange(gpt2().root, Look())
    n_rows = sum(1 for _ in rows_in(items))
    folded = [row.folded.path for row in rows_in(collapse(items, n_rows - 1)) if row.folded]
    assert folded == ["h.0.attn"]
    everything = collapse(items, 5)
    assert [row.folded.path for row in rows_in(everything) if row.folded] == ["<embedding>", "h.0"]


def test_a_flat_model_of_many_steps_leaves_rows_out_and_says_so():
    steps = [replace(function("norm", "N", "N", data("", 4, 4), data("", 4, 4)), id=str(i), kind="unknown")
             for i in range(200)]  # fmt: skip
    kept = collapse(arrange(outline_of(*steps).root, Look()), 60)
    rows = list(rows_in(kept))
    assert len(rows) == 59
    assert sum(row.n_left_out for row in rows) == 141


def test_rails_start_where_the_older_operand_comes_from():
    items = flattened(arrange(gpt2().root, Look()), "")
    first, second = rails_for(items)
    assert first.source is None
    assert isinstance(first.panel, Panel)
    assert first.panel.section.path == "h.0"
    assert second.source == first.target
    assert first.lane == second.lane == 0


@pytest.mark.parametrize(
    ("operands", "result", "said"),
    [
        ((data("K", 16, 8, stack=4), data("K", 8, 8, stack=4)), data("K", 24, 8, stack=4), "concat 2"),
        ((data("a", 3, 4), data("b", 3, 4), data("c", 3, 4)), data("d", 9, 4), "concat 3"),
        ((data("Z", 24, 16, stack=4),), data("Z", 24, 64, pattern="slices", slices=4), "concat 4"),
        ((data("Z", 24, 16, stack=8, stack_axes=(2, 4)),), data("Z", 24, 64, stack=2), "concat 4"),
    ],
)
def test_a_concat_says_how_many_pieces_it_joins(operands, result, said):
    step = Step("c", "", "concat", "Concat", "", "concat", operands, (result,))
    texts = [mark.plain for mark in figure(outline_of(step)).marks() if isinstance(mark, Text)]
    assert said in texts


def blocks(*sections: Section) -> tuple[Panel, ...]:
    return tuple(Panel(section, arrange(section, Look())) for section in sections)


def test_a_section_equal_to_one_above_is_referred_to_and_another_is_drawn():
    def mlp(path: str, width: int) -> Section:
        steps = (
            product("Expand", data("X", 4, 8), weight("W", 8, width), data("H", 4, width), section=path),
            product("Shrink", data("H", 4, width), weight("W", width, 8), data("M", 4, 8), section=path),
        )
        return Section(path, "MLP", "mlp", "", 1, (), steps)

    first, equal, other = referred(blocks(mlp("a", 16), mlp("b", 16), mlp("c", 32)))
    assert isinstance(first, Panel)
    assert isinstance(equal, Row) and equal.same_as == "a"
    assert isinstance(other, Panel)


def test_a_norm_is_a_mark_of_the_row_that_reads_it_and_an_add_a_line():
    items = marked(flattened(arrange(gpt2().root, Look()), ""))
    rows = list(rows_in(items))
    assert [row.before[0].kind for row in rows if row.before] == ["norm"] * 3
    assert not [row for row in rows if row.steps[0].kind == "norm"]
    assert [row.steps[0].kind for row in rows if row.is_line] == ["residual"] * 2
    assert {step.id for row in rows for step in row.drawn()} == {step.id for step in gpt2().steps()}


def test_a_norm_that_the_next_row_does_not_read_stays_a_row():
    norm = Step("n", "", "norm", "LayerNorm", "", "LayerNorm", (data("X", 4, 8),), (data("Y", 4, 8),))
    other = product("Linear", data("Z", 4, 8), weight("W", 8, 8), data("U", 4, 8))
    assert [row.before for row in marked((Row((norm,)), Row((other,))))] == [(), ()]


@pytest.mark.parametrize("section", [None, "mlp"])
def test_what_an_activation_makes_of_h_is_told_apart(section):
    drawn = figure(gpt2(), section=section)
    names = [mark.plain for mark in drawn.marks() if isinstance(mark, Text) and mark.ink == "name-data"]
    assert names.count("H") == 1
    assert names.count("H′") == 2, "where it is made, and where it is read"
