import csv
import io
import json
import re

import pytest
from rich.cells import cell_len

TINY = ("--d-model", "8", "--heads", "2", "--layers", "3", "--vocab", "16", "--seq", "5")


def test_the_table_of_gpt2_small_is_true(shapetrace):
    out = shapetrace("run", "--d-model", "768", "--heads", "12", columns=200).out
    for equation in (
        "[1024,768]×[768,64]→[1024,64]", "[1024,64]×[64,1024]→[1024,1024]", "[1024,1024]×[1024,64]→[1024,64]",
        "[1024,768]×[768,768]→[1024,768]", "[1024,768]×[768,3072]→[1024,3072]", "[1024,3072]×[3072,768]→[1024,768]",
        "[1024,768]×[768,50257]→[1024,50257]",
    ):  # fmt: skip
        assert equation in out
    for title in ("Query", "Key", "Value"):
        assert re.search(rf"{title} .*\[1024,768]×\[768,64]→\[1024,64] +×12 +590,592 +1.21 G", out), title
    assert "GPT-2 small" in out
    assert "124,439,808 parameters" in out
    assert "291.65 GFLOPs in products" in out
    assert "×12" in out


def test_batch_and_heads_make_the_stack(shapetrace):
    out = shapetrace("run", "--batch", "4", "--seq", "16", columns=200).out
    assert "[4,16,768]" in out
    assert "[16,64]×[64,16]→[16,16]" in out
    assert "×4·12" in out


@pytest.mark.parametrize("name", ["json", "csv", "markdown"])
def test_programs_get_the_same_rows(shapetrace, name):
    steps = json.loads(shapetrace("run", *TINY, "-f", "json").out)["steps"]
    out = shapetrace("run", *TINY, "-f", name).out
    assert all(step["equation"] in out for step in steps)
    if name == "csv":
        assert [row["id"] for row in csv.DictReader(io.StringIO(out))] == [step["id"] for step in steps]


def test_a_saved_trace_gives_the_same_table(shapetrace, tmp_path):
    path = tmp_path / "trace.json"
    first = shapetrace("run", *TINY, "--save", path).out
    assert shapetrace("run", path).out == first


def test_sections_and_depth_narrow_the_table(shapetrace):
    assert "Expand" not in shapetrace("run", *TINY, "--section", "attention").out
    assert (
        shapetrace("run", *TINY, "--section", "h.2.attn").out == shapetrace("run", *TINY, "--section", "h.0.attn").out
    )
    assert "Query" not in shapetrace("run", *TINY, "--depth", "0").out
    assert "no section 'nope'" in shapetrace("run", *TINY, "--section", "nope", code=2).err


def test_raw_operations_come_with_their_kernels(shapetrace):
    rows = json.loads(shapetrace("run", *TINY, "--ops", "-f", "json").out)
    linear = next(row for row in rows if row["name"] == "linear")
    assert "addmm" in linear["kernels"]
    part = json.loads(shapetrace("run", *TINY, "--ops", "--section", "mlp", "-f", "json").out)
    assert {row["path"].split(".")[2] for row in part} == {"mlp"}


def test_words_stand_beside_the_rows_and_ids_are_not_made_up(shapetrace):
    document = json.loads(shapetrace("run", *TINY[:-2], "--text", "The capital of France is", "-f", "json").out)
    assert document["model"]["tokens"] == ["The", "capital", "of", "France", "is"]
    equations = [step["equation"] for step in document["steps"]]
    assert any(re.fullmatch(r"\[5]→rows of \[16,8]→\[5,8]", equation) for equation in equations)
    assert equations[-1] in {"[8]×[8,16]→[16]", "[1,8]×[8,16]→[1,16]"}


def test_given_ids_are_padded(shapetrace):
    out = shapetrace("run", "--tokens", "2238,295,3361,318", "--pad", "1024", columns=200).out
    assert "[4]→rows of [50257,768]→[4,768]" in out
    assert "[1024,768]×[768,64]→[1024,64]" in out
    assert re.search(r"\[(1,)?768]×\[768,50257]→\[(1,)?50257]", out)
    assert "2238 295 3361 318" in out


WRONG = {
    ("--d-model", "770", "--heads", "12"): "d_model 770 is not divisible by 12 heads.* such as 7, 10, 11, 14",
    ("--heads", "many"): "--heads",
    ("--norm", "batch"): "--norm",
    ("--no-such",): "No such option",
    ("gpt-9",): "no preset 'gpt-9'",
    ("nothing.json",): "cannot read nothing.json: No such file",
    ("nothing.py:model",): "no file nothing.py",
    ("nothing.py",): "no file nothing.py",
    (__file__,): "name the model in it, .*test_run.py:NAME",
    ("nothing.json", "--heads", "2"): "--heads has no meaning for nothing.json",
    ("gpt2", "--input", "x=1x2"): "--input has no meaning",
    ("--tokens", "a,b"): "--tokens is 'a,b': expected ids",
    ("--text", " "): "--text has no words",
    ("--text", ""): "--text has no words",
    ("--text", "a b", "--tokens", "1"): "2 words, --tokens 1 ids",
    ("--text", "a b", "--seq", "7"): "--seq and a text of 2 tokens",
    ("--tokens", "99999999"): "not in the vocabulary",
    ("--tokenizer", "none.json", "--text", "a"): "no file none.json",
    ("--format", "docx"): "choose one of table, markdown, csv, json, html",
    ("--device", "moon"): "device is 'moon'",
}


