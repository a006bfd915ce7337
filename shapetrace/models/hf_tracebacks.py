"""Where a model raised: the functions that were running, and the statements that they ran."""

import linecache
import traceback
from types import FrameType


def running(error: BaseException) -> list[tuple[FrameType, str]]:
    """Functions and their statements, innermost first; those of shapetrace are left out."""
    summaries = traceback.extract_tb(error.__traceback__)
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
    pairs = [(frame, statement(each)) for frame, each in zip(frames, summaries, strict=True)]
    return [pair for pair in reversed(pairs) if not _is_ours(pair[0])]


def statement(summary: traceback.FrameSummary) -> str:
    """The whole of a statement, in one line."""
    first = summary.lineno or 0
    lines = (linecache.getline(summary.filename, number) for number in range(first, (summary.end_lineno or first) + 1))
    return " ".join(line.strip() for line in lines)


def before_raise(error: BaseException) -> str:
    """The lines above the innermost statement, if that is a ``raise``."""
    last = traceback.extract_tb(error.__traceback__)[-1:]
    if not last or last[0].lineno is None or not (last[0].line or "").startswith("raise"):
        return ""
    numbers = range(max(1, last[0].lineno - 4), last[0].lineno)
    return " ".join(linecache.getline(last[0].filename, number) for number in numbers)


def _is_ours(frame: FrameType) -> bool:
    return str(frame.f_globals.get("__name__", "")).partition(".")[0] == __name__.partition(".")[0]
