"""Ctrl-C while a pass is recorded: at once in the model's code, a moment later in the recorder's own."""

import contextlib
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

import torch

_OURS = str(Path(__file__).parent)
_BETWEEN = (str(Path(torch.__file__).parent), contextlib.__file__)
"""Code that runs for whoever called it."""


class _Waiting:
    """The Ctrl-C that came while the recorder's own code ran; one a process, as signals are.

    Attributes:
        came: Whether there is one.
        n_running: Blocks that run, one inside the other.
    """

    came = False
    n_running = 0


def deliver() -> None:
    """Raise what waits: called where nothing of the recorder's is half done.

    Raises:
        KeyboardInterrupt: If Ctrl-C was pressed.
    """
    if _Waiting.came and threading.current_thread() is threading.main_thread():
        _Waiting.came = False
        raise KeyboardInterrupt


@contextlib.contextmanager
def interruptible() -> Iterator[None]:
    """Ctrl-C in the block never stops the recorder between two of its own lines: what it set up is always taken down.

    Where Ctrl-C means something of its own (a handler that is not Python's), and in other threads, nothing changes.
    """
    usual = signal.default_int_handler
    if threading.current_thread() is not threading.main_thread() or signal.getsignal(signal.SIGINT) not in (
        usual,
        _handle,
    ):
        yield
        return
    try:
        _Waiting.n_running += 1
        signal.signal(signal.SIGINT, _handle)
        yield
    finally:
        _Waiting.n_running -= 1
        if not _Waiting.n_running:
            signal.signal(signal.SIGINT, usual)
            deliver()


def _handle(number: int, frame: FrameType | None) -> None:
    while frame is not None and frame.f_code.co_filename.startswith(_BETWEEN):
        frame = frame.f_back
    if frame is not None and frame.f_code.co_filename.startswith(_OURS):
        _Waiting.came = True
    else:
        signal.default_int_handler(number, frame)