@pytest.mark.parametrize("words", WRONG, ids=" ".join)
def test_a_wrong_request_is_one_line_and_exit_2(shapetrace, words):
    result = shapetrace("run", *words, code=2)
    assert result.out == ""
    assert re.match(rf"error: .*{WRONG[words]}", result.err)
    assert result.err.count("\n") == 1


def test_a_file_of_code_without_a_name_is_not_run_and_its_classes_are_told(shapetrace, tmp_path):
    (tmp_path / "net.py").write_text("raise SystemExit\n\n\nclass Net: ...\n\n\nclass Other: ...\n", encoding="utf-8")
    result = shapetrace("run", tmp_path / "net.py", "--input", "1x2", code=2)
    assert result.err.endswith(f"name the model in it, {tmp_path}/net.py:Net or {tmp_path}/net.py:Other\n")


@pytest.mark.parametrize("columns", [80, 120])
def test_the_table_is_in_chinese(shapetrace, columns):
    out = shapetrace("run", *TINY, "--lang", "zh", columns=columns).out
    assert "3 层 · d_model 8 · 2 个注意力头" in out
    assert "meta：不做数值计算" in out
    assert "注意力分数" in out
    assert "[5]→查表 [16,8]→[5,8]" in out
    assert re.search(r"步骤 .*形状 .*头数 .*参数量? .*FLOPs", out)
    assert "个参数   嵌入层" in out
    assert "覆盖：" in out
    assert "未计入 FLOPs：" in out
    assert not re.search(r"Query|Residual|heads|parameters|coverage", out)


def test_markdown_and_raw_operations_are_in_chinese(shapetrace):
    assert "| 步骤 | 模块 | 形状 |" in shapetrace("run", *TINY, "--lang", "zh", "-f", "markdown").out
    out = shapetrace("run", *TINY, "--lang", "zh", "--ops", columns=200).out
    assert re.search(r"编号 +运算 +模块 +输入 +输出 +内核", out)
    assert re.search(r"[\d]+ 次运算，\d+ 个内核", out)
    assert "linear" in out


@pytest.mark.parametrize("name", ["json", "csv"])
@pytest.mark.parametrize("more", [(), ("--ops",)])
def test_programs_get_english_in_every_language(shapetrace, name, more):
    words = ("run", *TINY, *more, "-f", name)
    assert shapetrace(*words, "--lang", "zh").out == shapetrace(*words).out


def test_a_language_of_the_user_is_one_file(shapetrace, tmp_path):
    (tmp_path / "labels").mkdir()
    (tmp_path / "labels" / "de.toml").write_text('[phrases]\n"Query" = "Anfrage"\n"parameters" = "Gewichte"\n')
    out = shapetrace("run", *TINY, "--lang", "de", "--templates", tmp_path).out
    assert "Anfrage" in out
    assert "Gewichte" in out
    assert "Key" in out


def test_an_unknown_language_is_told_before_the_model_runs(shapetrace, tmp_path):
    model = tmp_path / "model.py"
    model.write_text("raise SystemExit('it ran')\n")
    for words in (("run", f"{model}:Net"), ("diff", f"{model}:Net", "gpt2")):
        said = shapetrace(*words, "--lang", "tlh", code=2)
        assert said.err == "error: no labels for the language 'tlh'; there are en, zh\n"
        assert said.out == ""
    missing = tmp_path / "missing"
    said = shapetrace("run", f"{model}:Net", "--templates", missing, code=2)
    assert said.err == f"error: there is no folder {missing} of templates\n"


FAILING = """
import torch


class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1, self.fc2 = torch.nn.Linear(512, 768), torch.nn.Linear(512, 10)

    def forward(self, x):
        return self.fc2(self.fc1(x).relu())
"""


@pytest.mark.parametrize("columns", [50, 80, 120])
def test_a_failure_is_explained_in_chinese_within_its_frame(shapetrace, tmp_path, columns):
    (tmp_path / "model.py").write_text(FAILING)
    words = ("run", f"{tmp_path / 'model.py'}:Net", "--input", "4x512", "--lang", "zh")
    lines = shapetrace(*words, columns=columns, code=1).out.splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith(" ╭─ fc2 (Linear 512→10) 中的 linear 失败 ─"))
    assert len({cell_len(line) for line in lines[start:]}) == 1
    assert cell_len(lines[start]) <= columns
    assert any("可行的做法：" in line for line in lines[start:])
    assert "**fc2 (Linear 512→10) 中的 linear 失败**" in shapetrace(*words, "-f", "markdown", code=1).out
