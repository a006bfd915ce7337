"""A sentence with symbols in it: ``X_2 goes into the next block`` with a real subscript."""

import re

from shapetrace.drawing.primitives import Span

_SYMBOL = re.compile(r"(?<![\w.])([^\W_]{1,2}[^\w\s]?)_([^\W_]{1,3})(?![\w.])")


def rich_spans(text: str) -> tuple[Span, ...]:
    """The pieces of a sentence; subscripts of short symbols are lowered, longer names stay as they are."""
    spans: list[Span] = []
    end = 0
    for found in _SYMBOL.finditer(text):
        spans += [Span(text[end : found.end(1)]), Span(found[2], 1)]
        end = found.end()
    if text[end:]:
        spans.append(Span(text[end:]))
    return tuple(span for span in spans if span.text)
