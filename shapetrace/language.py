"""What is said to people: English with fields, which label files translate. Names and shapes stay as they are."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Phrase:
    """A sentence, or a part of one.

    Attributes:
        template: English, with fields: ``the result of {maker}``. It is the key in the label files.
        values: What goes into the fields: sizes, names, further phrases.
    """

    template: str
    values: dict[str, "Text | int"] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.told({})

    def told(self, phrases: Mapping[str, str]) -> str:
        """Write it in the language of ``phrases``; what they do not have stays English."""
        values = {
            name: value.told(phrases) if isinstance(value, Phrase) else value for name, value in self.values.items()
        }
        return phrases.get(self.template, self.template).format_map(values)


Text: TypeAlias = str | Phrase
Tell: TypeAlias = Callable[[Text], str]
"""Writes a text in a language; ``str`` is English."""


def say(template: str, **values: str | int | Phrase) -> Phrase:
    """Fill in a phrase."""
    return Phrase(template, values)


def joined(first: Text, *others: Text, by: str) -> Text:
    """Texts one after the other, by a phrase with the fields ``first`` and ``second``."""
    for other in others:
        first = say(by, first=first, second=other)
    return first


def printable(text: str, instead: str = "·") -> str:
    """Text without control characters: names and messages are not ours."""
    return "".join(character if character.isprintable() else instead for character in text)
