"""Each option of ``shapetrace diagram`` does what it says; wrong values are one line and exit 2."""

import json

import pytest

SMALL = ("--layers", "2", "--d-model", "8", "--heads", "2", "--seq", "4", "--vocab", "50")


@pytest.fixture(scope="module")
def trace(tmp_path_factory):
    from shapetrace.obtaining import obtain
    from shapetrace.request import Request

    path = tmp_path_factory.mktemp("trace") / "small.json"
    obtain(Request(shape={"layers": 2, "d_model": 8, "heads": 2, "seq": 4, "vocab": 50}), print).save(path)
    return path


@pytest.fixture
def drawn(shapetrace, trace, tmp_path):
    def draw(*options: str, file: str = "overview.svg", model: object = trace) -> str:
        shapetrace("diagram", *([model] if model else SMALL), "--out", tmp_path / "out", *options)
        return (tmp_path / "out" / file).read_text(encoding="utf-8")

    return draw


def test_the_reference_model_and_its_trace_give_the_same_figure(drawn):
    assert drawn() == drawn(model=None)


@pytest.mark.parametrize(
    ("options", "file", "there", "not_there"),
    [
        (("--section", "attention"), "attention.svg", "concat 2", "GELU"),
        (("--section", "h.1.mlp"), "h-1-mlp.svg", "GELU", "softmax"),
        (("--section", ""), "overview.svg", "one forward pass", "nothing"),
        (("--step", "1"), "step-1.svg", "Token lookup", "Query"),
        (("--view", "story"), "story.svg", "from ids to the next word", "one forward pass"),
        (("--hide", "norms, residuals"), "overview.svg", "Query", "Residual"),
        (("--fused",), "attention.svg", "c_attn</text>", ">Key<"),
        (("--list-alike", "--section", "attention"), "attention.svg", ">Key<", "K and V alike"),
        (("--dims", "names"), "mlp.svg", ">ff<", ">[4,8]"),
        (("--dims", "both"), "mlp.svg", "[4,8]", "nothing"),
        (("--theme", "dark"), "mlp.svg", 'fill="#0d1117"', "prefers-color-scheme"),
        (("--theme", "light"), "mlp.svg", 'fill="#ffffff"', "prefers-color-scheme"),
        (("--theme", "print"), "mlp.svg", "s-hatch", "prefers-color-scheme"),
        (("--lang", "zh"), "mlp.svg", "前馈网络", "MLP"),
        (("--title", "<Mine>", "--caption", "Below & more"), "mlp.svg", "Below &amp; more", "MLP in"),
        (("--format", "md", "--lang", "zh"), "mlp.md", "| 步骤 |", "| step |"),
        (("--format", "html"), "mlp.html", "<details>", "<html"),
        (("--format", "dot"), "mlp.dot", "digraph", "softmax"),
    ],
)
def test_an_option_does_what_it_says(drawn, options, file, there, not_there):
    text = drawn(*options, file=file)
    assert there in text
    assert not_there not in text


def test_a_narrow_figure_is_narrow(drawn):
    wide, narrow = (float(drawn(*words).split('width="')[1].split('"')[0]) for words in ((), ("--width", "3.5in")))
    assert wide == 700
    assert narrow == 336, "3.5 inches of 96 px, of 72 points"


def test_json_has_the_steps_of_the_section(drawn):
    steps = json.loads(drawn("--format", "json", "--section", "mlp", file="mlp.json"))["steps"]
    assert [step["title"] for step in steps] == ["Expand", "GELU", "Shrink"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--section", "nope"), "no section 'nope' in Reference Transformer; there are embedding, h.0"),
        (("--step", "99"), "no step 99 in Reference Transformer; it has steps 1 to "),
        (("--step", "0"), "greater than or equal to 1"),
        (("--section", "mlp", "--step", "1"), "asked for a section and for a step"),
        (("--view", "novel"), "view is 'novel'; expected overview, rows, map, story or mesh"),
        (("--view", "story", "--section", "mlp"), "the story is of the whole model"),
        (("--hide", "nrms"), "cannot hide nrms; expected some of norms, residuals"),
        (("--dims", "x"), "dims is 'x'; expected numbers, names or both"),
        (("--width", "200"), "width is 200; expected 300 to 1200 px (3.1 to 12.5 in)"),
        (("--width", "20in"), "width is 20in; expected 300 to 1200 px"),
        (("--width", "wide"), "width is 'wide'; expected px (700) or a length on paper (3.5in, 88mm, 252pt)"),
        (("--theme", "drk"), "no theme named 'drk'; there are dark, default, light, print"),
        (("--lang", "fr"), "no labels for the language 'fr'; there are en, zh"),
        (("--format", "svg,bmp"), "no format 'bmp': choose one of table, markdown"),
        (("--format", ","), "no format ''"),
        (("--scale", "-1"), "scale is -1; expected more than 0"),
        (("--font", "none.ttf"), "cannot read the font none.ttf"),
        (("--templates", "none"), "there is no folder none of templates"),
    ],
)
def test_a_wrong_value_is_one_line(shapetrace, trace, tmp_path, options, message):
    err = shapetrace("diagram", trace, "--out", tmp_path / "out", *options, code=2).err
    assert message in err
    assert err.count("\n") == 1
    assert not list((tmp_path / "out").glob("*.svg"))


