"""Two models side by side, as a grid of what differs, and as JSON."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from html import escape
from typing import Any

from shapetrace.comparing import summarising
from shapetrace.comparing.structure import Change, Comparison, Side, Total
from shapetrace.drawing.opposing import titled
from shapetrace.drawing.wording import Words
from shapetrace.errors import UsageError
from shapetrace.language import say
from shapetrace.renderers import FOR_PEOPLE, grid_renderer
from shapetrace.renderers.failures import printable
from shapetrace.renderers.grid import Cell, Column, Grid
from shapetrace.renderers.markdown import escaped
from shapetrace.renderers.numbers import exact, short
from shapetrace.renderers.phrasing import ENGLISH, equation_in
from shapetrace.renderers.table import wrapped

FORMATS = ("table", "markdown", "json", "csv", "html")

_SIGNS = {"added": "+", "removed": "−", "changed": "~", "same": " "}
_LONGEST_NAME = 32


def render(comparison: Comparison, name: str, *, strict: bool = True, words: Words = ENGLISH, **options: Any) -> str:
    """Write a comparison.

    Args:
        comparison: Two outlines, aligned.
        name: One of ``FORMATS``.
        strict: False to count, and not to list, steps that multiply nothing and differ because products do.
        words: The language, if the format is one for people.
        options: Passed on to the format: ``width`` and ``color`` of the table.

    Raises:
        UsageError: If there is no such format.
    """
    check_format(name)
    if name == "json":
        return _json(comparison)
    words = words if name in FOR_PEOPLE else ENGLISH
    shown = grid(comparison, strict=strict, words=words)
    body = grid_renderer(name)(shown, **options) if shown.rows or name == "csv" else ""
    lines = [f"{comparison.left} ↔ {comparison.right}", *summary(comparison, strict=strict, words=words)]
    return _head(lines, name, options, above=bool(shown.rows)) + body


def _head(lines: Sequence[str], name: str, options: Mapping[str, Any], *, above: bool) -> str:
    """The verdict, above the grid if there is one; a format for programs has none."""
    if name == "markdown":
        return "".join(f"{escaped(line)}  \n" for line in lines) + "\n"
    if name == "html":
        return "".join(f"<p>{escape(line)}</p>\n" for line in lines)
    if name == "csv":
        return ""
    width = int(options.get("width", 100))
    wrapped_lines = [part for line in lines for part in wrapped(printable(line), width)]
    return "\n".join(wrapped_lines) + "\n" + ("\n" if above else "")


def check_format(name: str, known: Sequence[str] = FORMATS) -> None:
    """Refuse a format before anything is traced.

    Raises:
        UsageError: If there is no such format.
    """
    if name not in known:
        raise UsageError(f"no format {name!r} of a comparison: choose one of {', '.join(known)}")


def grid(comparison: Comparison, *, strict: bool = True, words: Words = ENGLISH) -> Grid:
    """What differs, with the sections around it; what is equal is only counted."""
    return Grid(_columns(comparison, words), tuple(_rows(comparison, strict, words)))


def _columns(comparison: Comparison, words: Words) -> tuple[Column, ...]:
    left, right = (
        printable(name) if len(name) <= _LONGEST_NAME else words.say(side)
        for name, side in ((comparison.left, "left"), (comparison.right, "right"))
    )
    return (
        Column("sign", " "),
        Column("step", words.say("step")),
        Column("left", left),
        Column("right", right),
        Column("parameters", words.say("parameters"), "right", spare=2),
        Column("flops", words.say("FLOPs"), "right", spare=1),
    )


def summary(comparison: Comparison, *, strict: bool = True, words: Words = ENGLISH) -> Iterator[str]:
    """What is equal and what is not, in lines of words; the verdict first."""
    yield words.told(summarising.verdict(comparison))
    if cause := summarising.settings(comparison):
        yield words.told(say("settings that differ: {settings}", settings=cause))
    yield " · ".join(_total(total, words) for total in summarising.totals(comparison))
    yield from map(words.told, summarising.forms(comparison, strict=strict))


def _total(total: Total, words: Words) -> str:
    number = short if "FLOPs" in total.name or "bytes" in total.name else exact
    name = words.say(total.name)
    if total.left == total.right:
        return f"{name} {number(total.left)}"
    growth = summarising.growth(total)
    return f"{name} {number(total.left)} → {number(total.right)}" + (f" ({growth})" if growth else "")


def _rows(comparison: Comparison, strict: bool, words: Words) -> Iterator[tuple[Cell, ...]]:
    told: set[int] = set()
    for heads, change in comparison.listed_inside(strict=strict):
        if not change.differs:
            continue
        for head in (*heads, change):
            if id(head) not in told and (head is change or head.section):
                told.add(id(head))
                yield _row(head, words, sign="" if head.differs else " ")


def _row(change: Change, words: Words, sign: str = "") -> tuple[Cell, ...]:
    titles = dict.fromkeys(titled(side.title, words) for side in (change.left, change.right) if side)
    title = "  " * change.depth + (" → ".join(titles) if not change.section else [*titles][-1])
    return (
        sign or _SIGNS[change.status],
        title,
        _written(change.left, words),
        _written(change.right, words),
        _pair(change, "parameters"),
        _pair(change, "flops"),
    )


def _written(side: Side | None, words: Words) -> str:
    if side is None:
        return "–"
    times = side.stack if side.equation else side.repeat
    return (equation_in(words, side.equation) or side.place) + (f" ×{times}" if times > 1 else "")


def _pair(change: Change, name: str) -> str:
    number = exact if name == "parameters" else short
    left, right = (getattr(side, name) or 0 if side else 0 for side in (change.left, change.right))
    if left == right:
        return number(left) if left else "–"
    return f"{number(left) if left else '–'} → {number(right) if right else '–'}"


def _json(comparison: Comparison) -> str:
    document = {
        "left": comparison.left,
        "right": comparison.right,
        "equal": not comparison.differs(),
        "products_equal": comparison.products_equal,
        "settings": [{"name": name, "left": a, "right": b} for name, a, b in comparison.settings],
        "totals": [asdict(total) for total in comparison.totals],
        "changes": [_change(change) for change in comparison.changes if change.status != "same"],
    }
    return json.dumps(document, ensure_ascii=False, indent=1) + "\n"


def _change(change: Change) -> dict[str, Any]:
    return {
        name: value
        for name, value in asdict(replace(change, steps=(None, None))).items()
        if name not in {"steps", "inside"}
    }
