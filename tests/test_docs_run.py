"""Every block of the documents is run, compared or read by a test; one that is not says why above it."""

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

import shapetrace
from shapetrace.cli import main as command_line
from shapetrace.cli.format_options import loaded
from tests.documents import ROOT, Block, blocks, mentioned

ELSEWHERE = {
    ("README.md", "console"): "tests/test_docs.py",
    ("README.md", "python"): "tests/test_docs.py",
    ("README.md", ""): "tests/test_docs.py",  # the tree of files
    ("docs/sites.md", "yaml"): "tests/documenting/test_sites.py",
    ("docs/sites.md", "md"): "tests/documenting/test_sites.py",
    ("docs/sites.md", "python"): "tests/documenting/test_sites.py",
    ("docs/sites.md", "rst"): "tests/documenting/test_sites.py",
}
"""Blocks that another file runs."""
TAKEN = {
    "sh", "md", "toml", "diff", "json", ("docs/ci.md", ""), ("docs/ci.md", "python"), ("docs/ci.md", "yaml"),
    ("README.md", "text"), ("docs/failures.md", "text"),
}  # fmt: skip
"""Languages, or one of a document, whose blocks the tests below take."""

MODEL = """
import torch
class MyModel(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.emb, self.head = torch.nn.Embedding(9, 8), torch.nn.Linear(8, 9)
    def forward(self, x):
        return self.head(self.emb(x))
def make_model():
    return MyModel()
def make_inputs():
    return torch.zeros(1, 128, dtype=torch.int64)
"""
NET = """
import torch
class Net(torch.nn.Sequential):
    def __init__(self):
        super().__init__(torch.nn.Conv2d(3, 4, 3), torch.nn.Flatten(), torch.nn.Linear(4 * 30 * 30, 9))
"""
TWICE = """
import os, sys, pytest
for update in ("1", ""):
    os.environ["SHAPETRACE_UPDATE"] = update
    if pytest.main(["-q", "-p", "no:cacheprovider", "test_mine.py"]):
        sys.exit(f"with SHAPETRACE_UPDATE={update} it fails")
"""
"""Writes the snapshot of a test, then compares with it."""
CHANGES_AN_ENVIRONMENT = ("pip", "make")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the files that the documents name, as a user has them."""
    for name, text in {
        "model.py": MODEL, "package/module.py": MODEL, "net.py": NET,
        "path/to/config.json": '{"model_type": "gpt2", "n_layer": 2}',
    }.items():  # fmt: skip
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    trace = shapetrace.preset("gpt2", seq=8, layers=2)
    (tmp_path / "traces").mkdir()
    trace.save(tmp_path / "trace.json")
    trace.save(tmp_path / "traces" / "mine.json.gz")
    for name in ("templates", "docs"):
        (tmp_path / name).symlink_to(ROOT / name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("webbrowser.open", lambda _address: True)
    monkeypatch.setattr(sys, "path", [*sys.path])
    return tmp_path


@pytest.fixture
def runs(folder, monkeypatch, capsys) -> Callable[[str], None]:
    """Runs a line of a shell in the folder: ``shapetrace`` in this process."""

    def run(line: str) -> None:
        words = shlex.split(line, comments=True)
        if not words or words[0] in CHANGES_AN_ENVIRONMENT:
            return
        if words[0] != "shapetrace":
            subprocess.run(words, check=True)
            return
        words, target = (words[:-2], words[-1]) if words[-2:-1] == [">"] else (words, "")
        monkeypatch.setattr("sys.argv", words)
        with pytest.raises(SystemExit) as ended:
            command_line.main()
        out, err = capsys.readouterr()
        told = [int(code) for code in re.findall(r"exit code (\d)", line)]
        assert ended.value.code in (told or [0, 1] if words[1] == "diff" else [0]), f"{line}\n{err}"
        if target:
            Path(target).write_text(out, encoding="utf-8")

    return run


def in_python(*words: object, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *map(str, words)], stdin=subprocess.DEVNULL, check=False, capture_output=True,
        encoding="utf-8", env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
    )  # fmt: skip


def named(found: list[Block]) -> list[object]:
    return [pytest.param(block, id=f"{block.document}: {block.text.splitlines()[0][:40]}") for block in found]


def test_no_block_is_left_out_without_a_reason():
    for block in blocks():
        taken = block.language in TAKEN or (block.document, block.language) in TAKEN | set(ELSEWHERE)
        assert taken != bool(block.why_not), f"{block.document}: {block.text[:60]}"
    assert [block.document for block in blocks() if block.why_not] == ["docs/architecture.md"]
    assert all((ROOT / file).exists() for file in ELSEWHERE.values())


@pytest.mark.filterwarnings("ignore")  # those of models of transformers
@pytest.mark.parametrize("block", named(blocks("sh")))
def test_every_command_of_a_shell_block_runs(block, runs):
    for line in block.text.splitlines():
        runs(line)


def test_what_changes_an_environment_is_run_elsewhere():
    text = "".join(block.text for block in blocks("sh"))
    targets = set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    words = {word for line in re.findall(r"^make (.*?)(?:#.*)?$", text, re.MULTILINE) for word in line.split()}
    assert {word for word in words if "=" not in word} <= targets
    assert re.findall(r"^pip .*?(?= +#|$)", text, re.MULTILINE) == ["pip install ."]  # tests/test_install.py does it


def is_complete(command: str) -> bool:
    """Whether nothing in it stands for something else, and it does more than name a command."""
    stands_for = r"\[?[A-Z]+(\.md)?\]*|\.\.\."
    words = command.split()
    return len(words) > 2 and words[1] != "mcp" and not any(re.fullmatch(stands_for, word) for word in words)


def marked(command: str) -> object:
    return pytest.param(command, marks=[pytest.mark.slow] if "--tp" in command else [])


@pytest.mark.parametrize("command", [marked(each) for each in mentioned() if is_complete(each)])
def test_a_command_within_a_sentence_runs(command, runs):
    if command.startswith("shapetrace embed"):  # the posts of this repository stay as they are
        command += " --check"
    elif command.startswith("shapetrace check"):
        runs(command.replace("check", "check --update"))
    elif command.startswith("shapetrace diagram") and "--out" not in command:
        command += " --out figures"
    runs(command)


@pytest.mark.parametrize("command", [each for each in mentioned() if not is_complete(each)])
def test_a_command_with_placeholders_has_these_options(command):
    name, *words = command.split()[1:]
    if not name.startswith("-") and name != "COMMAND":
        found = {option for parameter in loaded(name).params for option in parameter.opts}
        assert {word for word in words if word.startswith("--")} <= found


@pytest.mark.parametrize("block", named([each for each in blocks("md") if each.document != "docs/sites.md"]))
def test_every_marker_of_a_post_is_drawn(block, runs, folder):
    (folder / "post.md").write_text(f"# T\n\n{block.text}", encoding="utf-8")
    runs("shapetrace embed post.md")
    runs("shapetrace embed --check post.md")
    assert len(list(folder.glob("post*"))) == 2


def test_the_failing_example_says_what_the_documents_show(folder):
    shown, explained = (each.text for each in blocks("text") if not each.why_not)
    (example,) = [each.text for each in blocks("python") if "shapetrace.explain()" in each.text]
    Path("train.py").write_text(f"import torch\nimport shapetrace\n\n{example}", encoding="utf-8")
    assert in_python("train.py").stdout == shown
    for line, said in zip(shown.splitlines(), explained.splitlines(), strict=True):
        assert said.startswith(line)


def test_the_theme_of_the_document_is_one(runs, folder):
    (theme,) = blocks("toml")
    (folder / "warm.toml").write_text(theme.text, encoding="utf-8")
    runs(re.search(r"shapetrace .*", theme.text)[0])
    assert "#ffedd5" in (folder / "warm" / "mlp.svg").read_text(encoding="utf-8")


def test_the_changes_of_a_snapshot_are_what_is_shown(runs, folder):
    (shown,) = blocks("diff")
    for name, heads in (("before.txt", 12), ("after.txt", 6)):
        runs(f"shapetrace check --update {name} --seq 64 --kv-heads {heads}")
    before, after = ((folder / name).read_text(encoding="utf-8").splitlines() for name in ("before.txt", "after.txt"))
    for line in shown.text.splitlines():
        here, there = (before, after) if line.startswith("-") else (after, before)
        assert line == "@@" or (line[1:] in here and line[1:] not in there)


def test_a_snapshot_with_names_has_the_lines_that_are_shown(runs, folder):
    (shown,) = [each for each in blocks("") if each.document == "docs/ci.md"]
    runs("shapetrace check --update named.txt --seq 64 --dims names")
    assert set(shown.text.splitlines()) <= set((folder / "named.txt").read_text(encoding="utf-8").splitlines())


def test_the_workflow_and_the_hook_run_what_they_name(runs):
    workflow, hooks = (yaml.safe_load(each.text) for each in blocks("yaml") if each.document == "docs/ci.md")
    (step,) = [each for each in workflow["jobs"]["shapes"]["steps"] if "shapetrace" in each["uses"]]
    action = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
    assert set(step["with"]) <= set(action["inputs"])
    runs(f"shapetrace check --update {step['with']['snapshot']} {step['with']['model']}")
    (hook,) = hooks["repos"][0]["hooks"]
    runs(hook["entry"])
    assert re.search(hook["files"], "model.py")


def test_the_test_of_the_document_passes(folder):
    (block,) = [each for each in blocks("python") if each.document == "docs/ci.md"]
    (folder / "test_mine.py").write_text(block.text, encoding="utf-8")
    done = in_python("-c", TWICE)
    assert done.returncode == 0, done.stdout
    assert (folder / "shapes" / "test_mine.test_the_shapes_of_my_model.txt").exists()


def test_the_configuration_of_a_client_starts_the_server(folder):
    (block,) = blocks("json")
    (server,) = json.loads(block.text)["mcpServers"].values()
    assert server["command"] == "shapetrace"
    done = in_python("-m", "shapetrace", *server["args"])
    assert (done.returncode, done.stderr) == (0, "")
