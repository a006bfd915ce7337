"""Names on the command line: proved, the user's own, in figures and graphs, and as annotations."""

import json

WORDS = "--layers 1 --d-model 32 --heads 4 --vocab 60 --seq 24".split()


def test_the_table_says_names_and_formulas(shapetrace):
    out = shapetrace("run", *WORDS, "--dims", "names").out
    assert "[B,T,d_model]×[d_model,d_head]→[B,T,d_head]" in out
    assert "bytes of the KV cache = 8·B·h·T·d_head" in out
    assert "[B=1,T=24,d_model=32]" in shapetrace("run", *WORDS, "--dims", "both", "-f", "csv").out
    assert "尺寸" in shapetrace("run", *WORDS, "--dims", "names", "--lang", "zh").out


def test_json_has_names_and_formulas_of_steps(shapetrace):
    found = json.loads(shapetrace("run", *WORDS, "--dims", "names", "-f", "json").out)
    expand = next(step for step in found["steps"] if step["title"] == "Expand")
    assert expand["operands"][1]["dims"] == ["d_model", "d_ff"]
    assert expand["formulas"]["flops"] == "2·B·T·d_model·d_ff"
    assert found["sizes"]["symbols"]["T"] == 24


def test_users_have_names_of_their_own(shapetrace, tmp_path):
    (tmp_path / "names.toml").write_text("[names]\nd_ff = 'hidden'\n")
    out = shapetrace("run", *WORDS, "--dims", "names", "--name", "d_model=width", "--name", tmp_path / "names.toml").out
    assert "[B,T,width]×[width,hidden]" in out
    assert "d_head" in out
    err = shapetrace("run", *WORDS, "--dims", "names", "--name", "77=w", code=2).err
    assert "no size is '77'" in err
    assert "--dims names" in shapetrace("run", *WORDS, "--name", "d_model=w", code=2).err


def test_a_trace_without_names_says_that_they_are_not_proved(shapetrace, tmp_path):
    plain, proved = tmp_path / "plain.json", tmp_path / "proved.json"
    shapetrace("run", *WORDS, "--save", plain)
    assert "recognised, not proved" in shapetrace("run", plain, "--dims", "names").out
    shapetrace("run", *WORDS, "--dims", "names", "--save", proved)
    assert "proved at 3 other sizes" in shapetrace("run", proved, "--dims", "names").out


def test_modules_are_annotated_as_jaxtyping_does(shapetrace):
    found = json.loads(shapetrace("run", *WORDS, "--annotate", "-f", "json").out)
    rows = {row["module"]: row for row in found}
    assert rows["h.0.mlp"]["inputs"] == 'Float[Tensor, "B T d_model"]'
    assert rows[""]["inputs"] == 'Int[Tensor, "B T"]'
    assert rows[""]["outputs"] == 'Float[Tensor, "B T V"]'


def test_figures_and_graphs_take_proved_names(shapetrace, tmp_path):
    shapetrace("diagram", *WORDS, "--dims", "names", "--section", "mlp", "--format", "svg,dot", "--out", tmp_path)
    dot = next(tmp_path.glob("*.dot")).read_text()
    assert "[B,T,d_model]×[d_model,d_ff]" in dot
    svg = "".join(file.read_text() for file in tmp_path.glob("*.svg"))
    assert "d" in svg
