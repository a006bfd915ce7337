"""What people call an operation: ``mul`` and ``imul`` are both "multiply"."""

from collections.abc import Iterable

from shapetrace.ops.registry import find

_MOST_WORDS = 3


def word_of(name: str) -> str:
    """One operation in a word: what has none keeps its own name."""
    plain = name.removeprefix("aten.").strip("_")
    if plain.endswith("_loss") or plain.startswith(("cross_entropy", "binary_cross_entropy")):
        return "loss"
    return find(name).word or find(plain).word or plain


def title_of(names: Iterable[str]) -> str:
    """A run of operations in a few words: ``Multiply, sum``."""
    words = list(dict.fromkeys(map(word_of, names)))
    title = ", ".join(words[:_MOST_WORDS]) + (" …" if len(words) > _MOST_WORDS else "")
    return title[:1].upper() + title[1:]
