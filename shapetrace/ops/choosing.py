"""How one of many scores is taken: the kernels that say so, and what people call them."""

from collections.abc import Iterable

from shapetrace.ops.registry import base_name, find
from shapetrace.ops.words import word_of

_TAKING = frozenset({"picks", "best"})
_SPELLED = {"topk": "top k", "log_softmax": "log-softmax"}
"""Words that people write otherwise."""


def said(kernel: str) -> str:
    """``softmax`` for what makes scores probabilities, ``argmax`` or ``sample`` for what takes one; "" for others."""
    if kernel.endswith("max.dim"):
        return "argmax"  # the largest of each row, with its place
    word = word_of(base_name(kernel)) if find(kernel).kind == "softmax" or takes(kernel) else ""
    return _SPELLED.get(word, word)


def takes(kernel: str) -> bool:
    """Whether a kernel gives places: of the largest, of the best, or drawn."""
    return kernel.endswith(".max.dim") or not _TAKING.isdisjoint(find(kernel).traits)


def told(kernels: Iterable[str]) -> tuple[str, ...]:
    """What was done on the way from scores to one of them, in order; () if none of the kernels takes one."""
    listed = list(kernels)
    words = [word for word in map(said, listed) if word]
    alone = tuple(word for place, word in enumerate(words) if not place or words[place - 1] != word)
    return alone if any(map(takes, listed)) else ()
