"""Shapes that a file holds: a snapshot that people read, or a whole trace; and what differs from them."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from shapetrace.api import Trace
from shapetrace.comparing import compare, compare_outlines, reading, snapshots
from shapetrace.comparing.structure import Comparison
from shapetrace.errors import UsageError
from shapetrace.loading import load_pass
from shapetrace.outlining.structure import Outline
from shapetrace.writing import write

SUFFIXES = (".txt", ".json", ".json.gz")
"""A snapshot, and traces."""


def is_trace(path: Path) -> bool:
    """Whether a file of that name holds a trace, not a snapshot."""
    return path.name.lower().endswith(SUFFIXES[1:])


def checked_name(name: str) -> Path:
    """The path of a file that holds shapes.

    Raises:
        UsageError: If its suffix is none of such files.
    """
    if not name.lower().endswith(SUFFIXES):
        raise UsageError(f"got {name or 'no file'}, expected a file of shapes: shapetrace check shapes.txt MODEL")
    return Path(name)


@dataclass(frozen=True)
class Named:
    """A snapshot with names: it holds for any size of the input.

    Attributes:
        outline: Its shapes at the sizes that the input had.
        inputs: Those.
    """

    outline: Outline
    inputs: Mapping[str, int]


def hold(trace: Trace, path: Path, *, command: str = "", named: bool = False) -> None:
    """Write the shapes of a pass.

    Args:
        trace: The pass.
        path: A snapshot (``.txt``), or a trace (``.json``, ``.json.gz``).
        command: How a snapshot was made, for those who read it.
        named: Whether what depends on the input is written as names, where the trace has them.

    Raises:
        UsageError: If it cannot be written there.
    """
    if is_trace(path):
        trace.save(path)
    else:
        write(path, snapshots.written(trace.outline(), command, trace.sizes if named else None))


def held(path: Path) -> Trace | Outline | Named:
    """What a file holds.

    Raises:
        UsageError: If it is neither a snapshot nor a trace.
    """
    if is_trace(path):
        return load_pass(path)
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"cannot read {path}: {getattr(error, 'strerror', '') or 'it is not UTF-8'}") from error
    outline, inputs = reading.read(text, str(path)), reading.inputs_of(text)
    return Named(outline, inputs) if inputs else outline


def compared(before: Trace | Outline | Named, trace: Trace, name: str) -> Comparison:
    """What differs between the shapes that a file holds and those of a pass.

    Args:
        before: What `held` gave.
        trace: The pass; with names of its sizes, if the file has names.
        name: Of the file.

    Raises:
        UsageError: If the file has names, and the pass has none.
    """
    names = name, trace.model.name
    if isinstance(before, Trace):
        return compare(before, trace, names=names)
    if isinstance(before, Named):
        if trace.sizes is None:
            raise UsageError(f"{name} has names of sizes, and this pass has none: compare it with shapetrace check")
        text = snapshots.written(trace.outline(), sizes=trace.sizes)
        return compare_outlines(before.outline, reading.read(text, "this pass", before.inputs), names=names)
    same_words = reading.read(snapshots.written(trace.outline()), "the snapshot of this pass")
    return compare_outlines(before, same_words, names=names)
