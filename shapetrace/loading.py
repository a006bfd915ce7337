"""Reading what was saved: a trace, or the passes of a generation."""

from pathlib import Path
from typing import TYPE_CHECKING

from shapetrace.api import Trace
from shapetrace.errors import UsageError

if TYPE_CHECKING:
    from shapetrace.generations.decoding import Generation


def load(path: str | Path) -> "Trace | Generation":
    """Read a trace that ``Trace.save`` or ``shapetrace run --save`` wrote, or a generation.

    Raises:
        UsageError: If it is no sound trace, and no sound generation.
    """
    from shapetrace.generations import files
    from shapetrace.serialize import content, format_of, from_json

    data = content(Path(path))
    if format_of(data) == files.FORMAT:
        return files.read(data, str(path))
    trace = Trace.of(from_json(data, str(path)))
    object.__setattr__(trace, "_source", str(path))  # for errors that only its meaning shows
    return trace


def load_pass(path: str | Path) -> Trace:
    """Read a trace of one pass.

    Raises:
        UsageError: If it is no sound trace, or holds a generation.
    """
    found = load(path)
    if not isinstance(found, Trace):
        raise UsageError(
            f"{path} holds the {len(found.passes)} passes of a generation: run, diagram and explore show them; "
            "a trace of one pass is written by run MODEL --save"
        )
    return found
