"""Presets: every published count is reproduced, and common spellings find them."""

import re
import subprocess
import sys

import pytest

from shapetrace.errors import UsageError
from shapetrace.models import presets
from shapetrace.models.building import active_parameters, build

SCALE = {"M": 1e6, "B": 1e9}


def n_parameters(name: str) -> int:
    return sum(parameter.numel() for parameter in build(presets.preset(name).settings).parameters())


def size_of(label: str) -> tuple[float, float]:
    """A label's number and the worth of its last digit: 1.23B -> (1.23e9, 1e7)."""
    found = re.fullmatch(r"([\d.]+)([MB])", label)
    assert found, label
    digits = len(found[1].partition(".")[2])
    return float(found[1]) * SCALE[found[2]], SCALE[found[2]] / 10**digits


@pytest.mark.parametrize("name", presets.names())
def test_the_parameters_are_the_published_ones(name: str) -> None:
    preset, computed = presets.preset(name), n_parameters(name)
    if preset.exact:
        assert preset.published == computed + preset.difference
        assert bool(preset.difference) == bool(preset.cause)
    elif preset.published is not None and not preset.cause:
        assert computed == pytest.approx(preset.published, rel=0.005)
    label, last_digit = size_of(preset.label)
    assert abs(computed - label) < max(2.0 * last_digit, 0.04 * label)


@pytest.mark.parametrize("name", [name for name in presets.names() if presets.preset(name).active])
def test_active_parameters_are_near_the_published_ones(name: str) -> None:
    preset = presets.preset(name)
    label, _ = size_of(preset.active)
    assert active_parameters(build(preset.settings)) == pytest.approx(
        label, rel=0.12
    )  # conventions differ by embeddings


@pytest.mark.parametrize(
    ("spelling", "name"),
    [
        ("GPT-2", "gpt2"), ("gpt2-small", "gpt2"), ("GPT-2 XL", "gpt2-xl"), ("gpt-1", "gpt1"), ("gpt3", "gpt3-175b"),
        ("llama3.1-405b", "llama-3.1-405b"), ("Llama 2 7B", "llama-2-7b"), ("llama2_70b", "llama-2-70b"),
        ("meta-llama/Meta-Llama-3-8B-Instruct", "llama-3-8b"), ("llama3.2:3b", "llama-3.2-3b"),
        ("Qwen/Qwen2.5-7B-Instruct", "qwen2.5-7b"), ("qwen3_235b_a22b", "qwen3-235b-a22b"),
        ("mistral-7b", "mistral-7b-v0.1"), ("mistralai/Mixtral-8x7B-v0.1", "mixtral-8x7b"),
        ("DeepSeek V3", "deepseek-v3"), ("deepseek-v2-lite-chat", "deepseek-v2-lite"),
        ("Transformer base", "transformer-base"), ("lecture_gpt", "lecture-gpt"),
        ("ng-video-lecture", "lecture-gpt-chars"),
    ],
)  # fmt: skip
def test_common_spellings_find_the_preset(spelling: str, name: str) -> None:
    assert presets.preset(spelling).name == name


def test_no_two_presets_share_a_spelling() -> None:
    seen: dict[str, str] = {}
    for name in presets.names():
        preset = presets.preset(name)
        for spelling in {presets._plain(word) for word in (name, preset.title, *preset.aliases)}:
            assert seen.setdefault(spelling, name) == name, spelling


def test_an_unknown_preset_is_answered_with_the_nearest_names() -> None:
    with pytest.raises(UsageError, match=r"did you mean llama-3-8b"):
        presets.preset("lama-3-8b")
    with pytest.raises(UsageError, match="shapetrace models"):
        presets.preset("xyzzy")


def test_an_unknown_family_is_answered_with_the_known_ones() -> None:
    with pytest.raises(UsageError, match="gpt"):
        presets.family("bert")


def test_every_preset_belongs_to_one_family_and_names_its_sources() -> None:
    assert [preset.name for name in presets.families() for preset in presets.family(name)] == presets.names()
    for name in presets.names():
        preset = presets.preset(name)
        assert preset.config_source and preset.source
        assert re.fullmatch(r"[a-z0-9.\-]+", name)
        assert preset.settings.validate().n_tokens <= 1024


def test_presets_are_read_without_torch() -> None:
    code = "import sys; from shapetrace.models import presets; presets.preset('gpt2'); print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
