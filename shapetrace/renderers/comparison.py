"""Two models side by side, as a grid of what differs, and as JSON."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from html import escape
from typing import Any

from shapetrace.comparing.structure import Change, Comparison, Side
from shapetrace.errors import UsageError
from shapetrace.renderers import grid_renderer
from shapetrace.renderers.failures import printable
from shapetrace.renderers.grid import Cell, Column, Grid
from shapetrace.renderers.markdown import escaped
from shapetrace.renderers.numbers import exact, short
from shapetrace.renderers.table import wrapped

FORMATS = ("table", "markdown", "json", "csv", "html")

_SIGNS = {"added": "+", "removed": "−", "changed": "~", "same": " "}
_COLUMNS = (
    Column("sign", " "),
    Column("step", "step"),
    Column("left", "left"),
    Column("right", "right"),
    Column("parameters", "parameters", "right", spare=2),
    Column("flops", "FLOPs", "right", spare=1),
)
_MOST_NAMES = 3


def render(comparison: Comparison, name: str, **options: Any) -> str:
    """Write a comparison.

    Args:
        comparison: Two outlines, aligned.
        name: One of ``FORMATS``.
        options: Passed on to the format: ``width`` and ``color`` of the table.

    Raises:
        UsageError: If there is no such format.
    """
    check_format(name)
    if name == "json":
        return _json(comparison)
    shown = grid(comparison)
    if shown.rows or name == "csv":
        return _head(comparison, name, options) + grid_renderer(name)(shown, **options)
    return _head(comparison, name, options)


def _head(comparison: Comparison, name: str, options: Mapping[str, Any]) -> str:
    """The verdict, above the grid; a format for programs has none."""
    lines = [f"{comparison.left} ↔ {comparison.right}", *summary(comparison)]
    if name == "markdown":
        return "".join(f"{escaped(line)}  \n" for line in lines) + "\n"
    if name == "html":
        return "".join(f"<p>{escape(line)}</p>\n" for line in lines)
    if name == "csv":
        return ""
    width = int(options.get("width", 100))
    wrapped_lines = [part for line in lines for part in wrapped(printable(line), width)]
    return "\n".join(wrapped_lines) + "\n" + ("\n" if grid(comparison).rows else "")


def check_format(name: str) -> None:
    """Refuse a format before anything is traced.

    Raises:
        UsageError: If there is no such format.
    """
    if name not in FORMATS:
        raise UsageError(f"no format {name!r} of a comparison: choose one of {', '.join(FORMATS)}")


def grid(comparison: Comparison) -> Grid:
    """What differs, with the sections around it; what is equal is only counted."""
    return Grid(_COLUMNS, tuple(_rows(comparison)))


def summary(comparison: Comparison) -> Iterator[str]:
    """What is equal and what is not, in lines of words; the verdict first."""
    if comparison.products_equal:
        yield f"the products are equal ({exact(comparison.n_products)} of {exact(comparison.n_products)})"
    else:
        yield f"{exact(comparison.n_in('products'))} products or parameters differ"
    yield " · ".join(_total(total.name, total.left, total.right) for total in comparison.totals)
    if n := comparison.n_in("steps"):
        yield f"other steps that differ: {exact(n)}"
    yield from _names(comparison)
    if not comparison.differs(()):
        yield "nothing differs"


def _total(name: str, left: int, right: int) -> str:
    number = short if "FLOPs" in name or "bytes" in name else exact
    if left == right:
        return f"{name} {number(left)}"
    change = f" ({100 * (right - left) / left:+.1f} %)" if left else ""
    return f"{name} {number(left)} → {number(right)}{change}"


def _names(comparison: Comparison) -> Iterator[str]:
    """Names that differ, in one line: there are many, and they matter least."""
    differ = [change for change in comparison.changes if "names" in change.aspects and change.left and change.right]
    pairs = list(dict.fromkeys(_renamed(change) for change in differ))
    if pairs:
        shown = ", ".join(f"{left} → {right}" for left, right in pairs[:_MOST_NAMES])
        yield f"names that differ: {exact(len(pairs))} ({shown}{', …' if len(pairs) > _MOST_NAMES else ''})"
    if n := comparison.n_in("kernels"):
        yield f"kernels that differ: in {exact(n)} steps"


def _renamed(change: Change) -> tuple[str, str]:
    left, right = change.left or Side("", ""), change.right or Side("", "")
    return (left.path, right.path) if left.path != right.path else (left.title, right.title)


def _rows(comparison: Comparison) -> Iterator[tuple[Cell, ...]]:
    heads: list[Change] = []
    told: set[int] = set()
    for change in comparison.changes:
        del heads[change.depth :]
        if change.section:
            heads.append(change)
        if not _shown(change):
            continue
        for head in (*heads, change):
            if id(head) not in told and (head is change or head.section):
                told.add(id(head))
                yield _row(head, sign="" if _shown(head) else " ")


def _shown(change: Change) -> bool:
    """Names and kernels alone are told in one line below."""
    return change.status in {"added", "removed"} or bool({"products", "steps"} & set(change.aspects))


def _row(change: Change, sign: str = "") -> tuple[Cell, ...]:
    side = change.right or change.left
    title = "  " * change.depth + (side.title if side else "")
    return (
        sign or _SIGNS[change.status],
        title,
        _written(change.left),
        _written(change.right),
        _pair(change, "parameters"),
        _pair(change, "flops"),
    )


def _written(side: Side | None) -> str:
    if side is None:
        return "–"
    times = side.stack if side.equation else side.repeat
    return (side.equation or side.path.strip("<>")) + (f" ×{times}" if times > 1 else "")


def _pair(change: Change, name: str) -> str:
    number = exact if name == "parameters" else short
    left, right = (getattr(side, name) if side else None for side in (change.left, change.right))
    if left == right:
        return number(left) if left else "–"
    return f"{number(left) if left else '–'} → {number(right) if right else '–'}"


def _json(comparison: Comparison) -> str:
    document = {
        "left": comparison.left,
        "right": comparison.right,
        "equal": not comparison.differs(),
        "products_equal": comparison.products_equal,
        "totals": [asdict(total) for total in comparison.totals],
        "changes": [asdict(change) for change in comparison.changes if change.status != "same"],
    }
    return json.dumps(document, ensure_ascii=False, indent=1) + "\n"
