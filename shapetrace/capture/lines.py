"""Which line of model code made a call."""

import contextlib
import functools
import os
import sys
from pathlib import Path
from types import FrameType, TracebackType

import torch
import typing_extensions

_LIBRARY_FOLDERS = tuple(
    str(each.parent) + os.sep for path in (torch.__file__, __file__) for each in (Path(path), Path(path).resolve())
)
"""As they were imported and as they lie on the disk: an environment may be behind a link."""
_CAPTURE = str(Path(__file__).with_name("forward.py"))
"""Where a model is called from: a model without code of its own has no line."""
_WRAPPERS = (functools.__file__, contextlib.__file__, typing_extensions.__file__)
"""Decorators of functions: what they wrap is the code that was meant."""


def calling_line() -> str:
    """``file.py:12 in Block.forward``: the innermost frame outside of torch and of the recorder."""
    frame: FrameType | None = sys._getframe(2)
    while frame is not None and _is_library(frame.f_code.co_filename):
        frame = None if frame.f_code.co_filename == _CAPTURE else frame.f_back  # who traces is no model
    return "" if frame is None else _written(frame.f_code.co_filename, frame.f_lineno, frame.f_code.co_qualname)


def failing_line(traceback: TracebackType | None) -> str:
    """The innermost line of the user's own code in a traceback: outside of torch and of installed packages.

    Falls back on the innermost line outside of torch.
    """
    outside = own = ""
    while traceback is not None:
        code = traceback.tb_frame.f_code
        if not _is_library(code.co_filename):
            outside = _written(code.co_filename, traceback.tb_lineno, code.co_qualname)
            if f"site-packages{os.sep}" not in code.co_filename and not code.co_filename.startswith("<"):
                own = outside
        traceback = traceback.tb_next
    return own or outside


@functools.cache
def _is_library(filename: str) -> bool:
    return filename.startswith((*_LIBRARY_FOLDERS, "<frozen")) or filename in _WRAPPERS


@functools.lru_cache(maxsize=4096)
def _written(filename: str, line: int, function: str) -> str:
    return f"{_short(filename)}:{line} in {function}"


@functools.cache
def _short(filename: str) -> str:
    """The path as an import would find it: the same on every machine."""
    folders = [str(Path(folder).absolute()) + os.sep for folder in ("", *sys.path) if Path(folder).is_dir()]
    inside = [folder for folder in folders if filename.startswith(folder)]
    return filename.removeprefix(max(inside, key=len)) if inside else Path(filename).name