def test_a_generation_is_one_figure_of_columns(shapetrace, tmp_path):
    given = ("--layers", "2", "--d-model", "8", "--heads", "2", "--vocab", "50", "--text", "a b c")
    shapetrace("diagram", *given, "--generate", "2", "--out", tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["generation.svg"]
    drawn = (tmp_path / "generation.svg").read_text(encoding="utf-8")
    assert "Decode step 2" in drawn
    assert "[3, 4] + 1" in drawn
    assert "data-stage" not in drawn
    shapetrace("diagram", *given, "--generate", "2", "--animate", "--out", tmp_path)
    assert "data-stage" in (tmp_path / "generation.svg").read_text(encoding="utf-8")


@pytest.mark.parametrize("option", [("--section", "mlp"), ("--step", "1"), ("--view", "story"), ("--explain",)])
def test_what_is_of_one_pass_is_refused_beside_generate(shapetrace, tmp_path, option):
    err = shapetrace("diagram", *SMALL, "--generate", "2", *option, "--out", tmp_path, code=2).err
    assert "is of one pass" in err
    assert len(err.strip().splitlines()) == 1


def test_the_view_of_a_generation_asks_how_many_steps(shapetrace, tmp_path):
    for option in (("--view", "generation"), ("--animate",), ("--animate", "--section", "mlp")):
        assert "--generate N" in shapetrace("diagram", *SMALL, *option, "--out", tmp_path, code=2).err


@pytest.mark.parametrize(
    ("name", "options", "same"),
    [
        ("all.svg", (), "overview.svg"),
        ("one.svg", ("--section", "attention"), "attention.svg"),
        ("box.SVG", ("--view", "map"), "map.svg"),
        ("all.dot", (), "overview.dot"),
    ],
)
def test_a_name_with_a_suffix_is_one_file(shapetrace, trace, drawn, tmp_path, name, options, same):
    path = tmp_path / "new" / name
    assert shapetrace("diagram", trace, "--out", path, *options).out == f"{path}\n"
    drawn(*options, "--format", same.rpartition(".")[2], file=same)
    assert path.read_bytes() == (tmp_path / "out" / same).read_bytes()
    assert [each.name for each in path.parent.iterdir()] == [name]


def test_a_file_of_text_is_the_table(shapetrace, trace, tmp_path):
    shapetrace("diagram", trace, "--out", tmp_path / "a.md")
    assert (tmp_path / "a.md").read_text(encoding="utf-8") == shapetrace("run", trace, "--format", "markdown").out


def test_a_file_is_of_one_format_and_a_folder_may_be_called_anything(shapetrace, trace, tmp_path):
    refused = shapetrace("diagram", trace, "--out", tmp_path / "a.svg", "--format", "png", code=2)
    assert "is one svg: leave --format png out, or give a folder" in refused.err
    (tmp_path / "b.svg").mkdir()
    shapetrace("diagram", trace, "--out", tmp_path / "b.svg")
    shapetrace("diagram", trace, "--out", tmp_path / "v1.2")
    assert (tmp_path / "b.svg" / "index.html").exists() and (tmp_path / "v1.2" / "map.svg").exists()


def test_one_file_of_a_pass_that_failed_shows_what_failed_and_text_what_ran(shapetrace, tmp_path):
    code = "from torch import nn\nNet = nn.Sequential(nn.Linear(8, 16), nn.Linear(8, 4))\n"
    (tmp_path / "net.py").write_text(code, encoding="utf-8")
    for name, said in (("failed.svg", "where the pass failed"), ("ran.json", "[3,8]×[8,16]→[3,16]")):
        shapetrace("diagram", f"{tmp_path / 'net.py'}:Net", "--input", "3x8", "--out", tmp_path / name, code=1)
        assert said in (tmp_path / name).read_text(encoding="utf-8")
