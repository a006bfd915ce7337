"""Room on Python's stack: hooks make a module call take four frames where it took three."""

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_lock = threading.Lock()
_running: set[object] = set()
_limit_before = 0


@contextmanager
def room_for_hooks() -> Iterator[None]:
    """A model that nests as deep as Python lets it run untraced runs in the block too.

    Ctrl-C may come between any two lines: each can be undone at any point, and undone twice.
    """
    global _limit_before  # noqa: PLW0603 - the limit itself is one a process: several traces share it
    trace = object()
    try:
        with _lock:
            if not _running:
                _limit_before = sys.getrecursionlimit()
            _running.add(trace)
            sys.setrecursionlimit(_limit_before * 3 // 2 + 100)
        yield
    finally:
        with _lock:
            _running.discard(trace)
            if not _running and _limit_before:
                sys.setrecursionlimit(_limit_before)
