"""Shapes held by a test: ``assert_shapes(model, x)`` compares with a snapshot beside the test file."""

import inspect
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from shapetrace.api import Trace, load, trace
from shapetrace.comparing import USUALLY, compare, to_ignore
from shapetrace.formats import table
from shapetrace.formats.contract import Options

if TYPE_CHECKING:
    import torch

UPDATE = "SHAPETRACE_UPDATE"
"""Environment variable: snapshots are written, not compared."""

_WIDTH = 110


def assert_shapes(
    model: "torch.nn.Module",
    /,
    *args: Any,
    snapshot: str | Path | None = None,
    ignore: Sequence[str] = USUALLY,
    **kwargs: Any,
) -> Trace:
    """Run ``model(*args, **kwargs)`` and fail if its shapes are not those of the snapshot.

    The snapshot is a trace file, ``shapes/TEST_FILE.TEST_NAME.json`` beside the test. With ``SHAPETRACE_UPDATE=1`` in
    the environment it is written. Two calls in one test need names of their own.

    Args:
        model: Any module.
        args: Its positional inputs.
        snapshot: Another file, or a name instead of the test's; a relative path starts at the test file's folder.
        ignore: Differences that do not count: ``steps``, ``names``, ``kernels``.
        kwargs: Its keyword inputs.

    Returns:
        The trace, for further assertions.

    Raises:
        AssertionError: If there is no snapshot, or the shapes differ; the message is the comparison.
        Exception: What the model raises, with an explanation as a note.
    """
    ignored = to_ignore(ignore)
    caller = inspect.stack()[1]
    path = _path(Path(caller.filename), caller.function, snapshot)
    found = trace(model, *args, **kwargs)
    if os.environ.get(UPDATE, "0") not in {"", "0"}:
        found.save(path)
        return found
    if not path.exists():
        raise AssertionError(f"no snapshot {path}: run the test once with {UPDATE}=1, and commit the file")
    difference = compare(load(path), found, names=(path.name, found.model.name))
    if difference.differs(ignored):
        shown = table.render_comparison(difference, Options(width=_WIDTH, strict=True))
        raise AssertionError(f"shapes differ; if that is meant, run the test with {UPDATE}=1\n\n{shown}")
    return found


def _path(file: Path, function: str, snapshot: str | Path | None) -> Path:
    if snapshot is not None and Path(snapshot).suffix in {".json", ".gz"}:
        return file.parent / snapshot
    name = str(snapshot) if snapshot is not None else _test_name() or function
    return file.parent / "shapes" / f"{file.stem}.{re.sub(r'[^A-Za-z0-9_.-]+', '-', name).strip('-')}.json"


def _test_name() -> str:
    """The running test with its parameters, as pytest says: ``tests/test_net.py::test_net[8] (call)``."""
    return os.environ.get("PYTEST_CURRENT_TEST", "").rpartition(" ")[0].partition("::")[2]
