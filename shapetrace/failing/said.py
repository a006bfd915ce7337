"""What an exception says itself: two numbers, one expected and one got."""

import re

from shapetrace.failing.cases import Case, Finding, unequal

_PATTERNS = (
    re.compile(r"[Ee]xpect\w*\D{0,60}?(?P<expected>\d+)\b\D{0,20}\bgot\D{0,40}?(?P<got>\d+)"),
    re.compile(r"got\D{0,20}?(?P<got>\d+)\D{0,40}[Ee]xpect\w*\D{0,40}?(?P<expected>\d+)"),
    re.compile(r"must match\D{0,40}?(?P<expected>\d+)\D{0,40}?(?P<got>\d+)"),
)


def said(case: Case) -> Finding | None:
    """The numbers of a message that a module checks its inputs with (LSTM, MultiheadAttention)."""
    for pattern in _PATTERNS:
        found = pattern.search(case.failure.message)
        if found is None:
            continue
        got, expected = int(found["got"]), int(found["expected"])
        marks = {i: axes for i, shape in enumerate(case.shapes) if (axes := _axes(shape, got))}
        if marks and got != expected:
            return Finding(_first_line(case.failure.message), (), unequal(got, expected), marks)
    return None


def _axes(shape: tuple[int, ...], size: int) -> tuple[int, ...]:
    return tuple(axis for axis, n in enumerate(shape) if n == size)


def _first_line(message: str) -> str:
    return message.strip().splitlines()[0] if message.strip() else ""
