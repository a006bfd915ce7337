"""Two models side by side, as a grid of what differs."""

from collections.abc import Iterator

from shapetrace.comparing import summarising
from shapetrace.comparing.structure import Change, Comparison, Quantity, Side, Total
from shapetrace.drawing.kinds.pairing import titled
from shapetrace.drawing.wording import Words
from shapetrace.formats.equations import equation_in
from shapetrace.formats.failures import printable
from shapetrace.formats.grid import Cell, Column, Grid
from shapetrace.formats.numbers import exact, short
from shapetrace.formats.phrasing import ENGLISH
from shapetrace.language import say
from shapetrace.outlining.structure import Step

_SIGNS = {"added": "+", "removed": "−", "changed": "~", "same": " "}
_LONGEST_NAME = 32


def compared(comparison: Comparison, words: Words = ENGLISH, *, strict: bool = True) -> Grid:
    """What differs, with the sections around it; what is equal is only counted, in the lines above.

    Args:
        comparison: Two outlines, aligned.
        words: The language.
        strict: False to count, and not to list, steps that multiply nothing and differ because products do.
    """
    above = (f"{comparison.left} ↔ {comparison.right}", *summary(comparison, strict=strict, words=words))
    return Grid(_columns(comparison, words), tuple(_rows(comparison, strict, words)), above=above)


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
    number = short if total.of in {Quantity.FLOPS, Quantity.ACTIVATION_BYTES} else exact
    name = words.say(total.of)
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
    titles = dict.fromkeys(titled(side, words) for side in (change.left, change.right) if side)
    title = "  " * change.depth + (" → ".join(titles) if not change.section else [*titles][-1])
    return (
        sign or _SIGNS[change.status],
        title,
        *(_written(side, step, words) for side, step in zip((change.left, change.right), change.steps, strict=True)),
        _pair(change, "parameters"),
        _pair(change, "flops"),
    )


def _written(side: Side | None, step: Step | None, words: Words) -> str:
    if side is None:
        return "–"
    times = side.stack if step else side.repeat
    return (equation_in(words, step) if step else side.place) + (f" ×{times}" if times > 1 else "")


def _pair(change: Change, name: str) -> str:
    number = exact if name == "parameters" else short
    left, right = (getattr(side, name) or 0 if side else 0 for side in (change.left, change.right))
    if left == right:
        return number(left) if left else "–"
    return f"{number(left) if left else '–'} → {number(right) if right else '–'}"
