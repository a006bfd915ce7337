"""The text that goes into a model: words for the labels of rows, ids where somebody gave or made them."""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shapetrace.errors import MissingPartError, UsageError


@dataclass(frozen=True, slots=True)
class Prompt:
    """What is known of a model's input.

    Attributes:
        labels: What to write beside the rows: words, or ids where there are none.
        ids: Token ids; empty if nobody gave any. None are made up.
        cut: Whether characters stand for tokens, because the text is written without spaces and no tokenizer was given.
    """

    labels: tuple[str, ...] = ()
    ids: tuple[int, ...] = ()
    cut: bool = False


def read_prompt(text: str = "", tokens: str = "", tokenizer: Path | None = None) -> Prompt:
    """Read what ``--text``, ``--tokens`` and ``--tokenizer`` say.

    Without a tokenizer one word is one token, of Chinese and Japanese one character, and has no id unless ``tokens``
    gives it.

    Raises:
        UsageError: If they do not fit together.
        MissingPartError: If a tokenizer is asked for and the package that reads it is missing.
    """
    ids = _ids(tokens)
    if tokenizer is not None:
        if ids or not text.strip():
            raise UsageError("--tokenizer makes ids from --text: give a text, and no --tokens")
        return _tokenized(text, tokenizer)
    labels = tuple(piece for word in text.split() for piece in _pieces(word))
    cut = len(labels) > len(text.split())
    if text and not labels:
        raise UsageError("--text has no words: expected at least one")
    if ids and labels and len(ids) != len(labels):
        raise UsageError(f"--text has {len(labels)} words, --tokens {len(ids)} ids: expected one id a word")
    return Prompt(labels or tuple(map(str, ids)), ids, cut)


def spoken(labels: Iterable[str]) -> str:
    """The text that tokens are of: no spaces between characters of a script that writes none."""
    text = ""
    for label in labels:
        between = "" if not text or (_is_wide(text[-1]) and label and _is_wide(label[0])) else " "
        text += between + label
    return text


def _is_wide(character: str) -> bool:
    return unicodedata.east_asian_width(character) in "WF"


def _pieces(word: str) -> Iterator[str]:
    """A word, or, of one in a script that writes no spaces, its characters; what is written in letters stays whole."""
    run = ""
    for character in word:
        if _is_wide(character):
            if run:
                yield run
            yield character
            run = ""
        else:
            run += character
    if run:
        yield run


def _ids(tokens: str) -> tuple[int, ...]:
    if not tokens:
        return ()
    parts = [part for part in re.split(r"[\s,]+", tokens.strip()) if part]
    if not parts or not all(re.fullmatch(r"\d{1,12}", part) for part in parts):
        raise UsageError(f"--tokens is {tokens!r}: expected ids such as 2238,295,3361,318")
    return tuple(map(int, parts))


def _tokenized(text: str, path: Path) -> Prompt:
    if not path.is_file():
        raise UsageError(f"--tokenizer: there is no file {path}; expected a tokenizer.json")
    try:
        from tokenizers import Tokenizer
    except ImportError as error:
        raise MissingPartError("--tokenizer needs the package tokenizers: pip install 'shapetrace[hf]'") from error
    try:
        encoding: Any = Tokenizer.from_file(str(path)).encode(text)
    except Exception as error:  # the package raises bare Exception for a file that it cannot read
        raise UsageError(f"--tokenizer: {path} is no tokenizer.json: {error}") from error
    spans = zip(encoding.offsets, encoding.tokens, strict=True)
    labels = tuple(text[start:end].strip() or token for (start, end), token in spans)
    return Prompt(labels, tuple(encoding.ids))
