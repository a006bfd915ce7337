"""The style rules of a figure whose groups appear one after another: no script, no motion for readers who want none.

At first, and wherever rules or motion are dropped, all of it is there. Then everything that appears grows faint, comes
back in order, and the whole picture rests. Opacity alone changes: nothing is laid out again. A pointer on it stops it.
"""

from collections.abc import Iterator, Sequence

from markupsafe import Markup

REST_S = 3.0
"""How long the whole picture stands still, at the start and after the last thing has appeared together."""

_FADE_S = 0.8
_STAGE_S = 0.6
_MOST_S = 20.0
FAINT = "0.15"
"""Opacity of what has not appeared yet."""


def motion(stages: Sequence[str], prefix: str) -> Markup:
    """Rules for all stages; "" where there are none.

    Args:
        stages: Names of the groups, in the order in which they appear.
        prefix: Start of the ids and the class of the figure.
    """
    return Markup("\n".join(_rules(stages, prefix)))  # noqa: S704 - numbers, and a prefix of letters and digits


def moments(n_stages: int) -> list[tuple[int | None, float]]:
    """The same as pictures that stand still: how many stages are there, and for how many seconds; first all, None."""
    if not n_stages:
        return [(None, REST_S)]
    stage = _stage_s(n_stages)
    return [(None, REST_S), (0, _FADE_S), *((n, stage) for n in range(1, n_stages))]


def cycle_s(n_stages: int) -> float:
    """How long it takes until all begins again."""
    return round(REST_S + _FADE_S + n_stages * _stage_s(n_stages), 2)


def _stage_s(n_stages: int) -> float:
    return min(_STAGE_S, (_MOST_S - REST_S - _FADE_S) / max(n_stages, 1))


def _rules(stages: Sequence[str], prefix: str) -> Iterator[str]:
    if not stages:
        return
    whole = cycle_s(len(stages))
    yield f".{prefix} [data-stage]{{opacity:1}}"
    yield f"@media print,(prefers-reduced-motion:reduce){{.{prefix} [data-stage]{{opacity:1!important}}}}"
    yield "@media screen and (prefers-reduced-motion:no-preference){"
    yield f".{prefix} [data-stage]{{animation:{whole:g}s linear infinite}}"
    yield f".{prefix}:hover [data-stage]{{animation-play-state:paused}}"
    for number in range(1, len(stages) + 1):
        yield f'.{prefix} [data-stage="{number}"]{{animation-name:{prefix}-{number}}}'
        yield f"@keyframes {prefix}-{number}{{{_keyframes(number, len(stages), whole)}}}"
    yield "}"


def _keyframes(number: int, n_stages: int, whole: float) -> str:
    """There, faint, and from its turn on there again. The whole picture rests half before and half behind that."""
    stage, rests = _stage_s(n_stages), REST_S / 2
    starts = rests + _FADE_S + (number - 1) * stage
    times = (rests, rests + _FADE_S, starts, starts + 0.7 * stage)
    there, faint, still, back = (f"{100 * time / whole:.2f}".rstrip("0").rstrip(".") + "%" for time in times)
    dim = faint if faint == still else f"{faint},{still}"
    return f"0%,{there}{{opacity:1}}{dim}{{opacity:{FAINT}}}{back},100%{{opacity:1}}"
