"""The picture of the ranks: each is where its mesh says, those who talk are framed, and what each sends is said."""

import pytest

from shapetrace.drawing import Look, figure
from shapetrace.drawing.layout.rank_grid import Mesh, mesh_of, shown
from shapetrace.drawing.primitives import Figure, Line, Rect, Text
from shapetrace.errors import UsageError
from shapetrace.outlining.ranks import Circle, Ranks
from tests.sharding.small import hugging, preset

MESH = Look(view="mesh")


def drawn(**degrees: int) -> Figure:
    return figure(preset("gpt2", **degrees).outline(), look=MESH)


def group(drawing: Figure, name: str) -> tuple[object, ...]:
    return next(each.marks for each in drawing.groups if each.id == name)


def filled(drawing: Figure) -> Rect:
    (cell,) = (mark for mark in group(drawing, "ranks") if isinstance(mark, Rect) and mark.ink == "data")
    return cell


def number(drawing: Figure, cell: Rect) -> str:
    (text,) = (
        mark.plain
        for mark in group(drawing, "ranks")
        if isinstance(mark, Text)
        and cell.x <= mark.x <= cell.x + cell.width
        and cell.y <= mark.y <= cell.y + cell.height
    )
    return text


@pytest.mark.parametrize("rank", [0, 5, 11])
def test_this_rank_is_filled_and_has_its_number(rank: int) -> None:
    drawing = drawn(tp=4, dp=3, rank=rank)
    assert number(drawing, filled(drawing)) == str(rank)


def test_all_ranks_of_a_small_world_are_drawn_once() -> None:
    cells = [mark for mark in group(drawn(tp=4, dp=3), "ranks") if isinstance(mark, Rect)]
    assert len(cells) == len({(cell.x, cell.y) for cell in cells}) == 12


def test_those_who_talk_are_framed_the_others_are_not() -> None:
    drawing = drawn(tp=4, dp=3, rank=5)
    (frame,) = (mark for mark in group(drawing, "ranks") if isinstance(mark, Line))
    ys, xs = ([point[axis] for point in frame.strokes[0]] for axis in (1, 0))
    cells = [mark for mark in group(drawing, "ranks") if isinstance(mark, Rect)]
    inside = [
        cell for cell in cells if min(ys) <= cell.y and cell.y + cell.height <= max(ys) and min(xs) <= cell.x <= max(xs)
    ]
    assert [number(drawing, cell) for cell in inside] == ["4", "5", "6", "7"]


def test_what_is_sent_is_said_of_each_axis() -> None:
    said = [mark.plain for mark in group(drawn(tp=4, dp=3, rank=5), "talks") if isinstance(mark, Text)]
    assert said[0] == "tp"
    assert said[1].startswith("ranks 4-7 · 5 all-reduce, 1 all-gather · a rank sends ")
    assert said[2:] == ["dp", "3 ranks, which send each other nothing in a forward pass"]


def test_axes_that_count_the_same_ranks_again_are_not_drawn_as_more_ranks() -> None:
    outline = hugging("mixtral", tp=4, ep=4, dp=2).outline()
    assert outline.ranks is not None
    assert outline.ranks.size == 8
    mesh = mesh_of(outline.ranks)
    assert (mesh.down, mesh.across, mesh.outer) == (("dp", 2), ("tp", 4), ())


def test_ranks_count_from_the_outermost_axis() -> None:
    mesh = Mesh((("pp", 2),), ("dp", 3), ("tp", 4), {"pp": 1, "dp": 2, "tp": 3}, frozenset())
    assert mesh.rank(mesh.block, 2, 3) == 23
    assert mesh.names(mesh.block) == "pp 1"


def test_of_many_the_first_this_and_the_last_are_shown() -> None:
    assert shown(3, 0, 6) == [0, 1, 2]
    assert shown(128, 43, 6) == [0, 1, 2, 3, None, 43, None, 127]
    assert shown(128, 127, 6) == [0, 1, 2, 3, None, 127]


def test_circles_add_up_to_what_a_rank_sends() -> None:
    ranks = preset("llama-3.1-8b", tp=4, dp=2, sp=True).outline().ranks
    assert isinstance(ranks, Ranks)
    assert all(isinstance(circle, Circle) for circle in ranks.circles)
    assert sum(circle.sent for circle in ranks.circles) == ranks.sent
    assert sum(sum(circle.collectives.values()) for circle in ranks.circles) == sum(ranks.collectives.values())


def test_a_pass_of_one_machine_has_no_mesh() -> None:
    with pytest.raises(UsageError, match="say how many with --tp"):
        figure(preset("gpt2").outline(), look=MESH)
