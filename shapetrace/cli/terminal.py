"""The terminal: how wide it is, whether it takes colour, and what goes to stderr."""

import io
import os
import shutil
import sys
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TextIO

_PIPE_WIDTH = 120


def prepare() -> None:
    """Make both streams take any character: shapes have × and →, names are the user's."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="replace")


def width() -> int:
    """Characters a line: the terminal's, ``COLUMNS``, or 120 for a pipe."""
    return max(shutil.get_terminal_size((_PIPE_WIDTH, 40)).columns, 20)


def takes_color(stream: TextIO) -> bool:
    """True for a terminal, unless ``NO_COLOR`` is set; ``FORCE_COLOR`` says yes to a pipe."""
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return False
    return bool(os.environ.get("FORCE_COLOR")) or stream.isatty()


def show(text: str) -> None:
    """Write the result to stdout as it is."""
    sys.stdout.write(text if text.endswith("\n") else f"{text}\n")
    sys.stdout.flush()


def say(sentence: str) -> None:
    """Write a line to stderr: everything that is not the result."""
    sys.stderr.write(f"{sentence}\n")
    sys.stderr.flush()


def fail(message: str) -> None:
    """Write ``error: ...`` to stderr, on one line."""
    label = "\x1b[1;31merror:\x1b[0m" if takes_color(sys.stderr) else "error:"
    readable = "".join(character if character.isprintable() else " " for character in message)
    say(f"{label} {' '.join(readable.split())}")


def tracing(model: str, n_passes: int = 1) -> AbstractContextManager[None]:
    """`waiting` for passes of a model; "" is the reference model."""
    return waiting(f"tracing {model or 'the reference model'}" + (f", {n_passes} passes" if n_passes > 1 else ""))


@contextmanager
def waiting(sentence: str) -> Iterator[None]:
    """Tell on stderr what is being done if it takes longer than a second; the line goes when it is done."""
    if not sys.stderr.isatty():
        yield
        return
    line = f"{sentence} …"
    shown: list[str] = []

    def show_line() -> None:
        shown.append(line)
        sys.stderr.write(line)
        sys.stderr.flush()

    timer = threading.Timer(1.0, show_line)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()
        if shown:
            sys.stderr.write(f"\r{' ' * len(line)}\r")
            sys.stderr.flush()
