"""Programs of npm and pip that slow tests use, gotten once and kept beside each other."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

KEPT = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "shapetrace-tests"
needs_npm = pytest.mark.skipif(shutil.which("npm") is None, reason="no npm on this system")


def run(folder: Path, *words: object, env: Mapping[str, str] | None = None) -> None:
    """Run a program to its end, which has to be a good one."""
    found = subprocess.run(
        list(map(str, words)), cwd=folder, env={**os.environ, **(env or {})},
        check=False, capture_output=True, encoding="utf-8",
    )  # fmt: skip
    assert found.returncode == 0, found.stdout + found.stderr


@contextmanager
def site_of_npm(name: str, versions: dict[str, str]) -> Iterator[Path]:
    """A site below the folder of its program, which npm gets the first time."""
    kept = KEPT / name
    wanted = json.dumps({"name": name, "private": True, "dependencies": versions})
    if not (kept / "done").is_file():
        kept.mkdir(parents=True, exist_ok=True)
        (kept / "package.json").write_text(wanted, encoding="utf-8")
        run(kept, "npm", "install", "--no-audit", "--no-fund")
        (kept / "done").touch()
    with TemporaryDirectory(dir=kept) as site:
        (Path(site) / "package.json").write_text(wanted, encoding="utf-8")
        yield Path(site)


def environment(name: str, *packages: str) -> Path:
    """The folder of programs of an environment of its own, into which pip installs packages the first time."""
    kept = KEPT / name
    if not (kept / "done").is_file():
        run(Path.cwd(), sys.executable, "-m", "venv", kept)
        run(Path.cwd(), kept / "bin" / "python", "-m", "pip", "install", "-q", *packages)
        (kept / "done").touch()
    return kept / "bin"
