"""A matrix is the same thing in a decode step as in the prefill, and bytes are those of transformers' own caches."""

import pytest

from tests.capture.test_corpus import all_measured
from tests.models.decode_reading import STEPS, changed, generation

TYPES = (
    "gpt2", "llama", "gpt_oss", "gemma3_text", "mixtral", "deepseek_v3", "lfm2", "mamba", "rwkv",
    "t5", "whisper", "switch_transformers", "pix2struct", "inkling2_text", "mamba2", "falcon_h1",
    "glm_moe_dsa", "t5gemma2", "minimax", "unlimited_ocr_text", "xlnet",
)  # fmt: skip
"""Caches that grow, that slide, of latents, of convolutions, of states by several rules; attention over depth;
keys that choose others; rows beside those of an encoder; hidden states."""

ARCHITECTURES, CLEAN, COUNTED = 240, 0.97, 0.97


@pytest.mark.parametrize("model_type", TYPES)
def test_a_decode_step_reads_each_matrix_as_the_prefill_does(model_type: str) -> None:
    found = generation(model_type)
    assert len(found.passes) == STEPS + 1
    assert not found.failure
    assert changed(found) == []
    assert found.miscounted() == ""


@pytest.mark.slow
def test_decode_steps_of_all_architectures_read_their_matrices_as_the_prefill_does(
    capsys: pytest.CaptureFixture[str],
) -> None:
    rows = [row for row in all_measured("tests.models.decode_reading") if row["cpu"] == ""]
    clean = [row for row in rows if not row["changed"]]
    counted = [row for row in rows if not row["miscounted"]]
    with capsys.disabled():
        print()
        for row in rows:
            for line in (*row["changed"], row["miscounted"]):
                if line:
                    print(row["type"], line)
        print(f"{len(clean)} of {len(rows)} architectures; bytes of {len(counted)} are those of the cache")
    assert len(rows) >= ARCHITECTURES
    assert len(clean) >= CLEAN * len(rows)
    assert len(counted) >= COUNTED * len(rows)
