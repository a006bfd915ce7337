"""How costs grow, as a table, and as lines in a terminal."""

from collections.abc import Sequence
from math import log10

from shapetrace.drawing.wording import Words
from shapetrace.formats.grid import Cell, Column, Grid
from shapetrace.formats.numbers import exact, short
from shapetrace.formats.summary import part_named
from shapetrace.outlining.growing import Crossing, Growth

_HEIGHT = 12
_GAP = 2


def growth_table(grown: Growth, title: str, words: Words) -> Grid:
    """One line for each value: FLOPs by what they are for, bytes of activations, cache and weights."""
    parts = {name: part_named(words, name) if name not in _OWN else words.say(name) for name in grown.flops}
    columns = [Column("value", grown.symbol, "right"), Column("flops", words.say("FLOPs"), "right", 0, True)]
    columns += [Column(f"{name}_flops", label, "right", 0 if name in _SHOWN else 2, True)
                for name, label in parts.items()]  # fmt: skip
    columns.append(Column("attention_share", words.say("attention's share"), "right", 1))
    series = {"activations": grown.activations, "cache": grown.cache, "weights": grown.weights}
    kept = {name: values for name, values in series.items() if values is not None}
    columns += [Column(f"{name}_bytes", words.say(name), "right", 0, True, "B") for name in kept]
    rows: list[tuple[Cell, ...]] = []
    for i, value in enumerate(grown.values):
        flops = {name: values[i] for name, values in grown.flops.items()}
        whole = sum(flops.values())
        share = f"{100 * flops.get('attention', 0) / whole:.1f} %" if whole else "–"
        rows.append((value, whole, *flops.values(), share, *(values[i] for values in kept.values())))
    formulas = [f"{words.say(name)} = {formula}" for name, formula in grown.formulas.items()]
    notes = [sentence(each, grown.symbol, words) for each in grown.crossings]
    return Grid(tuple(columns), tuple(rows), title, (*notes, *formulas))


_SHOWN = frozenset({"attention", "MLP"})
_OWN = frozenset({"attention", "projections", "other"})


def sentence(crossing: Crossing, symbol: str, words: Words) -> str:
    """``attention costs more than the MLP from T = 12,289 on``."""
    one, other = words.say(crossing.cost), words.say(crossing.other)
    if crossing.at is None:
        return words.say("{one} never outgrows {other} along {symbol}", one=one, other=other, symbol=symbol)
    return words.say(
        "{one} outgrows {other} from {symbol} = {n} on", one=one, other=other, symbol=symbol, n=exact(crossing.at)
    )


def plot(grown: Growth, words: Words, *, log: bool, width: int) -> str:
    """Lines of characters: each cost by the first letter of its name, larger values above."""
    series = {name: values for name, values in grown.flops.items() if name in {"attention", "projections", "MLP"}}
    if not series or len(grown.values) < 2:
        return ""
    scale = (lambda value: log10(max(value, 1))) if log else float
    highest = max(scale(value) for values in series.values() for value in values)
    lowest = min(scale(value) for values in series.values() for value in values) if log else 0.0
    label = max(len(short(value)) for values in series.values() for value in values)
    room = max(len(grown.values) * 2, min(width, 90) - label - _GAP - 2)
    step = (room - 1) / (len(grown.values) - 1)
    rows = [[" "] * room for _ in range(_HEIGHT)]
    for name, values in series.items():
        for i, value in enumerate(values):
            share = (scale(value) - lowest) / ((highest - lowest) or 1)
            rows[round((1 - share) * (_HEIGHT - 1))][round(i * step)] = name[0].upper()
    ends = [short(max(v for values in series.values() for v in values)), *[""] * (_HEIGHT - 2)]
    ends.append(short(min(v for values in series.values() for v in values)) if log else "0")
    lines = [f" {end:>{label}} ┤{''.join(row).rstrip()}" for end, row in zip(ends, rows, strict=True)]
    lines.append(" " * (label + _GAP) + "└" + "─" * room)
    lines.append(_axis(grown.values, label + _GAP + 1, room, grown.symbol))
    names = "   ".join(f"{name[0].upper()} {words.say(name)}" for name in series)
    return "\n".join([f" {words.say('FLOPs')}   {names}", *lines])


def _axis(values: Sequence[int], indent: int, room: int, symbol: str) -> str:
    first, last = f"{symbol} = {exact(values[0])}", exact(values[-1])
    return " " * indent + first + last.rjust(max(len(last) + 1, room - len(first)))
