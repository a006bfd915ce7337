"""Two models side by side, as a grid of what differs."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from shapetrace.comparing import summarising
from shapetrace.comparing.structure import Change, Comparison, Quantity, Side, Total
from shapetrace.drawing.kinds.pairing import titled
from shapetrace.drawing.wording import ENGLISH, Words
from shapetrace.formats.equations import equation_in
from shapetrace.formats.grid import Cell, Column, Grid
from shapetrace.formats.numbers import exact, short
from shapetrace.language import printable, say
from shapetrace.outlining.structure import Operand, Step

_SIGNS = {"added": "+", "removed": "−", "changed": "~", "same": " "}
_LONGEST_NAME = 32
_NOTHING = "–"


def compared(comparison: Comparison, words: Words = ENGLISH, *, strict: bool = True, below: bool = False) -> Grid:
    """What differs, with the sections around it; what is equal is only counted, in the lines above.

    Args:
        comparison: Two outlines, aligned.
        words: The language.
        strict: False to count, and not to list, steps that multiply nothing and differ because products do.
        below: True to write the right side below the left one, in the same cell.
    """
    above = (f"{comparison.left} ↔ {comparison.right}", *summary(comparison, strict=strict, words=words))
    found = list(_rows(comparison, strict, words))
    rows = [_below(row) if below else row.cells for row in found]
    columns = _columns(comparison, words, below)
    if found and all(row.flops == (_NOTHING, _NOTHING) for row in found):
        columns, rows = columns[:-1], [row[:-1] for row in rows]
    return Grid(columns, tuple(rows), above=above)


@dataclass(frozen=True, slots=True)
class _Row:
    """One row of a comparison: its sign, its title, and for each column the words of both sides."""

    sign: str
    title: str
    shapes: tuple[str, str]
    parameters: tuple[str, str]
    flops: tuple[str, str]

    @property
    def cells(self) -> tuple[Cell, ...]:
        """Both shapes in a column each; a number that is equal once."""
        numbers = (" → ".join(dict.fromkeys(pair)) for pair in (self.parameters, self.flops))
        return self.sign, self.title, *self.shapes, *numbers


def _below(row: _Row) -> tuple[Cell, ...]:
    """The left side above the right one, each with its sign; once where both are equal."""
    if row.shapes[0] == row.shapes[1]:
        shapes = f"  {row.shapes[0]}".rstrip()
    else:
        shapes = "\n".join(f"{sign} {side}" for sign, side in zip("−+", row.shapes, strict=True) if side != _NOTHING)
    numbers = ("\n".join(dict.fromkeys(pair)) for pair in (row.parameters, row.flops))
    if _NOTHING in row.shapes:  # one side alone has numbers
        numbers = (next((side for side in pair if side != _NOTHING), _NOTHING) for pair in (row.parameters, row.flops))
    return row.sign, row.title, shapes, *numbers


def _columns(comparison: Comparison, words: Words, below: bool) -> tuple[Column, ...]:
    left, right = (
        printable(name) if len(name) <= _LONGEST_NAME else words.say(side)
        for name, side in ((comparison.left, "left"), (comparison.right, "right"))
    )
    sides = (Column("left", left), Column("right", right))
    return (
        Column("sign", " "),
        Column("step", words.say("step")),
        *((Column("shapes", f"− {left}\n+ {right}"),) if below else sides),
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


def _rows(comparison: Comparison, strict: bool, words: Words) -> Iterator[_Row]:
    told: set[int] = set()
    for heads, change in comparison.listed_inside(strict=strict):
        if not change.differs:
            continue
        for head in (*heads, change):
            if id(head) not in told and (head is change or head.section):
                told.add(id(head))
                yield _row(head, words, sign="" if head.differs else " ")


def _row(change: Change, words: Words, sign: str = "") -> _Row:
    titles = dict.fromkeys(titled(side, words) for side in (change.left, change.right) if side)
    title = "  " * change.depth + (" → ".join(titles) if not change.section else [*titles][-1])
    return _Row(
        sign or _SIGNS[change.status],
        title,
        _shapes(change, words),
        _pair(change, "parameters"),
        _pair(change, "flops"),
    )


def _shapes(change: Change, words: Words) -> tuple[str, str]:
    """Both equations; where they look equal and are not, with what tells them apart."""
    left, right = (
        _written(side, step, words) for side, step in zip((change.left, change.right), change.steps, strict=True)
    )
    if change.differs and left == right:
        more = _distinctions(change, words)
        left, right = ("   ".join(filter(None, pair)) for pair in zip((left, right), more, strict=True))
    return left, right


def _written(side: Side | None, step: Step | None, words: Words) -> str:
    if side is None:
        return _NOTHING
    times = side.stack if step else side.repeat
    return (equation_in(words, step) if step else side.place) + (f" ×{times}" if times > 1 else "")


def _pair(change: Change, name: str) -> tuple[str, str]:
    number = exact if name == "parameters" else short
    left, right = (getattr(side, name) or 0 if side else 0 for side in (change.left, change.right))
    return (number(left) if left else _NOTHING), (number(right) if right else _NOTHING)


def _distinctions(change: Change, words: Words) -> tuple[str, str]:
    """Words for each side of a step that both have: (``K ×32``, ``K ×8``); empty if there is nothing to add."""
    left, right = change.steps
    if left is None or right is None or change.left is None or change.right is None:
        return "", ""
    facts = [*_facts(left, right, words)]
    numbers = change.left.parameters, change.right.parameters
    if numbers[0] != numbers[1]:
        facts.append(tuple(words.say("{n} parameters", n=exact(n)) for n in numbers))
    told = list(dict.fromkeys(facts))
    return ", ".join(pair[0] for pair in told), ", ".join(pair[1] for pair in told)


def _facts(left: Step, right: Step, words: Words) -> Iterator[tuple[str, ...]]:
    if left.function != right.function and left.function and right.function:
        yield words.say(left.function), words.say(right.function)
    sides = [(*step.operands, *step.results) for step in (left, right)]
    for place, (a, b) in enumerate(zip(*sides, strict=False)):
        name = a.name or b.name or f"[{','.join(map(str, a.shape))}]"
        if (a.stack, a.stack_axes) != (b.stack, b.stack_axes) and not _told(sides, place):
            yield f"{name} ×{a.stack}", f"{name} ×{b.stack}"
        if a.role != b.role:
            yield tuple(f"{name}: {words.say(side.role)}" for side in (a, b))
        if a.transposed != b.transposed:
            yield tuple(f"{name}: {words.say('turned' if side.transposed else 'as stored')}" for side in (a, b))


def _told(sides: Sequence[Sequence[Operand]], place: int) -> bool:
    """Whether the stack is the largest on both sides: that is written behind the equation."""
    return all(side[place].stack == max(operand.stack for operand in side) for side in sides) and (
        sides[0][place].stack != sides[1][place].stack
    )
