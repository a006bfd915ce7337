"""A matrix is the same thing in a decode step as in the prefill, with transformers' own caches."""

import pytest

from tests.capture.test_corpus import all_measured
from tests.models.decode_reading import STEPS, changed, generation

TYPES = (
    "gpt2", "llama", "gpt_oss", "gemma3_text", "mixtral", "deepseek_v3", "lfm2", "mamba", "rwkv",
    "t5", "whisper", "switch_transformers", "pix2struct", "inkling2_text", "mamba2", "falcon_h1",
)  # fmt: skip
"""Caches that grow, that slide, of latents, of convolutions, of states by several rules; attention over depth."""

ARCHITECTURES, CLEAN = 240, 0.9


@pytest.mark.parametrize("model_type", TYPES)
def test_a_decode_step_reads_each_matrix_as_the_prefill_does(model_type: str) -> None:
    found = generation(model_type)
    assert len(found.passes) == STEPS + 1
    assert not found.failure
    assert changed(found) == []


@pytest.mark.slow
def test_decode_steps_of_all_architectures_read_their_matrices_as_the_prefill_does(
    capsys: pytest.CaptureFixture[str],
) -> None:
    rows = [row for row in all_measured("tests.models.decode_reading") if row["cpu"] == ""]
    clean = [row for row in rows if not row["changed"]]
    with capsys.disabled():
        print()
        for row in rows:
            for line in row["changed"]:
                print(row["type"], line)
        print(f"{len(clean)} of {len(rows)} architectures")
    assert len(rows) >= ARCHITECTURES
    assert len(clean) >= CLEAN * len(rows)
