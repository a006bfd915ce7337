"""What one rank has of a matrix is drawn filled in its place, and what the others have is outlined."""

from dataclasses import replace
from itertools import pairwise

import pytest

from shapetrace.drawing import figure
from shapetrace.drawing.layout.frames import body, frame_of
from shapetrace.drawing.layout.matrices import Style, matrix
from shapetrace.drawing.layout.names import badge
from shapetrace.drawing.layout.scale import Scale
from shapetrace.drawing.layout.sharing import cut_of, drawn_sizes
from shapetrace.drawing.primitives import Line, Rect, Text
from shapetrace.outlining.ranks import Share
from shapetrace.outlining.structure import Operand, Outline
from tests.sharding.small import preset

SCALE = Scale()


def weight(*shares: Share, shape: tuple[int, ...] = (16, 25), **given: object) -> Operand:
    return Operand("W", "weight", shape, shares=shares, **given)  # type: ignore[arg-type]


def columns(ranks: int, place: int, whole: int = 0, pieces: int = 1) -> Share:
    return Share("tp", ranks, "shard", 1, place, whole, pieces)


def filled(operand: Operand) -> list[Rect]:
    frame = frame_of(operand, SCALE, frozenset(), upright=False)
    return [mark for mark in body(frame, operand) if isinstance(mark, Rect) and mark.ink == "weight"]


def test_the_whole_is_as_long_as_its_size_and_a_part_is_its_share_of_it() -> None:
    operand = weight(columns(4, 1, 100))
    frame = frame_of(operand, SCALE, frozenset(), upright=False)
    (part,) = filled(operand)
    assert frame.width == SCALE.length_px(100)
    assert (part.width, part.height) == (pytest.approx(frame.width / 4), frame.height)


@pytest.mark.parametrize("ranks", [2, 3, 4])
def test_parts_of_all_ranks_lie_side_by_side(ranks: int) -> None:
    parts = [filled(weight(columns(ranks, place, 25 * ranks)))[0] for place in range(ranks)]
    width = SCALE.length_px(25 * ranks)
    for place, part in enumerate(parts):
        assert part.x == pytest.approx(width * (place / ranks - 0.5))
    assert parts[-1].x + parts[-1].width == pytest.approx(width / 2)


def test_the_last_part_of_98_among_4_ranks_is_smaller_and_says_so() -> None:
    first, last = (weight(columns(4, place, 98), shape=(16, size)) for place, size in ((0, 25), (3, 23)))
    assert [cut_of(each, 1).text for each in (first, last)] == ["25/98", "23/98"]
    (one,), (other,) = filled(first), filled(last)
    assert one.width / other.width == pytest.approx(25 / 23)
    assert other.x + other.width == pytest.approx(SCALE.length_px(98) / 2)


def test_what_is_cut_piece_by_piece_has_a_part_of_each() -> None:
    parts = filled(weight(columns(5, 2, 15_000, pieces=3), shape=(16, 3000)))
    width = SCALE.length_px(15_000)
    assert [part.x for part in parts] == [pytest.approx(width * (piece / 3 + 2 / 15 - 0.5)) for piece in range(3)]


def test_a_part_of_many_can_still_be_seen_and_stays_inside() -> None:
    for place in (0, 511, 1023):
        operand = weight(columns(1024, place, 1024 * 25))
        frame = frame_of(operand, SCALE, frozenset(), upright=False)
        (part,) = filled(operand)
        assert part.width >= 5
        assert -frame.width / 2 - 1e-9 <= part.x <= frame.width / 2 - part.width + 1e-9
        (cuts,) = (mark for mark in body(frame, operand) if isinstance(mark, Line))
        places = [stroke[0][0] for stroke in cuts.strokes]
        assert min(b - a for a, b in pairwise(places)) >= 4


def test_a_whole_that_is_not_to_scale_is_not_drawn_but_the_part_is() -> None:
    operand = weight(columns(4, 0, 400_000), shape=(16, 100_000))
    frame = frame_of(operand, Scale(broken=(400_000,)), frozenset(), upright=False)
    assert frame.across is None
    assert frame.width == SCALE.length_px(100_000)


def test_two_axes_of_the_mesh_on_one_axis_of_a_matrix_are_one_cut() -> None:
    cut = cut_of(weight(columns(4, 3), replace(columns(2, 1), axis="ep")), 1)
    assert cut is not None
    assert (cut.parts, cut.place, cut.whole) == (8, 7, 200)


def test_heads_of_others_stand_behind_and_are_counted() -> None:
    heads = weight(Share("tp", 8, "shard", -1, 0, 128), stack=16, stack_axes=(16,))
    frame = frame_of(heads, SCALE, frozenset(), upright=False)
    inks = [mark.ink for mark in body(frame, heads) if isinstance(mark, Rect)]
    assert inks == ["weight-ghost", "weight-ghost", "weight-back", "weight-back", "weight"]
    assert badge(heads) == "×8·16"
    assert badge(weight(Share("tp", 8, "shard", -1, 0, 8))) == "×8·1"


def test_a_summand_has_its_sign() -> None:
    drawn = matrix(weight(Share("tp", 8, "partial")), Style(SCALE))
    assert "Σ 8" in [mark.plain for mark in drawn.marks if isinstance(mark, Text)]


def test_what_no_rank_shares_is_drawn_as_ever() -> None:
    assert drawn_sizes(weight()) == (16, 25)
    assert [mark.ink for mark in body(frame_of(weight(), SCALE, frozenset(), upright=False), weight())] == ["weight"]


def outline(**degrees: int) -> Outline:
    return preset("llama-3.1-8b", tp=4, **degrees).outline()


def texts(drawn: object) -> list[str]:
    return [mark.plain for mark in drawn.marks() if isinstance(mark, Text)]  # type: ignore[attr-defined]


def test_a_figure_says_whose_part_it_is_and_what_a_collective_sends() -> None:
    said = texts(figure(outline(rank=2), section=None))
    assert any(text.startswith("rank 2 of 4 · tp 4 · ") for text in said)
    said = texts(figure(outline(rank=2), section="mlp"))
    assert {"4·24", "Σ 4", "this rank's part, and the others'"} <= set(said)
    assert any("a rank sends 6.14 kB" in text for text in said)  # 2 · 16 · 64 floats · 3/4
    assert any("over tp · ranks 0-3" in text for text in said)


def test_each_rank_is_filled_in_its_own_place() -> None:
    def place(rank: int) -> float:
        (down,) = (step for step in outline(rank=rank).steps() if step.path.endswith("mlp.down_proj"))
        return filled(down.operands[1])[0].y

    places = [place(rank) for rank in range(4)]
    assert places == sorted(set(places))


def test_a_figure_of_one_machine_speaks_of_no_ranks() -> None:
    assert not any("rank" in text or "Σ" in text for text in texts(figure(preset("llama-3.1-8b").outline())))
