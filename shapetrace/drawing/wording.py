"""The words of a figure in a language, from ``labels/LANG.toml``; English is the key, and the fallback."""

import string
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from shapetrace.drawing.metrics import clean
from shapetrace.drawing.resources import names_in, read
from shapetrace.errors import UsageError
from shapetrace.language import Phrase, Text

_ONE = {
    "{n} layers": "{n} layer",
    "{n} encoder layers": "{n} encoder layer",
    "{n} heads": "{n} head",
    "{n} kv heads": "{n} kv head",
    "{n} experts": "{n} expert",
    "{n} experts a token": "{n} expert a token",
    "{n} tokens": "{n} token",
    "{n} steps": "{n} step",
    "in {n} steps": "in {n} step",
    "{n} arrows have no room and are not drawn.": "{n} arrow has no room and is not drawn.",
}
"""Phrases for several things, and for one: labels have both."""


@dataclass(frozen=True, slots=True)
class Words:
    """Phrases of one language.

    Attributes:
        lang: Its code: ``en``, ``zh``.
        phrases: Translation by English phrase.
    """

    lang: str
    phrases: dict[str, str]

    def say(self, template: str, **values: str | int) -> str:
        """Translate a phrase and fill in its fields; an unknown phrase is translated word by word, or stays English."""
        chosen = self.phrases.get(template) or self._by_words(template)
        return clean(chosen.format_map(values) if values else chosen)

    def several(self, phrase: str, n: int) -> str:
        """A phrase with a number: ``12 layers``, ``1 layer``."""
        return self.say(_ONE.get(phrase, phrase) if n == 1 else phrase, n=f"{n:,}")

    def _by_words(self, listed: str) -> str:
        """``Multiply, sum``: each word by itself."""
        words = listed.removesuffix(" …").split(", ")
        said = [self.phrases.get(word) or self.phrases.get(word[:1].lower() + word[1:], "") for word in words]
        if not all(said):
            return listed
        joined = self.enumerated(said)
        return joined[:1].upper() + joined[1:] + (" …" if listed.endswith(" …") else "")

    def note(self, note: Phrase) -> str:
        """Translate a note; its values are translated where they are phrases themselves."""
        values = {name: self.phrases.get(str(value), str(value)) for name, value in note.values.items()}
        return self.say(note.template, **values)

    def told(self, text: Text) -> str:
        """Translate what is said of a failure; names and shapes in it stay as they are."""
        return clean(text if isinstance(text, str) else text.told(self.phrases))

    def enumerated(self, items: Iterable[str]) -> str:
        """``K, V``: with the comma of the language."""
        return self.phrases.get(", ", ", ").join(items)

    def listed(self, items: tuple[str, ...]) -> str:
        """``K``, ``K and V``, ``Q, K and V``."""
        if len(items) < 2:
            return "".join(items)
        return self.say("{items} and {last}", items=self.enumerated(items[:-1]), last=items[-1])


ENGLISH = Words("en", {})


def words_in(lang: str, templates: Path | None = None) -> Words:
    """Load the phrases of a language.

    Raises:
        UsageError: If there is no such language, or its file is broken.
    """
    known = names_in("labels", templates)
    if lang not in known:
        raise UsageError(f"no labels for the language {lang!r}; there are {', '.join(known)}")
    return _words(lang, read(f"labels/{lang}.toml", templates))


@cache
def _words(lang: str, text: str) -> Words:
    """The phrases in the text of a file."""
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as e:
        raise UsageError(f"the labels {lang} are not valid TOML: {e}") from e
    phrases = {key: value for key, value in table.get("phrases", {}).items() if isinstance(value, str)}
    for key, value in phrases.items():
        try:
            is_sound = _fields(value) <= _fields(key)
        except ValueError as e:
            raise UsageError(f"labels {lang}: {value!r} is no phrase with {{fields}}: {e}") from e
        if not is_sound:
            raise UsageError(f"labels {lang}: {value!r} has fields that {key!r} has not")
    return Words(lang, phrases)


def _fields(template: str) -> set[str]:
    return {field for _, field, _, _ in string.Formatter().parse(template) if field is not None}


def counted(n: int) -> str:
    """Write a count for people: ``124,439,808``."""
    return f"{n:,}"


def flops_text(flops: int) -> str:
    """Write FLOPs with three digits: ``292 GFLOPs``."""
    return f"{_three_digits(flops)}FLOPs"


def bytes_text(n_bytes: int) -> str:
    """Write bytes with three digits: ``235 MB``."""
    return f"{_three_digits(n_bytes)}B"


def _three_digits(n: int) -> str:
    value, unit = float(n), ""
    for larger in ("k", "M", "G", "T", "P", "E"):
        if value < 999.5:
            break
        value, unit = value / 1000, larger
    digits = f"{value:.0f}" if value >= 99.95 or not unit else f"{value:.3g}"
    return f"{digits} {unit}"


def short(count: int) -> str:
    """A count with three digits: ``2.36 M``."""
    value, unit = float(count), ""
    for larger in ("K", "M", "G", "T"):
        if value < 9999.5 and not unit and count < 10_000:
            break
        if value < 999.5:
            break
        value, unit = value / 1000, larger
    return f"{count:,}" if not unit else f"{value:.3g} {'B' if unit == 'G' else unit}"
