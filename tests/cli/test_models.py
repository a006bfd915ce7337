import json

from shapetrace.models import presets


def test_every_preset_is_listed(shapetrace):
    rows = json.loads(shapetrace("models", "-f", "json").out)
    assert [row["name"] for row in rows] == presets.names()


def test_one_family_and_one_model(shapetrace):
    rows = json.loads(shapetrace("models", "--family", "llama", "-f", "json").out)
    assert {row["family"] for row in rows} == {"llama"}
    assert json.loads(shapetrace("models", "gpt2", "-f", "json").out)[0]["published"] == 124439808


def test_an_unknown_family_names_those_that_exist(shapetrace):
    assert "no family 'nope'" in shapetrace("models", "--family", "nope", code=2).err


def test_the_list_fits_a_small_terminal(shapetrace):
    assert max(map(len, shapetrace("models", columns=80).out.splitlines())) <= 80
