"""The words of text formats: English, or those of a label file; one thing and several of them."""

from shapetrace.drawing.wording import Words

ENGLISH = Words("en", {})

_ONE = {
    "{n} layers": "{n} layer",
    "{n} encoder layers": "{n} encoder layer",
    "{n} heads": "{n} head",
    "{n} kv heads": "{n} kv head",
    "{n} experts": "{n} expert",
    "{n} experts a token": "{n} expert a token",
    "{n} tokens": "{n} token",
    "{n} steps": "{n} step",
}
"""Phrases for several things, and for one: labels have both."""


def counted(words: Words, phrase: str, n: int) -> str:
    """A phrase with a number: ``12 layers``, ``1 layer``."""
    return words.say(_ONE[phrase] if n == 1 else phrase, n=f"{n:,}")


def part_named(words: Words, name: str) -> str:
    """A part of a model: ``experts`` above a column are a number of them, here they are the part."""
    part = name.capitalize()
    return words.say(part if part in words.phrases and words.lang != ENGLISH.lang else name)
