"""Rows that ids pick, marked in their table: to scale, clear of its name, and never more than is known."""

from dataclasses import replace

import pytest

from shapetrace.drawing import figure
from shapetrace.drawing.compact.scaling import law_for
from shapetrace.drawing.compact.tiles import Shown, TileStyle, tile
from shapetrace.drawing.layout.boxes import box_of
from shapetrace.drawing.layout.matrices import Style, matrix
from shapetrace.drawing.layout.scale import Scale
from shapetrace.drawing.look import Look
from shapetrace.drawing.primitives import Line, Polygon, Rect, Text
from shapetrace.making import preset
from tests.drawing.outlines import weight

TABLE = weight("E", 1000, 64)


def drawn(picks, table=TABLE):
    return matrix(replace(table, picks=picks), Style(Scale(), shapes=False)).marks


def lines(marks):
    return [mark for mark in marks if isinstance(mark, Line) and mark.ink == "data-edge"]


def heights(marks):
    frame = next(mark for mark in marks if isinstance(mark, Rect) and mark.ink == "weight")
    strokes = [stroke for line in lines(marks) for stroke in line.strokes]
    return {(stroke[0][1] - frame.y) / frame.height for stroke in strokes}


def labels(marks):
    return [mark.plain for mark in marks if isinstance(mark, Text) and mark.ink == "token"]


def test_a_picked_row_is_a_line_at_its_place():
    marks = drawn(((100, 1), (700, 1)))
    assert sorted(heights(marks)) == pytest.approx([0.1005, 0.7005])
    assert labels(marks) == ["100", "700"]


def test_a_row_behind_the_name_leaves_it_free():
    marks = drawn(((500, 1),))
    name = box_of(next(mark for mark in marks if isinstance(mark, Text) and mark.plain == "E"))
    (line,) = lines(marks)
    assert len(line.strokes) == 2
    assert all(start[0] > name.right or end[0] < name.left for start, end in line.strokes)


def test_rows_that_are_high_enough_are_bands():
    (band,) = [mark for mark in drawn(((250, 500),)) if isinstance(mark, Rect) and mark.ink == "data"]
    table = next(mark for mark in drawn(()) if isinstance(mark, Rect) and mark.ink == "weight")
    assert (band.height, band.y) == pytest.approx((table.height / 2, table.y + table.height / 4))
    assert labels(drawn(((250, 500),))) == ["250–749"]


def test_ids_close_to_each_other_share_a_line():
    assert labels(drawn(((100, 1), (103, 1)))) == ["100, 103"]
    assert labels(drawn(((100, 1), (106, 1), (103, 1), (900, 1)))) == ["100, 103 …", "900"]


def test_of_a_table_that_is_taken_whole_or_of_which_nobody_knows_nothing_is_marked():
    assert drawn(()) == drawn(((0, 1000),)) == matrix(TABLE, Style(Scale(), shapes=False)).marks


def test_no_row_is_marked_in_a_gap():
    style = TileStyle(replace(law_for([1000, 64], 4.0), broken=(1000,)))
    marks = tile(replace(TABLE, picks=((680, 1),)), style, Shown()).marks
    near, far = [box_of(mark) for mark in marks if isinstance(mark, Polygon)]
    ((stroke,),) = [line.strokes for line in lines(marks)]
    assert abs(stroke[0][1] - (near.bottom + far.top) / 2) > 5


@pytest.mark.parametrize("view", ["overview", "rows", "story"])
def test_the_legend_says_what_the_lines_are_where_there_are_some(view):
    def said(**given):
        look = Look(view=view)
        texts = [mark.plain for mark in figure(preset("gpt2", layers=2, **given).outline(), look=look).marks()
                 if isinstance(mark, Text)]  # fmt: skip
        return "picked rows" in texts, "13139" in texts

    assert said(tokens="464,13139") == (True, True)
    assert said(seq=2) == (False, False)
