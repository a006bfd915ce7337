"""Markdown posts that ask for figures: where the markers are, and the image line under each.

A marker is a comment of its own, ``<!-- shapetrace: gpt2 --section attention -->``, or a fenced block whose language
is ``shapetrace``. It holds the argument and the options of ``shapetrace diagram``, and ``--name`` for the file.
Nothing else is touched.
"""

import hashlib
import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from shapetrace.errors import UsageError
from shapetrace.formats.markdown import escaped

_FENCE = re.compile(r"(?P<indent>\s*)(?P<fence>`{3,}|~{3,})\s*(?P<language>[^\s`]*)(?P<rest>[^`]*)")
_COMMENT = re.compile(r"(?P<indent> {0,3})<!--\s*shapetrace\b(?P<colon>:?)(?P<rest>.*)", re.DOTALL)
_IMAGE = re.compile(r"\s*!\[.*\]\((?P<target>[^()\s]+)\)\s*")
_LONGEST_NAME = 60


@dataclass(frozen=True, slots=True)
class Marker:
    """A place in a post that asks for a figure.

    Attributes:
        place: ``post.md:12``, for messages.
        words: Arguments and options of ``shapetrace diagram``.
        end: Number of lines up to its end: the line of its image has this index.
        indent: Space before it, which its image line has too.
    """

    place: str
    words: tuple[str, ...]
    end: int
    indent: str = ""


@dataclass(frozen=True, slots=True)
class Image:
    """What stands under a marker.

    Attributes:
        file: Name of a file beside the post.
        title: What it shows, for those who cannot see it.
    """

    file: str
    title: str


def lines_of(text: str) -> list[str]:
    """Lines with their ends, be they of Unix or of Windows."""
    return re.findall(r"[^\n]*\n|[^\n]+", text)


def markers(text: str, source: str) -> list[Marker]:
    """The markers of a post, in order.

    Args:
        text: The post.
        source: Its name, for messages.

    Raises:
        UsageError: If a marker is broken: file and line are named.
    """
    return list(_markers(lines_of(text.removeprefix("\ufeff")), source))


def _markers(lines: Sequence[str], source: str) -> Iterator[Marker]:
    at = 0
    while at < len(lines):
        place, start = f"{source}:{at + 1}", at
        at += 1
        if fence := _FENCE.fullmatch(lines[start]):
            end = _end_of_fence(lines, at, fence["fence"])
            if fence["language"] == "shapetrace":
                if end > len(lines):
                    raise UsageError(f"{place}: the block is not closed: end it with {fence['fence']}")
                yield Marker(place, _words(" ".join(lines[at : end - 1]), place), end, fence["indent"])
            at = end
        elif comment := _COMMENT.fullmatch(lines[start]):
            last = next((n for n in range(start, len(lines)) if "-->" in lines[n]), None)
            if last is None:
                raise UsageError(f"{place}: the comment is not closed: end it with -->")
            at = last + 1
            inside, _, after = "".join([comment["rest"], *lines[start + 1 : at]]).partition("-->")
            if not comment["colon"] or after.strip():
                raise UsageError(f"{place}: expected <!-- shapetrace: MODEL --section NAME --> on a line of its own")
            yield Marker(place, _words(inside, place), at, comment["indent"])


def _end_of_fence(lines: Sequence[str], at: int, fence: str) -> int:
    """Index after the line that closes a fence; one more than there are lines if none does."""
    for n in range(at, len(lines)):
        closing = lines[n].strip()
        if len(closing) >= len(fence) and set(closing) == {fence[0]}:
            return n + 1
    return len(lines) + 1


def _words(text: str, place: str) -> tuple[str, ...]:
    try:
        return tuple(shlex.split(text))
    except ValueError as error:
        raise UsageError(f"{place}: {str(error).lower()} in {' '.join(text.split())!r}") from error


def file_names(post: Path, asked: Sequence[Marker]) -> list[str]:
    """A name for the figure of each marker, without suffix: its ``--name``, or made from its words.

    Raises:
        UsageError: If two markers that differ have the same ``--name``.
    """
    taken: dict[str, tuple[str, ...]] = {}
    names = []
    for marker in asked:
        given = marker.words[marker.words.index("--name") + 1 :][:1] if "--name" in marker.words else ()
        plain = re.sub(r"[^A-Za-z0-9]+", "-", " ".join(given or marker.words)).strip("-").lower()
        name = _stem(post) + (plain or "figure")[:_LONGEST_NAME].strip("-")
        is_other = taken.get(name, marker.words) != marker.words
        if is_other and given:
            raise UsageError(f"{marker.place}: another figure of this post is named {given[0]!r} too")
        if is_other or len(plain) > _LONGEST_NAME:
            name += "-" + hashlib.sha256("\0".join(marker.words).encode(errors="replace")).hexdigest()[:8]
        taken[name] = marker.words
        names.append(name)
    return names


def refreshed(text: str, post: Path, asked: Sequence[Marker], images: Sequence[Image]) -> str:
    """The post with an image line under each marker. Other text stays as it is, byte for byte.

    The line below a marker is taken for its image if it shows a file of ours: beside the post, named after it.
    """
    lines = lines_of(text)
    for marker, image in reversed(list(zip(asked, images, strict=True))):
        before = lines[marker.end - 1]
        ending = "\r\n" if before.endswith("\r\n") else "\n"
        if not before.endswith("\n"):
            lines[marker.end - 1] += ending
        line = f"{marker.indent}![{escaped(image.title)}]({image.file})"
        has_one = marker.end < len(lines) and _is_ours(lines[marker.end], post)
        if has_one and not lines[marker.end].endswith("\n"):
            ending = ""
        lines[marker.end : marker.end + has_one] = [line + ending]
    return "".join(lines)


def _is_ours(line: str, post: Path) -> bool:
    found = _IMAGE.fullmatch(line)
    return found is not None and found["target"].startswith(_stem(post)) and "/" not in found["target"]


def _stem(post: Path) -> str:
    return (re.sub(r"[^A-Za-z0-9_]+", "-", post.stem).strip("-") or "post") + "-"
