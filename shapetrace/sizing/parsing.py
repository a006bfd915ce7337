"""Formulas read from text."""

import re

from shapetrace.sizing.formulas import Formula, Rounded, product

_RAISED = {raised: plain for plain, raised in zip("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹", strict=True)}
_LONGEST = 2000
_TOKEN = re.compile(r"\s*(\d+|[^\W\d⁰¹²³⁴⁵⁶⁷⁸⁹](?:[^\W⁰¹²³⁴⁵⁶⁷⁸⁹]|\.)*|[⁰¹²³⁴⁵⁶⁷⁸⁹]+|[·*/+−()⌈⌉⌊⌋-])")
_LARGEST_POWER = 16


def parse(text: str) -> Formula:
    """Read what `str` of a formula wrote; ``*`` and ``-`` are understood too.

    Raises:
        ValueError: If it is no formula.
    """
    if len(text) > _LONGEST:
        raise ValueError("a formula of more than 2,000 characters")
    tokens: list[str] = []
    place = 0
    while place < len(text.rstrip()):
        match = _TOKEN.match(text, place)
        if match is None:
            raise ValueError(f"{text!r} is no formula")
        tokens.append(match[1])
        place = match.end()
    reader = _Reader(tokens, text)
    found = reader.sum()
    if reader.tokens:
        raise ValueError(f"{text!r} is no formula")
    return found


_CLOSING = {"(": ")", "⌈": "⌉", "⌊": "⌋"}


class _Reader:
    """Reads tokens by recursive descent: sums of products of atoms."""

    def __init__(self, tokens: list[str], text: str) -> None:
        self.tokens = tokens
        self._text = text

    def sum(self) -> Formula:
        found = self._product() if not self._next("-−") else self._product() * -1
        while sign := self._next("+-−"):
            term = self._product()
            found = found + term if sign == "+" else found - term
        return found

    def _product(self) -> Formula:
        found = self._power()
        while operator := self._next("·*/"):
            factor = self._power()
            quotient = found * factor if operator != "/" else found.over(factor) if factor.terms else None
            if quotient is None:
                raise ValueError(f"{self._text!r} divides by what is no single term")
            found = quotient
        return found

    def _power(self) -> Formula:
        found = self._atom()
        if not self.tokens or self.tokens[0][0] not in _RAISED:
            return found
        power = int("".join(_RAISED[digit] for digit in self.tokens.pop(0)))
        if power > _LARGEST_POWER:
            raise ValueError(f"{self._text!r} has a power above {_LARGEST_POWER}")
        return product([found] * power)

    def _atom(self) -> Formula:
        token = self.tokens.pop(0) if self.tokens else ""
        if token in _CLOSING:
            inner = self.sum()
            if not self._next(_CLOSING[token]):
                raise ValueError(f"{self._text!r} misses {_CLOSING[token]}")
            return inner if token == "(" else Formula.of(Rounded(inner, token == "⌈"))  # noqa: S105 - brackets
        if token.isdigit():
            return Formula.of(int(token))
        if not token or not (token[0].isalpha() or token[0] == "_"):
            raise ValueError(f"{self._text!r} is no formula")
        return Formula.of(token)

    def _next(self, which: str) -> str:
        return self.tokens.pop(0) if self.tokens and self.tokens[0] in which else ""
