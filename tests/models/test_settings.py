"""Settings: defaults, derived sizes and clear refusals."""

import subprocess
import sys

import pytest

from shapetrace.errors import UsageError
from shapetrace.models.settings import Attention, Experts, Latent, Settings


def refusal(**changes: object) -> str:
    with pytest.raises(UsageError) as caught:
        Settings(**changes).validate()  # type: ignore[arg-type]
    return str(caught.value)


def test_the_defaults_are_gpt2_small_and_fit_together() -> None:
    settings = Settings().validate()
    assert (settings.ff_size, settings.n_kv_heads, settings.head_size) == (3072, 12, 64)


def test_head_counts_that_would_divide_are_named() -> None:
    assert "3, 4, 6, 8" in refusal(heads=7)


def test_kv_heads_that_would_divide_are_named() -> None:
    assert "use one of 2, 3, 4, 6" in refusal(kv_heads=5)


def test_a_sequence_longer_than_the_position_table_says_what_to_do() -> None:
    message = refusal(seq=2000)
    assert "2000" in message and "1024" in message and "rope" in message


def test_padding_counts_towards_the_position_table() -> None:
    assert "2048 is longer" in refusal(tokens=(1, 2), pad=2048)


@pytest.mark.parametrize(
    "name", ["layers", "d_model", "heads", "kv_heads", "d_ff", "vocab", "seq", "batch", "norm_eps"]
)
def test_a_number_that_is_not_positive_is_refused(name: str) -> None:
    assert refusal(**{name: 0}).startswith(f"{name} is 0")


@pytest.mark.parametrize(
    ("changes", "part"),
    [
        ({"positions": "rope", "d_head": 7}, "even d_head"),
        ({"norm": "batchnorm"}, "layernorm, rmsnorm"),
        ({"dtype": "int3"}, "bfloat16"),
        ({"device": "tpu"}, "meta"),
        ({"tokens": (50257,)}, "0 to 50256"),
        ({"tokens": (1, 2, 3), "pad": 2}, "shorter than the 3 tokens"),
        ({"positions": "learned", "context": None}, "need a context"),
        ({"target_seq": 3}, "beside an encoder"),
        ({"positions": "learned", "attention": Attention(latent=Latent(8, 4, 4, 4))}, "use rope"),
        ({"experts": Experts(4, 5, 8), "activation": "swiglu"}, "5 of 4 experts"),
        ({"experts": Experts(4, 2, 8, groups=3), "activation": "swiglu"}, "3 groups"),
        ({"experts": Experts(8, 3, 8, groups=8, groups_kept=2), "activation": "swiglu"}, "keep more"),
        ({"experts": Experts(4, 2, 8)}, "use swiglu"),
        ({"attention": Attention(projections="per-head"), "kv_heads": 4}, "per-head"),
    ],
)
def test_settings_that_do_not_fit_are_refused_in_one_line(changes: dict[str, object], part: str) -> None:
    message = refusal(**changes)
    assert part in message
    assert "\n" not in message


def test_every_other_period_of_a_window_looks_at_everything() -> None:
    settings = Settings(attention=Attention(window=8, full_every=6))
    assert [settings.window(layer) for layer in range(7)] == [8, 8, 8, 8, 8, None, 8]


def test_settings_are_checked_without_torch() -> None:
    use = "from shapetrace.models import settings; settings.Settings().validate()"
    code = f"import sys; {use}; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
