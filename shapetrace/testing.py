"""Shapes held by a test: ``assert_shapes(model, x)`` compares with a snapshot beside the test file."""

import inspect
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from shapetrace.api import Trace, trace
from shapetrace.comparing import USUALLY, to_ignore
from shapetrace.formats import table
from shapetrace.formats.contract import Options
from shapetrace.holding import SUFFIXES, compared, held, hold

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

    The snapshot is a text, ``shapes/TEST_FILE.TEST_NAME.txt`` beside the test; a trace of that name (``.json``) will do
    too. With ``SHAPETRACE_UPDATE=1`` in the environment it is written. Two calls in one test need names of their own.

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
    __tracebackhide__ = True  # pytest shows the test and the message
    ignored = to_ignore(ignore)
    caller = inspect.stack()[1]
    path = _path(Path(caller.filename), caller.function, snapshot)
    found = trace(model, *args, **kwargs)
    if os.environ.get(UPDATE, "0") not in {"", "0"}:
        hold(found, path)
        return found
    if not path.exists():
        raise AssertionError(f"no snapshot {path}: run the test once with {UPDATE}=1, and commit the file")
    difference = compared(held(path), found, path.name)
    if difference.differs(ignored):
        shown = table.render_comparison(difference, Options(width=_WIDTH, strict=True))
        raise AssertionError(f"shapes differ; if that is meant, run the test with {UPDATE}=1\n\n{shown}")
    return found


def _path(file: Path, function: str, snapshot: str | Path | None) -> Path:
    if snapshot is not None and str(snapshot).endswith(SUFFIXES):
        return file.parent / snapshot
    name = str(snapshot) if snapshot is not None else _test_name() or function
    stem = f"{file.stem}.{re.sub(r'[^A-Za-z0-9_.-]+', '-', name).strip('-')}"
    made = [file.parent / "shapes" / f"{stem}{suffix}" for suffix in SUFFIXES]
    return next((path for path in made if path.exists()), made[0])


def _test_name() -> str:
    """The running test with its parameters, as pytest says: ``tests/test_net.py::test_net[8] (call)``."""
    return os.environ.get("PYTEST_CURRENT_TEST", "").rpartition(" ")[0].partition("::")[2]
