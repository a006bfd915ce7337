from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from shapetrace.cli import main as command_line


@dataclass(frozen=True)
class Result:
    """What a command wrote."""

    out: str
    err: str


@pytest.fixture
def shapetrace(capsys, monkeypatch) -> Callable[..., Result]:
    """Run a command in this process: what it wrote, and its exit code as expected."""

    def run(*words: str | Path, code: int = 0, columns: int = 120) -> Result:
        monkeypatch.setattr("sys.argv", ["shapetrace", *map(str, words)])
        monkeypatch.setenv("COLUMNS", str(columns))
        with pytest.raises(SystemExit) as ended:
            command_line.main()
        out, err = capsys.readouterr()
        assert ended.value.code == code, err
        return Result(out, err)

    for name in ("NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    return run
