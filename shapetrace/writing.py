"""Files written whole or not at all."""

import os
from pathlib import Path

from shapetrace.errors import UsageError


def write(path: Path, content: str | bytes) -> None:
    """Write a file so that a reader sees the old content or the new one, never a part.

    Missing folders are made. A device or pipe (``/dev/stdout``) is written to as it is. What UTF-8 cannot hold
    becomes a question mark.

    Raises:
        UsageError: If it cannot be written there.
    """
    data = content.encode("utf-8", errors="replace") if isinstance(content, str) else content
    try:
        if path.exists() and not path.is_file():
            with path.open("wb") as stream:
                stream.write(data)
        else:
            _replace(path.resolve(), data)
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror or error}") from error


def make_folder(path: Path) -> None:
    """Make a folder and those above it, if they are missing.

    Raises:
        UsageError: If it cannot be made, or if a file has its name.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except FileExistsError as error:
        raise UsageError(f"cannot make the folder {path}: a file has this name") from error
    except OSError as error:
        raise UsageError(f"cannot make the folder {path}: {error.strerror or error}") from error


def _replace(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name[:100]}.{os.getpid()}.part")
    try:
        with part.open("wb") as stream:
            stream.write(data)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
