import pytest

MODEL = """
import torch

class Net(torch.nn.Module):
    def __init__(self, width=4):
        super().__init__()
        self.up, self.down = torch.nn.Linear(8, width), torch.nn.Linear(width, 8)

    def forward(self, x):
        return self.down(self.up(x).relu())

def wider():
    return Net(6)

class Renamed(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.net = Net()

    def forward(self, x):
        return self.net(x)
"""


@pytest.fixture(params=[".txt", ".json"])
def held(request, shapetrace, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.py").write_text(MODEL, encoding="utf-8")
    name = f"shapes{request.param}"
    said = shapetrace("check", name, "net.py:Net", "--input", "x=2x8", "--update")
    assert f"wrote {name}" in said.err
    return tmp_path / name


def test_a_model_that_is_as_it_was_passes_in_silence(held, shapetrace):
    said = shapetrace("check", held, "net.py:Net", "--input", "x=2x8")
    assert said.out == ""
    assert "has the shapes of" in said.err


def test_other_shapes_exit_1_with_the_differences(held, shapetrace):
    before = held.read_bytes()
    said = shapetrace("check", held, "net.py:wider", "--input", "x=2x8", code=1)
    assert "[2,8]×[8,4]→[2,4]" in said.out
    assert "[2,8]×[8,6]→[2,6]" in said.out
    assert "--update" in said.err
    assert held.read_bytes() == before


def test_update_writes_the_new_shapes(held, shapetrace):
    assert "→" in shapetrace("check", held, "net.py:wider", "--input", "x=2x8", "--update").out
    shapetrace("check", held, "net.py:wider", "--input", "x=2x8")


def test_names_count_unless_they_are_ignored(held, shapetrace):
    shapetrace("check", held, "net.py:Renamed", "--input", "x=2x8", code=1)
    shapetrace("check", held, "net.py:Renamed", "--input", "x=2x8", "--ignore", "kernels,names")
    assert "cannot ignore size" in shapetrace("check", held, "net.py:Net", "--ignore", "size", code=2).err


def test_a_forward_that_fails_exits_1_and_is_explained(held, shapetrace):
    said = shapetrace("check", held, "net.py:Net", "--input", "x=2x9", code=1)
    assert "9 ≠ 8" in said.out


def test_differences_and_failures_are_told_in_the_language(held, shapetrace):
    assert "乘积或参数不同" in shapetrace("check", held, "net.py:wider", "--input", "x=2x8", "--lang", "zh", code=1).out
    assert "可行的做法：" in shapetrace("check", held, "net.py:Net", "--input", "x=2x9", "--lang", "zh", code=1).out
    assert "no labels" in shapetrace("check", held, "net.py:Net", "--input", "x=2x8", "--lang", "tlh", code=2).err


def test_what_is_no_trace_exits_2(held, shapetrace):
    assert "expected a file of shapes" in shapetrace("check", "gpt2", "gpt2", code=2).err
    assert "--update writes" in shapetrace("check", held.parent / "missing.json", "net.py:Net", code=2).err


def test_another_activation_is_another_step(held, shapetrace):
    (held.parent / "net.py").write_text(MODEL.replace(".relu()", ".sigmoid()"), encoding="utf-8")
    said = shapetrace("check", held, "net.py:Net", "--input", "x=2x8", code=1)
    assert "ReLU → Sigmoid" in said.out
    shapetrace("check", held, "net.py:Net", "--input", "x=2x8", "--ignore", "kernels,names", code=1)
    shapetrace("check", held, "net.py:Net", "--input", "x=2x8", "--ignore", "kernels,names,steps")


@pytest.fixture
def named(shapetrace, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.py").write_text(MODEL, encoding="utf-8")
    shapetrace("check", "shapes.txt", "gpt2", "--layers", "2", "--seq", "64", "--update", "--dims", "names")
    return tmp_path / "shapes.txt"


@pytest.mark.parametrize("size", [("--seq", "48"), ("--batch", "3", "--seq", "64"), ("--batch", "2", "--seq", "7")])
def test_shapes_with_names_hold_for_any_batch_and_length(size, named, shapetrace):
    assert "[B,T,768] × w[768,64]×12 → [B,T,64]×12" in named.read_text(encoding="utf-8")
    said = shapetrace("check", named, "gpt2", "--layers", "2", *size)
    assert "has the shapes of" in said.err


@pytest.mark.parametrize("change", [("--heads", "8"), ("--d-ff", "1536"), ("--layers", "3"), ("--vocab", "50000")])
def test_shapes_with_names_hold_for_no_other_model(change, named, shapetrace):
    said = shapetrace("check", named, "gpt2", "--layers", "2", "--seq", "48", *change, code=1)
    assert "differs from" in said.err


def test_an_update_keeps_names_unless_numbers_are_asked_for(named, shapetrace):
    before = named.read_text(encoding="utf-8")
    shapetrace("check", named, "gpt2", "--layers", "2", "--seq", "48", "--update")
    after = named.read_text(encoding="utf-8")
    assert "inputs: B = 1, T = 48" in after
    assert before.partition("\n\n")[2] == after.partition("\n\n")[2]
    shapetrace("check", named, "gpt2", "--layers", "2", "--seq", "48", "--update", "--dims", "numbers")
    assert "inputs:" not in named.read_text(encoding="utf-8")


def test_the_inputs_of_a_module_have_names(named, shapetrace):
    (named.parent / "net.txt").unlink(missing_ok=True)
    shapetrace("check", "net.txt", "net.py:Net", "--input", "x=2x8", "--update", "--dims", "names")
    shapetrace("check", "net.txt", "net.py:Net", "--input", "x=5x8")
    shapetrace("check", "net.txt", "net.py:wider", "--input", "x=5x8", code=1)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("shapes.txt", "gpt2", "--dims", "names"), "--dims says what is written: add --update"),
        (("other.json", "gpt2", "--dims", "names", "--update"), "expected a snapshot for --dims names"),
        (("shapes.txt", "gpt2", "--dims", "both", "--update"), "expected numbers or names"),
    ],
)
def test_names_that_cannot_be_written_are_told(words, told, named, shapetrace):
    said = shapetrace("check", *words, code=2)
    assert told in said.err


@pytest.mark.parametrize("size", ["Q", "B·", "1/0·B", "B/7"])
def test_a_size_that_is_none_is_told_with_its_line(size, named, shapetrace):
    text = named.read_text(encoding="utf-8")
    named.write_text(text.replace("[B,T,3072]", f"[{size},T,3072]", 1), encoding="utf-8")
    said = shapetrace("check", named, "gpt2", "--layers", "2", code=2)
    assert f"{size!r} is no size of the inputs B, T" in said.err
