"""How costs grow along one size: a line for each cost, and a mark where one passes another."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from math import log2, log10

from shapetrace.drawing.look import Look
from shapetrace.drawing.metrics import shortened
from shapetrace.drawing.primitives import Circle, Figure, Group, Line, Mark, Rect, Span, Text
from shapetrace.drawing.theme import theme_named
from shapetrace.drawing.wording import flops_text, words_in
from shapetrace.outlining.growing import Growth

_WIDTH_PX = 700.0
_LEFT_PX, _RIGHT_PX, _TOP_PX, _HEIGHT_PX = 112.0, 130.0, 84.0, 270.0
_LINE_PX = 18.0
_INKS = ("change-line", "rail", "weight-edge", "data-edge", "const-edge")

Place = Callable[[float], float]


def curves(
    grown: Growth,
    title: str,
    lines: Sequence[str],
    *,
    log: bool = False,
    style: tuple[str, str] = ("default", "en"),
    look: Look | None = None,
) -> Figure:
    """Draw FLOPs of attention, projections, MLPs and the rest over the values of one size.

    Args:
        grown: What is drawn; values of the size are spread by their logarithm.
        title: Its title.
        lines: What is said below: where one cost passes another.
        log: True to spread costs by their logarithm too.
        style: Name of a theme, or a TOML file, and the language of its words.
        look: Its own title and folder of templates.
    """
    look, (theme, lang) = look or Look(), style
    words, colours = words_in(lang, look.templates), theme_named(theme, look.templates)
    series = {words.say(name): values for name, values in grown.flops.items()}
    x, y = _scales(grown.values, series, log=log)
    bottom = _TOP_PX + _HEIGHT_PX
    marks: list[Mark] = [Text(24, 36, (Span(look.title or title),), "title")]
    marks.append(Text(24, 58, (Span(words.say("FLOPs over {symbol}", symbol=grown.symbol)),), "subtitle"))
    marks += _axes(grown, series, (x, y), log=log)
    marks += _series(grown, series, x, y)
    for each in grown.crossings:
        if each.at is not None and grown.values[0] <= each.at <= grown.values[-1] and each.cost == "attention":
            marks.append(Line((((x(each.at), _TOP_PX), (x(each.at), bottom)),), "const-edge"))
    texts = [Text(24, bottom + 52 + _LINE_PX * i, (Span(line),), "caption") for i, line in enumerate(lines)]
    height = bottom + 52 + _LINE_PX * len(lines) + 8
    ground = Rect(0, 0, _WIDTH_PX, height, "background", 0)
    desc = "\n".join([*(f"{name}: {values[0]} … {values[-1]}" for name, values in series.items()), *lines])
    groups = (Group("ground", (ground,)), Group("curves", tuple(marks)), Group("notes", tuple(texts)))
    return Figure("scale", look.title or title, desc, _WIDTH_PX, height, groups, colours, lang)


def _scales(values: Sequence[int], series: Mapping[str, Sequence[int]], *, log: bool) -> tuple[Place, Place]:
    """Where a value of the size, and a cost, stand in px."""
    first, last = log2(values[0]), log2(values[-1])
    costs = [cost for each in series.values() for cost in each]
    scale: Callable[[float], float] = (lambda cost: log10(max(cost, 1))) if log else float
    low, high = (scale(min(costs)) if log else 0.0), scale(max(costs))
    room = _WIDTH_PX - _LEFT_PX - _RIGHT_PX

    def x(value: float) -> float:
        return _LEFT_PX + room * (log2(value) - first) / ((last - first) or 1)

    def y(cost: float) -> float:
        return _TOP_PX + _HEIGHT_PX * (1 - (scale(cost) - low) / ((high - low) or 1))

    return x, y


def _axes(
    grown: Growth, series: Mapping[str, Sequence[int]], places: tuple[Place, Place], *, log: bool
) -> Iterator[Mark]:
    x, y = places
    bottom, right = _TOP_PX + _HEIGHT_PX, _WIDTH_PX - _RIGHT_PX
    yield Line((((_LEFT_PX, _TOP_PX), (_LEFT_PX, bottom), (right, bottom)),), "arrow")
    costs = [cost for each in series.values() for cost in each]
    most, least = max(costs), max(1, min(costs))
    ticks = [round(most * (least / most) ** (i / 4)) for i in range(5)] if log else [most, most // 2, most // 4]
    for cost in ticks:
        yield Line((((_LEFT_PX, y(cost)), (right, y(cost))),), "rule")
        yield Text(_LEFT_PX - 8, y(cost) + 4, (Span(flops_text(cost)),), "size", "end")
    every = max(1, -(-len(grown.values) // 8))
    for value in grown.values[::every]:
        yield Text(x(value), bottom + 18, (Span(f"{value:,}"),), "size", "middle")
    yield Text(right + 40, bottom + 18, (Span(grown.symbol),), "shape")


def _series(grown: Growth, series: Mapping[str, Sequence[int]], x: Place, y: Place) -> Iterator[Mark]:
    inks = dict(zip(series, _INKS, strict=False))
    for name, ink in inks.items():
        points = tuple((x(value), y(cost)) for value, cost in zip(grown.values, series[name], strict=True))
        yield Line((points,), ink)
        dot = "rail-dot" if ink in {"rail", "data-edge"} else "arrow-head"
        yield from (Circle(px, py, 2.2, dot) for px, py in points)
    above = _TOP_PX + _HEIGHT_PX + 2 * _LINE_PX
    for name in sorted(inks, key=lambda name: series[name][-1]):  # labels stand at their lines, the lowest first
        above = min(y(series[name][-1]) + 4, above - _LINE_PX + 3)
        shown = shortened(name, "note", _RIGHT_PX - 16)
        yield Text(_WIDTH_PX - _RIGHT_PX + 8, above, (Span(shown),), "note")
