"""FSDP2 keeps parts of all weights on each rank and gathers a block's when it runs: each weight once."""

from typing import Any

import pytest

from shapetrace.errors import UsageError
from shapetrace.obtaining import obtain
from shapetrace.request import Request
from shapetrace.sharding.degrees import Degrees
from tests.sharding.small import hugging, preset, roles


def test_every_weight_is_gathered_once_with_its_bytes() -> None:
    whole, found = preset("llama-3.1-8b"), preset("llama-3.1-8b", fsdp=4)
    ranks = found.outline().ranks
    assert ranks is not None
    assert ranks.collectives == {"all_gather": 3}  # two blocks, and what is in none
    assert ranks.sent == whole.totals.parameters * 4 * 3 // 4
    assert ranks.whole == ()


def test_products_are_those_of_one_machine() -> None:
    whole, found = preset("llama-3.1-8b"), preset("llama-3.1-8b", fsdp=4)
    assert found.totals.flops == whole.totals.flops
    assert roles(found) == roles(whole)


def test_a_rank_holds_its_part() -> None:
    whole = preset("llama-3.1-8b")
    parts = [preset("llama-3.1-8b", fsdp=4, rank=rank) for rank in range(4)]
    assert sum(part.totals.parameters for part in parts) == whole.totals.parameters
    assert all(part.outline().ranks.parameters == whole.totals.parameters for part in parts)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("kind", "entries", "layers"),
    [
        ("llama", (), 2),
        ("mixtral", (), 2),
        ("gpt2", ("n_layer=3", "n_embd=64", "n_head=4", "vocab_size=96"), 3),
        (
            "bert",
            ("num_hidden_layers=2", "hidden_size=64", "num_attention_heads=4", "vocab_size=96"),
            2,
        ),  # and a tied table
        ("t5", ("num_layers=2", "d_model=64", "num_heads=4", "d_ff=96", "vocab_size=96"), 4),
    ],
)
def test_layers_that_transformers_never_cuts_are_gathered_one_by_one(
    kind: str, entries: tuple[str, ...], layers: int
) -> None:
    pytest.importorskip("transformers")
    whole, parts = hugging(kind, *entries), [hugging(kind, *entries, fsdp=4, rank=rank) for rank in (0, 3)]
    ranks = [part.outline().ranks for part in parts]
    assert all(found is not None and found.parameters == whole.totals.parameters for found in ranks)
    assert all(part.totals.flops == whole.totals.flops for part in parts)
    assert all(roles(part) == roles(whole) for part in parts)
    assert ranks[0].collectives == {"all_gather": layers + 1}
    assert parts[0].model.name == whole.model.name
    assert parts[0].model.device == "meta"


@pytest.mark.parametrize(
    ("model", "degrees", "said"),
    [
        ("gpt2", {"fsdp": 2, "tp": 2}, "alone so far"),
        ("transformer-base", {"fsdp": 2}, "this model is none"),
        ("llama-3.1-405b", {"fsdp": 8}, "give fewer layers"),
        ("hf:vivit", {"fsdp": 2, "pp": 2}, "alone so far"),
    ],
)
def test_what_is_not_gathered_is_said_in_one_line(model: str, degrees: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said) as caught:
        obtain(Request(model=model, ranks=Degrees(**degrees)), print)
    assert "\n" not in str(caught.value)
