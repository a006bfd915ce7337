"""What helps show: examples that run, on a screen of 80 columns."""

import shlex

import pytest
from rich.cells import cell_len

from shapetrace.cli.examples import EXAMPLES
from shapetrace.cli.main import app
from shapetrace.models.toys import TOYS

LINES = sorted({line for name, lines in EXAMPLES.items() if name != "mcp" for line, _ in lines})
NET = """
import torch
class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = torch.nn.Conv2d(3, 4, 3)
    def forward(self, x):
        return self.conv(x).flatten(1).sum()
"""


@pytest.mark.parametrize("line", LINES)
def test_every_example_of_a_help_runs(line, shapetrace, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.py").write_text(NET, encoding="utf-8")
    (tmp_path / "post.md").write_text("<!-- shapetrace: toy:mha -->\n", encoding="utf-8")
    words = shlex.split(line)
    assert words[0] == "shapetrace"
    if words[1] in {"check", "embed"} and words[-1] != "--update":  # the one before it makes the file
        shapetrace(*(word for word in words[1:] if word != "--check"), *(["--update"] if words[1] == "check" else []))
    shapetrace(*words[1:], code=1 if words[1] == "diff" and "hf:gpt2" not in words else 0)


@pytest.mark.parametrize("command", ["", *sorted(EXAMPLES.keys() - {""})])
def test_every_help_ends_with_examples_and_fits_80_columns(command, shapetrace):
    shown = shapetrace(*filter(None, [command]), "--help", columns=80).out
    assert max(cell_len(line) for line in shown.splitlines()) <= 80
    for line, why in EXAMPLES[command]:
        assert line in shown
        assert why in shown


def test_every_command_has_examples():
    names = {info.name or info.callback.__name__ for info in app.registered_commands}
    assert names == EXAMPLES.keys() - {""}


def test_without_a_command_the_help_is_shown_and_nothing_failed(shapetrace):
    said = shapetrace()
    assert "Examples:" in said.out
    assert said.err == ""


def test_toys_are_listed_where_a_model_is_asked_for(shapetrace):
    shown = shapetrace("run", "--help", columns=100).out
    assert all(f"toy:{name}" in shown for name in TOYS)
