import json

from shapetrace.models import presets


def test_every_preset_is_listed(shapetrace):
    rows = json.loads(shapetrace("models", "-f", "json").out)
    assert [row["name"] for row in rows] == presets.names()


def test_one_family_and_one_model(shapetrace):
    rows = json.loads(shapetrace("models", "--family", "llama", "-f", "json").out)
    assert {row["family"] for row in rows} == {"llama"}
    assert all(row["check"].startswith(("✓", "+2,048: rotary", "+2,560: rotary", "+5,120: rotary")) for row in rows)


def test_a_family_is_counted_to_the_last_digit(shapetrace):
    rows = {row["name"]: row for row in json.loads(shapetrace("models", "--family", "deepseek", "-f", "json").out)}
    assert rows["deepseek-v2"]["parameters"] == 235_741_434_880
    assert rows["deepseek-v3"]["check"].startswith("+14,848: router correction biases")
    assert rows["deepseek-v3"]["active"] < rows["deepseek-v3"]["parameters"] / 10


def test_one_model_shows_where_its_parameters_live(shapetrace):
    rows = json.loads(shapetrace("models", "gpt2", "-f", "json").out)
    counts = {row["part"]: row["parameters"] for row in rows}
    assert counts["total"] == 124_439_808 == sum(counts.values()) - counts["total"]
    assert counts["embedding"] == 50257 * 768 + 1024 * 768


def test_an_unknown_family_names_those_that_exist(shapetrace):
    assert "no family 'nope'" in shapetrace("models", "--family", "nope", code=2).err


def test_the_list_fits_a_small_terminal(shapetrace):
    assert max(map(len, shapetrace("models", columns=80).out.splitlines())) <= 80


def test_a_table_is_a_figure_in_a_file(shapetrace, tmp_path):
    file = tmp_path / "gpt.svg"
    words = ("models", "--family", "gpt", "--lang", "zh", "--theme", "print", "--out", file)
    assert shapetrace(*words).out == f"{file}\n"
    written = file.read_text(encoding="utf-8")
    assert "参数表：GPT</title>" in written
    assert 'fill="#000000"' in written
    shapetrace("models", "gpt2", "--title", "<Mine>", "--out", tmp_path / "x.pdf")
    assert (tmp_path / "x.pdf").read_bytes().startswith(b"%PDF")
    assert "&lt;Mine&gt;</title>" in shapetrace("models", "gpt2", "--title", "<Mine>", "-f", "svg").out


def test_a_file_of_another_kind_is_refused(shapetrace, tmp_path):
    assert "no table is a .bmp" in shapetrace("models", "gpt2", "--out", tmp_path / "x.bmp", code=2).err
    assert "no format 'bmp'" in shapetrace("models", "gpt2", "-f", "bmp", code=2).err
    assert "no labels for the language 'fr'" in shapetrace("models", "--lang", "fr", code=2).err
