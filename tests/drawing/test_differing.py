"""What two models differ in, as a figure: sums, then pairs of steps whose changed sizes are underlined."""

import pytest
import torch
from torch import nn

import shapetrace
from shapetrace.comparing import Comparison, compare
from shapetrace.drawing import Figure, Look
from shapetrace.drawing.kinds.changed_sizes import size_changes
from shapetrace.drawing.kinds.differing import difference
from shapetrace.drawing.layout.boxes import box_of
from shapetrace.drawing.primitives import Text
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
@pytest.mark.parametrize("width_px", [600, 700])
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


def underlined(figure: Figure, name: str) -> list[str]:
    """The sizes that a line stands below, or beside where they read upwards, in the group of a step."""
    marks = [mark for group in figure.groups if group.id.startswith(name) for mark in group.marks]
    lines = [mark.strokes[0] for mark in marks if mark.ink == "change-line"]
    return [text.plain for text in marks if isinstance(text, Text) and any(_below(text, *line) for line in lines)]


def _below(text: Text, start: tuple[float, float], end: tuple[float, float]) -> bool:
    """Whether a line is as long as a text and runs just behind its feet."""
    box = box_of(text)
    if text.turned:
        return 0 < start[0] - text.x <= 4 and (start[1], end[1]) == pytest.approx((box.top, box.bottom))
    return 0 < start[1] - text.y <= 4 and (start[0], end[0]) == pytest.approx((box.left, box.right))


def test_changed_sizes_are_underlined_on_both_sides_and_said_once():
    figure = difference(compare(WIDE, net(nn.Linear(8, 64), nn.ReLU(), nn.Linear(64, 8))))
    assert sorted(underlined(figure, "section")) == ["32"] * 4 + ["64"] * 4  # W and Y, then X and W, on both sides
    texts = written(figure)
    assert texts.count("32 → 64") == 1
    assert "in 3 steps" in texts
    assert any(text.startswith("288 parameters → 576 parameters") for text in texts)


def test_products_of_one_operand_that_differ_alike_share_a_row(pairs):
    texts = written(difference(pairs["sizes"]))
    assert "Query, Key and Value" in texts
    assert texts.count("Q") == 2 * 2  # made, and read by the scores, on both sides
    assert not {"Query", "Key", "Value"} & set(texts)


def test_the_same_change_elsewhere_is_told_and_not_drawn_again(pairs):
    texts = written(difference(pairs["sizes"]))
    assert texts.count("LayerNorm") == 1
    assert "the same: LayerNorm h.0.ln_2, LayerNorm ln_f" in texts


def test_each_size_that_changed_is_said_once_with_its_steps(pairs):
    """Counted by hand: 2 of the embedding, 2 norms, 4 products and 2 sums in each of 12 layers, a norm and the head."""
    changes = dict(size_changes(pairs["sizes"]))
    assert set(changes) == {"768 → 1024", "3072 → 4096", "×12 → ×16"}
    assert changes["3072 → 4096"] == 12 * 3
    assert changes["768 → 1024"] == 2 + 12 * (2 + 3 + 1 + 2 + 2 + 1) + 2


def test_operands_are_paired_with_operands_and_results_with_results():
    class Sum(nn.Module):
        def __init__(self, n: int) -> None:
            super().__init__()
            self.layers = nn.ModuleList(nn.Linear(8, 8) for _ in range(n))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.cat([layer(x) for layer in self.layers])

    two, three = (shapetrace.trace(Sum(n), torch.zeros(3, 8)) for n in (2, 3))
    figure = difference(compare(two, three), strict=True)
    assert {"6", "9"} <= set(underlined(figure, "section"))
    assert not {"3", "8"} & set(underlined(figure, "section"))


def test_added_and_removed_steps_have_a_sign_a_word_and_an_empty_side():
    longer = net(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 8), nn.Linear(8, 5))
    for pair, tag in ((compare(WIDE, longer), "+ added"), (compare(longer, WIDE), "− removed")):
        texts = written(difference(pair))
        assert texts.count(tag) == 1
        assert texts.count("none") == 1


def test_steps_that_follow_are_counted_and_drawn_if_asked_for(pairs):
    few, all_ = difference(pairs["sizes"]), difference(pairs["sizes"], strict=True)
    assert "other steps whose shapes follow: 5 (--strict lists them)" in written(few)
    assert len(all_.desc.splitlines()) > len(few.desc.splitlines())
    assert "GELU" in written(all_)
    assert "GELU" not in written(few)


def test_a_section_that_is_gone_back_to_is_not_said_to_change_twice(pairs):
    texts = written(difference(pairs["sizes"], strict=True))
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


def test_a_figure_fits_a_column(pairs):
    assert {difference(pairs["sizes"], look=Look(width_px=width)).width_px for width in (700, 1200)} == {700}


def test_lengths_of_the_input_are_italic_on_both_sides(pairs):
    drawn = difference(pairs["sizes"])
    lengths = [mark.x for mark in drawn.marks() if isinstance(mark, Text) and mark.ink == "size-run"]
    assert min(lengths) < 350 < max(lengths)
    assert "length of the input" in written(drawn)


def test_what_goes_into_an_activation_is_told_from_what_comes_out(pairs):
    assert "H′" in written(difference(pairs["sizes"]))
