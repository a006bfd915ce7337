"""The GitHub Action and the pre-commit hooks: their commands, run as they are written."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from shapetrace.cli.main import app

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where a pull request is checked out, with ``shapetrace`` on the path."""
    program = tmp_path / "bin" / "shapetrace"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m shapetrace "$@"\n')
    program.chmod(0o755)
    return tmp_path


def environment(folder: Path, **more: str) -> dict[str, str]:
    path = f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}"
    files = {name: str(folder / name.lower()) for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY")}
    return {**os.environ, "PATH": path, "PYTHONPATH": str(ROOT), **files, **more}


def checked(folder: Path, model: str) -> dict[str, str]:
    """What the step that checks puts out."""
    (step,) = (each for each in action()["runs"]["steps"] if each.get("id") == "check")
    (folder / "github_output").unlink(missing_ok=True)
    subprocess.run(
        ["bash", "-e", "-c", step["run"]], cwd=folder, check=True,
        env=environment(folder, SNAPSHOT="shapes.txt", MODEL=model),
    )  # fmt: skip
    return dict(line.split("=", 1) for line in (folder / "github_output").read_text().splitlines())


def action() -> Any:
    return yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))


def test_the_action_tells_same_differs_and_failed(folder: Path) -> None:
    program = str(folder / "bin" / "shapetrace")
    subprocess.run([program, "check", "shapes.txt", "gpt2", "--seq", "8", "--update"], cwd=folder, check=True,
                   env=environment(folder))  # fmt: skip
    assert checked(folder, "gpt2 --seq 8") == {"verdict": "same", "code": "0"}
    assert checked(folder, "--seq 8 --d-ff 1024") == {"verdict": "differs", "code": "1"}
    comment = (folder / "comment.md").read_text(encoding="utf-8")
    assert "differs" in comment and "3,072 → 1,024" in comment and "Expand" in comment
    assert (folder / "shapes.svg").read_text(encoding="utf-8").startswith("<svg")
    assert checked(folder, "no-such-model")["verdict"] == "failed"
    assert "no-such-model" in (folder / "comment.md").read_text(encoding="utf-8")


def test_every_hook_is_a_command_that_exists() -> None:
    commands = {command.name or command.callback.__name__ for command in app.registered_commands if command.callback}
    hooks = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
    assert [hook["entry"].split()[1] in commands for hook in hooks] == [True, True]
