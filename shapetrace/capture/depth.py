"""Room on Python's stack: hooks make a module call take four frames where it took three."""

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_lock = threading.Lock()
_running = 0
_limit_before = 0


@contextmanager
def room_for_hooks() -> Iterator[None]:
    """A model that nests as deep as Python lets it run untraced runs in the block too."""
    global _running, _limit_before  # noqa: PLW0603 - the limit itself is one a process: several traces share it
    with _lock:
        if _running == 0:
            _limit_before = sys.getrecursionlimit()
            sys.setrecursionlimit(_limit_before * 3 // 2 + 100)
        _running += 1
    try:
        yield
    finally:
        with _lock:
            _running -= 1
            if _running == 0:
                sys.setrecursionlimit(_limit_before)
