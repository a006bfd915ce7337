"""The strip that closes an overview: what each part owns and costs."""

import pytest

from shapetrace.drawing import Look, figure
from shapetrace.drawing.content.shares import shares_of
from shapetrace.drawing.primitives import Figure, Rect, Text
from tests.drawing.geometry import assert_sound
from tests.drawing.test_map import outline_of


def lines(drawn: Figure) -> dict[str, list[str]]:
    """What stands beside each name in the strip, by the height that it stands at."""
    found: dict[float, list[Text]] = {}
    for mark in (mark for group in drawn.groups if group.id == "footing" for mark in group.marks):
        if isinstance(mark, Text):
            found.setdefault(mark.y, []).append(mark)
    return {texts[0].plain: [text.plain for text in texts[1:]] for texts in found.values()}


@pytest.mark.parametrize("model", ["gpt2", "deepseek-v3", "transformer-base"])
def test_shares_add_up_to_the_totals(model):
    outline = outline_of(model)
    shares = shares_of(outline)
    assert sum(share.parameters for share in shares) == outline.totals.parameters
    assert sum(share.flops for share in shares) == outline.totals.flops


def test_an_overview_closes_with_what_its_parts_own_and_cost():
    drawn = figure(outline_of("gpt2"), look=Look(view="overview"))
    said = lines(drawn)
    assert said["MLP"] == ["56.7 M", "45.5 %", "116 GFLOPs", "39.8 %"]
    assert said["Embedding"][2:] == ["0", "0.0 %"]
    assert_sound(drawn)


def test_bars_are_as_long_as_shares():
    drawn = figure(outline_of("mixtral-8x7b"), look=Look(view="overview"))
    shares = shares_of(outline_of("mixtral-8x7b"))
    footing = next(group for group in drawn.groups if group.id == "footing").marks
    bars = [mark for mark in footing if isinstance(mark, Rect) and mark.ink == "weight-bar"]
    grooves = [mark.width for mark in footing if isinstance(mark, Rect) and mark.ink == "groove"]
    whole = sum(share.parameters for share in shares)
    longest = max(shares, key=lambda share: share.parameters)
    assert max(bar.width for bar in bars) / grooves[0] == pytest.approx(longest.parameters / whole)
    assert len(grooves) == 2 * len(shares)


def test_an_overview_that_is_full_has_none_and_a_narrow_one_neither():
    assert figure(outline_of("deepseek-v3"), look=Look(view="overview")).height_px <= 2400
    assert "MLP" not in lines(figure(outline_of("deepseek-v3"), look=Look(view="overview")))
    assert "MLP" not in lines(figure(outline_of("gpt2"), look=Look(view="overview", width_px=330)))
