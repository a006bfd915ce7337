"""What two models differ in, as a figure: sums, then pairs of steps whose changed sizes are underlined."""

import pytest
import torch
from torch import nn

import shapetrace
from shapetrace.comparing import Comparison, compare
from shapetrace.drawing import Figure, Look
from shapetrace.drawing.kinds.differing import difference
from shapetrace.drawing.metrics import width_px
from shapetrace.drawing.primitives import Text
from shapetrace.errors import UsageError
from shapetrace.obtaining import obtain
from shapetrace.request import Request
from tests.drawing.geometry import assert_sound, text_boxes


def preset(name: str, **shape: object) -> shapetrace.Trace:
    return obtain(Request(model=name, shape={"seq": 64, **shape}), print)


def net(*layers: nn.Module) -> shapetrace.Trace:
    return shapetrace.trace(nn.Sequential(*layers), torch.zeros(3, 8))


WIDE = net(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 8))


@pytest.fixture(scope="module")
def pairs() -> dict[str, Comparison]:
    long = {name * 9: nn.Linear(8, 8) for name in ("averylongname", "another")}
    return {
        "sizes": compare(preset("gpt2"), preset("gpt2-medium")),
        "architectures": compare(preset("llama-3-8b", layers=2), preset("deepseek-v2-lite", layers=3)),
        "equal": compare(preset("gpt2"), preset("gpt2")),
        "long names": compare(WIDE, shapetrace.trace(nn.Sequential(*long.values()), torch.zeros(3, 8)),
                              names=("n" * 200, "<b>&\u202e" * 40)),
        "nothing alike": compare(WIDE, shapetrace.trace(nn.Conv2d(3, 4, 3), torch.zeros(1, 3, 9, 9))),
    }  # fmt: skip


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("name", ["sizes", "architectures", "equal", "long names", "nothing alike"])
@pytest.mark.parametrize("width_px", [720, 1200])
def test_figures_of_differences_are_sound(pairs, name, lang, width_px):
    assert_sound(difference(pairs[name], lang=lang, look=Look(width_px=width_px)))
    assert_sound(difference(pairs[name], strict=True, lang=lang))


def written(figure: Figure) -> list[str]:
    return [text for text, _ in text_boxes(figure)]


def test_the_verdict_and_the_cause_come_first(pairs):
    texts = written(difference(pairs["sizes"]))
    assert texts[0] == "GPT-2 small ↔ GPT-2 medium"
    assert texts[1] == "15 products or parameters differ"
    assert texts[2].startswith("layers 12 → 24 · d_model 768 → 1,024 · heads 12 → 16")
    assert texts.index("354,823,168") < texts.index("~ changed")
    assert "+185.1 %" in texts


def test_equal_models_are_a_line():
    figure = difference(compare(WIDE, WIDE))
    texts = written(figure)
    assert "the products are equal (2 of 2)" in texts
    assert "= 3 equal steps: Expand, ReLU, Shrink" in texts
    assert "nothing differs" in texts
    assert not any(text.startswith(("~", "+ ", "−")) for text in texts)


def underlined(figure: Figure, shape: str) -> list[str]:
    """The sizes of a shape that a line stands below, read by where the line is, not by what drew it."""
    found = []
    for text in figure.marks():
        if not isinstance(text, Text) or text.plain != shape or text.ink != "shape":
            continue
        left = text.x - width_px(shape, "shape") / 2
        for line in figure.marks():
            if line.ink == "change-line" and line.strokes[0][0][1] == pytest.approx(text.y + 4):
                ends = [(x - left) / width_px("0", "shape") for x, _ in line.strokes[0]]
                if ends[0] >= 0 and ends[1] <= len(shape):
                    found.append(shape[round(ends[0]) : round(ends[1])])
    return found


def test_changed_sizes_are_underlined_on_both_sides_and_said():
    figure = difference(compare(WIDE, net(nn.Linear(8, 64), nn.ReLU(), nn.Linear(64, 8))))
    for shape, sizes in (("[8, 32]", ["32"]), ("[32, 8]", ["32"]), ("[8, 64]", ["64"]), ("[64, 8]", ["64"])):
        assert underlined(figure, shape) == sizes
    assert not underlined(figure, "[3, 8]")
    assert sum(mark.ink == "change-line" for mark in figure.marks()) == 8 + 1  # one in the legend
    assert any(text.startswith("32 → 64 · 288 parameters → 576 parameters") for text in written(figure))


def test_operands_are_paired_with_operands_and_results_with_results():
    class Sum(nn.Module):
        def __init__(self, n: int) -> None:
            super().__init__()
            self.layers = nn.ModuleList(nn.Linear(8, 8) for _ in range(n))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.cat([layer(x) for layer in self.layers])

    two, three = (shapetrace.trace(Sum(n), torch.zeros(3, 8)) for n in (2, 3))
    figure = difference(compare(two, three), strict=True)
    assert underlined(figure, "[6, 8]") == ["6"]
    assert underlined(figure, "[9, 8]") == ["9"]


def test_added_and_removed_steps_have_a_sign_a_word_and_an_empty_side():
    longer = net(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 8), nn.Linear(8, 5))
    for pair, tag in ((compare(WIDE, longer), "+ added"), (compare(longer, WIDE), "− removed")):
        texts = written(difference(pair))
        assert texts.count(tag) == 1
        assert texts.count("—") == 1


def test_steps_that_follow_are_counted_and_drawn_if_asked_for(pairs):
    few, all_ = difference(pairs["sizes"]), difference(pairs["sizes"], strict=True)
    assert "other steps whose shapes follow: 5 (--strict lists them)" in written(few)
    assert written(all_).count("~ changed") == written(few).count("~ changed") + 5


def test_a_section_that_is_gone_back_to_is_not_said_to_change_twice(pairs):
    texts = written(difference(pairs["sizes"]))
    assert texts.count("Block ×12 → Block ×24") == 1
    assert "Block ×24" in texts


def test_a_long_figure_says_what_it_leaves_out(pairs):
    figure = difference(pairs["architectures"], look=Look(max_rows=4))
    assert sum(text in {"~ changed", "+ added", "− removed"} for text in written(figure)) <= 8
    assert any(text.startswith("⋮ ") and text.endswith("more rows, not drawn") for text in written(figure))


def test_chinese_says_all_of_it_in_chinese(pairs):
    texts = written(difference(pairs["sizes"], lang="zh"))
    assert {"15 处乘积或参数不同", "~ 改变", "Transformer 块 ×12 → Transformer 块 ×24"} <= set(texts)


def test_the_same_comparison_is_the_same_figure(pairs):
    assert difference(pairs["sizes"]) == difference(pairs["sizes"])


def test_a_figure_that_is_too_narrow_is_refused(pairs):
    with pytest.raises(UsageError, match="need 720"):
        difference(pairs["equal"], look=Look(width_px=600))
