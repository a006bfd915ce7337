"""The words of text formats: English, or those of a label file."""

from shapetrace.drawing.wording import Words

ENGLISH = Words("en", {})


def part_named(words: Words, name: str) -> str:
    """A part of a model: ``experts`` above a column are a number of them, here they are the part."""
    part = name.capitalize()
    return words.say(part if part in words.phrases and words.lang != ENGLISH.lang else name)
