"""Stories, comparisons, differences and failures in a column of 700 px, in Chromium, light and dark.

Nothing overlaps or is clipped, text has contrast, and is no smaller there than 10 px.
"""

from collections.abc import Callable
from typing import Any

import pytest

import shapetrace
from shapetrace.comparing import compare as compared
from shapetrace.drawing import Figure, Look, compare, figure
from shapetrace.drawing.kinds.differing import difference
from shapetrace.formats.svg import render
from shapetrace.obtaining import variants
from shapetrace.outlining.structure import Outline
from shapetrace.sharding.degrees import Degrees
from tests.browser import chromium, surveys
from tests.failing.models import FAILING
from tests.generations import PARIS, passes
from tests.obtained import obtained

pytestmark = pytest.mark.skipif(chromium() is None, reason="no Chromium on this system")

COLUMN_PX = 700
STORY = Look(width_px=COLUMN_PX, view="story")
PRESETS = ("gpt2", "llama-3.1-8b", "deepseek-v3", "mixtral-8x7b", "transformer-base")
TYPES = (
    "gpt2", "llama", "gemma2", "mixtral", "falcon", "gpt_neox", "deepseek_v3", "qwen3_moe", "bert", "t5", "whisper",
    "clip",
)  # fmt: skip
FAILURES = ("layers of different width", "bmm of batches that differ")


def read(model: str, text: str = "", **given: Any) -> Outline:
    return obtained(model, text=text, **given).outline()


def of_type(model_type: str) -> Outline:
    pytest.importorskip("transformers")
    return read(f"hf:{model_type}", entries=("num_hidden_layers=5",) if model_type == "deepseek_v3" else ())


def failed(name: str) -> Figure:
    case = FAILING.get(name)
    if case is None:
        pytest.skip(f"no failure is called {name}")
    with pytest.raises(Exception) as caught:  # noqa: PT011 - each model has its own
        shapetrace.trace(case.model, *case.inputs)
    return figure(caught.value.trace.outline(), section="failure")


def _outlines() -> list[Outline]:
    return [trace.outline() for trace in variants()]


def rank(model: str, **degrees: int) -> Outline:
    return obtained(model, ranks=Degrees(**degrees), seq=64).outline()


RANKS = {
    "block": ("llama-3.1-8b", {"tp": 8}),
    "attention": ("gpt2", {"tp": 4, "rank": 3}),
    "unembedding": ("gpt2", {"tp": 6, "world": 24}),
    "experts": ("mixtral-8x7b", {"tp": 8, "rank": 5}),
}
"""Sections that are drawn of one rank."""


def columns(model: str, n_steps: int, lang: str = "en", follow: str = "", **given: Any) -> Figure:
    return passes(model, n_steps, **given).figure(lang=lang, follow=follow).drawing


GENERATIONS: dict[str, Callable[[], Figure]] = {
    "words": lambda: columns("gpt2", 4),
    "words-zh": lambda: columns("gpt2", 4, "zh"),
    "words-followed": lambda: columns("gpt2", 4, follow="France"),
    "words-followed-zh": lambda: columns("gpt2", 4, "zh", follow="6"),
    "two-kinds-followed": lambda: columns("hf:gemma3_text", 2, follow="150", seq=600),
    "long-words": lambda: columns("gpt2", 2, text="Donaudampfschifffahrtsgesellschaftskapitän " * 3),
    "one-step": lambda: columns("gpt2", 1, seq=5),
    "latent": lambda: columns("deepseek-v3", 3, seq=5),
    "latent-far": lambda: columns("deepseek-v3", 3, "zh", seq=4096),
    "grouped-far": lambda: columns("llama-3.1-405b", 2, seq=4096),
    "two-kinds": lambda: columns("hf:gemma3_text", 2, seq=600),
}
"""Prefill and decode steps in columns."""

FIGURES: dict[str, Callable[[], Figure]] = {
    "story": lambda: figure(read("gpt2", PARIS), look=STORY),
    "story-padded": lambda: figure(read("gpt2", PARIS, pad=1024), look=STORY),
    "story-sixteen-words": lambda: figure(read("gpt2", "extraordinarily " * 16, layers=2), look=STORY),
    "story-zh": lambda: figure(read("gpt2", "法国的首都是 Paris 吗"), look=STORY, lang="zh"),
    "story-translator": lambda: figure(read("transformer-base", "Das ist gut"), look=STORY),
    "story-narrow": lambda: figure(read("gpt2", PARIS), look=Look(width_px=600, view="story")),
    **{f"story-{name}": lambda name=name: figure(read(name), look=STORY) for name in PRESETS},  # type: ignore[misc]
    **{f"story-hf-{name}": lambda name=name: figure(of_type(name), look=STORY) for name in TYPES},  # type: ignore[misc]
    "compare": lambda: compare(_outlines()),
    "compare-zh": lambda: compare(_outlines(), lang="zh"),
    "compare-presets": lambda: compare([read(name) for name in PRESETS[:3]]),
    "compare-blocks": lambda: compare([read(name) for name in PRESETS[:3]], section="block"),
    "compare-whole": lambda: compare([read("gpt2"), read("transformer-base")], section=None),
    "compare-hf": lambda: compare([of_type(name) for name in ("gpt2", "falcon", "deepseek_v3")]),
    "compare-hf-mlps": lambda: compare([of_type(name) for name in ("bert", "llama", "t5")], section="mlp"),
    "difference": lambda: difference(compared(read("gpt2").trace, read("gpt2-medium").trace)),
    "difference-strict": lambda: difference(compared(read("gpt2").trace, read("llama-3.1-8b").trace), strict=True),
    "difference-zh": lambda: difference(compared(read("gpt2").trace, read("gpt2-medium").trace), lang="zh"),
    **{
        f"rank-{part}{'-zh' if lang == 'zh' else ''}": lambda part=part, lang=lang: figure(  # type: ignore[misc]
            rank(RANKS[part][0], **RANKS[part][1]), section=part, lang=lang
        )
        for part in RANKS
        for lang in ("en", "zh")
    },
    "rank-overview": lambda: figure(rank("llama-3.1-8b", tp=8)),
    "rank-story": lambda: figure(rank("llama-3.1-8b", tp=8), look=STORY),
    "rank-map": lambda: figure(rank("llama-3.1-8b", tp=8), look=Look(view="map")),
    "rank-mesh": lambda: figure(rank("llama-3.1-8b", tp=8, world=1024, rank=1000), look=Look(view="mesh")),
    "rank-mesh-zh": lambda: figure(rank("gpt2", tp=2, world=2048), look=Look(view="mesh"), lang="zh"),
    "rank-mesh-narrow": lambda: figure(rank("gpt2", tp=12, dp=3), look=Look(view="mesh", width_px=400)),
    "rank-compare": lambda: compare([read("llama-3.1-8b"), rank("llama-3.1-8b", tp=8)]),
    **{f"generation-{name}": draw for name, draw in GENERATIONS.items()},
    **{f"failure-{name}": lambda name=name: failed(name) for name in FAILURES},  # type: ignore[misc]
}


@pytest.mark.parametrize("name", FIGURES)
def test_a_column_of_700_px_is_sound(browser, tmp_path, name):
    path = tmp_path / "figure.svg"
    path.write_text(render(FIGURES[name]()), encoding="utf-8")
    for _, (found,) in surveys(browser, path):
        found.assert_sound()
        assert found.width_px <= COLUMN_PX
        assert found.font_px * min(1, COLUMN_PX / found.width_px) >= 10
