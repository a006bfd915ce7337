"""The explanation of a failure below a table: a red panel in a terminal."""

import re
from collections.abc import Iterator

from rich.cells import cell_len
from rich.text import Text

from shapetrace.failing.reporting import carets, lines, message
from shapetrace.failing.structure import Explanation
from shapetrace.formats.wrapping import begun, broken
from shapetrace.language import Tell, printable

RED = "bold red"
_QUIET = "grey54"

_IN_SHAPES = re.compile(r"(?<=\d,) (?=\d)|(?<=\]) (?=X)|(?<=X) (?=\[)")
"""Blanks where a line is not broken: ``[2, 16] X [12, 4]``."""


def panel(explained: Explanation, width: int, tell: Tell = str) -> Iterator[Text]:
    """A framed explanation; the sizes that clash are red, and carets below them say it without colour."""
    inner = max(width - 6, 20)
    body = [part for line in told(explained, tell) for part in _fitted(line, inner)]
    title = f" {printable(tell(explained.title))} "
    title = title if cell_len(title) <= inner else f"{begun(title, inner - 1)}…"
    used = max([cell_len(title) + 1, *(cell_len(line) for line in body)])
    yield _framed(f"╭─{title}{'─' * (used + 1 - cell_len(title))}╮")
    for line in body:
        text = Text(line)
        _coloured(text, explained)
        yield Text.assemble((" │ ", RED), text, " " * (used - cell_len(line)), (" │", RED))
    yield _framed(f"╰{'─' * (used + 2)}╯")


def told(explained: Explanation, tell: Tell = str) -> Iterator[str]:
    """The lines of an explanation, the exception's own words last."""
    yield from map(printable, lines(explained, tell))
    if explained.kind != "other" or explained.reason:
        yield f"({printable(message(explained))})"


def _framed(line: str) -> Text:
    return Text(f" {line}", style=RED)


def _fitted(line: str, room: int) -> list[str]:
    """A line in as many as it needs; what is aligned by spaces stays as it is."""
    if cell_len(line) <= room:
        return [line]
    indent = " " * (len(line) - len(line.lstrip()))
    whole = _IN_SHAPES.sub("\u00a0", line)
    parts = broken(whole, room, rest=f"{indent}  ", hard=True) or [""]
    return [part.replace("\u00a0", " ") for part in parts]


def _coloured(text: Text, explained: Explanation) -> None:
    """Red for the carets, for the sizes above them and for the two numbers after them."""
    marks = carets(explained)
    if set(text.plain) <= {" ", "^"}:
        text.stylize(RED)
    elif explained.equation and text.plain.startswith(explained.equation):
        text.stylize(RED, len(explained.equation))
        for place in (i for i, character in enumerate(marks) if character == "^"):
            text.stylize(RED, place, place + 1)
    elif text.plain.startswith("("):
        text.stylize(_QUIET)
