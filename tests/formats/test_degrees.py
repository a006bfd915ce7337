"""One model by several degrees: each column is one rank's pass, and a degree that fails is a column too."""

from shapetrace.cli.degrees import of_degrees
from shapetrace.drawing.wording import words_in
from shapetrace.formats.degrees import Degree, degrees_table, named_by_degree
from shapetrace.formats.grid import Cell
from shapetrace.request import Request
from tests.sharding.small import SHAPES, preset

WORDS = words_in("en")


def found(*degrees: int) -> list[Degree]:
    request = Request(shape=SHAPES["llama-3.1-8b"])
    return of_degrees(request, "llama-3.1-8b", degrees, print, fused=False)


def rows(degrees: list[Degree]) -> dict[str, tuple[Cell, ...]]:
    return {str(name): tuple(cells) for name, *cells in degrees_table(degrees, WORDS).rows}


def test_a_column_holds_what_one_rank_does() -> None:
    table = rows(found(1, 4))
    whole, one = preset("llama-3.1-8b"), preset("llama-3.1-8b", tp=4)
    assert table["parameters"] == (whole.totals.parameters, one.totals.parameters)
    assert table["Down ×2"] == ("[16,96]×[96,64]→[16,64]", "[16,24]×[24,64]→[16,64] of 4")
    assert table["All-reduce ×2"] == (None, "Σ 4·[16,64]")
    assert table["collectives"] == ("0", "5 all-reduce, 1 all-gather")


def test_a_degree_that_fails_is_a_column_with_what_it_did_and_a_line_that_says_why() -> None:
    degrees = found(4, 8)
    table, grid = rows(degrees), degrees_table(degrees, WORDS)
    assert table["result"] == ("runs", "fails")
    assert table["FLOPs"][1] is None
    assert table["Key ×2"] == ("[16,64]×[64,8]→[16,8] of 4", "[16,64]×[64,4]→[16,4] of 8")
    assert len(grid.notes) == 1
    assert grid.notes[0].startswith("tp 8: view failed in h.0.attn")
    assert "would fit" in grid.notes[0]


def test_a_degree_that_cannot_begin_is_a_column_too() -> None:
    request = Request(shape={"seq": 8, "layers": 1})
    degrees = of_degrees(request, "lecture-gpt", (1, 2), print, fused=False)
    grid = degrees_table(degrees, WORDS)
    assert rows(degrees)["result"] == ("runs", "fails")
    assert grid.notes[0].startswith("tp 2: --tp: heads that are modules of their own")


def test_those_that_run_are_called_by_their_degree() -> None:
    assert [outline.model.name.split(" · ")[-1] for outline in named_by_degree(found(1, 4, 8))] == ["tp 1", "tp 4"]
