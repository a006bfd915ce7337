"""Markdown posts that ask for figures: where the markers are, and the image line under each.

A marker is a comment of its own, ``<!-- shapetrace: gpt2 --section attention -->``; in MDX ``{/* shapetrace: ... */}``.
It holds the argument and the options of ``shapetrace diagram``, and ``--name`` for the file; or ``explore``, for a link
into a page. A fenced block whose language is ``shapetrace`` is one too, and becomes a comment: a site would publish it
as code. Nothing else is touched.
"""

import hashlib
import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape, unescape
from pathlib import Path
from urllib.parse import quote

from shapetrace.errors import UsageError
from shapetrace.formats.markdown import escaped
from shapetrace.places import Files, Place

_FENCE = re.compile(r"(?P<indent>\s*)(?P<fence>`{3,}|~{3,})\s*(?P<language>[^\s`]*)(?P<rest>[^`]*)")
_COMMENT = re.compile(r"(?P<indent> {0,3})(?P<start><!--|\{/\*)\s*shapetrace\b(?P<colon>:?)(?P<rest>.*)", re.DOTALL)
_ENDS = {"<!--": "-->", "{/*": "*/}"}
_IMAGE = re.compile(r"\s*!\[.*\]\((?P<target>[^()]+)\)\s*")
_LINK = re.compile(r"\s*\[.*\]\((?P<target>[^()]+)\)\s*")
_FRAME = re.compile(r'\s*<iframe src="(?P<target>[^"]+)" [^>]*></iframe>\s*')
_FILE = re.compile(r"[\w.-]+\.(?:svg|png|gif)")
_PAGE = re.compile(r"[\w.-]+\.html")
_PLAIN = "/.?=&,@-_"
"""What a place keeps as it is in a link."""
_LONGEST_NAME = 40


@dataclass(frozen=True, slots=True)
class Marker:
    """A place in a post that asks for a figure.

    Attributes:
        place: ``post.md:12``, for messages.
        words: Arguments and options of ``shapetrace diagram``.
        end: Number of lines up to its end: the line of its image has this index.
        indent: Space before it, which its image line has too.
        comment: What a fenced block becomes: a comment that says the same; empty for a comment.
        start: Index of its first line.
    """

    place: str
    words: tuple[str, ...]
    end: int
    indent: str = ""
    comment: str = ""
    start: int = 0


@dataclass(frozen=True, slots=True)
class Image:
    """What stands under a marker.

    Attributes:
        file: Name of a file beside the post.
        title: What it shows, for those who cannot see it; of a link, its words.
        at: Of a page, the place that it opens at: what a link says behind ``#``.
        height_px: Of a page in a frame, its height; 0 for a link.
    """

    file: str
    title: str
    at: str | None = None
    height_px: int = 0

    def line(self, target: str) -> str:
        """The line that shows it, of a file that is found there."""
        if self.at is None:
            return f"![{escaped(self.title)}]({target})"
        whole = target + (f"#{quote(self.at, safe=_PLAIN)}" if self.at else "")
        if not self.height_px:
            return f"[{escaped(self.title)}]({whole})"
        source = escape(whole, quote=False).replace('"', "%22")  # in Jekyll a link is Liquid, with quotes of its own
        frame = f'src="{source}" title="{escape(self.title)}" width="100%" height="{self.height_px}"'
        return f'<iframe {frame} loading="lazy"></iframe>'


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
                words = _words(" ".join(lines[at : end - 1]), place)
                yield Marker(place, words, end, fence["indent"], _comment(words, source, place), start)
            at = end
        elif comment := _COMMENT.fullmatch(lines[start]):
            end_mark = _ENDS[comment["start"]]
            last = next((n for n in range(start, len(lines)) if end_mark in lines[n]), None)
            if last is None:
                raise UsageError(f"{place}: the comment is not closed: end it with {end_mark}")
            at = last + 1
            inside, _, after = "".join([comment["rest"], *lines[start + 1 : at]]).partition(end_mark)
            if not comment["colon"] or after.strip():
                shown = f"{comment['start']} shapetrace: MODEL --section NAME {end_mark}"
                raise UsageError(f"{place}: expected {shown} on a line of its own")
            yield Marker(place, _words(inside, place), at, comment["indent"], start=start)


def _comment(words: Sequence[str], source: str, place: str) -> str:
    """The marker as a comment.

    Raises:
        UsageError: If a word would end it.
    """
    start = "{/*" if source.endswith(".mdx") else "<!--"
    said = shlex.join(words)
    if _ENDS[start] in said:
        raise UsageError(f"{place}: {_ENDS[start]} cannot stand in a marker")
    return " ".join(filter(None, (start, "shapetrace:", said, _ENDS[start])))


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


def file_names(
    stems: Sequence[str],
    asked: Sequence[Marker],
    short: Sequence[str],
    contents: Sequence[tuple[str, ...]] | None = None,
) -> list[str]:
    """A name for the figure of each marker, without suffix: its ``--name``, or in short what it shows.

    Args:
        stems: What the name of each begins with.
        asked: The markers.
        short: What each shows: ``gpt2-attention``.
        contents: What makes the content of each file, which several markers may show: all its words by default.

    Raises:
        UsageError: If two markers that differ have the same ``--name``.
    """
    taken: dict[str, tuple[str, ...]] = {}
    names = []
    given_contents = contents or [marker.words for marker in asked]
    for stem, marker, shown, content in zip(stems, asked, short, given_contents, strict=True):
        given = marker.words[marker.words.index("--name") + 1 :][:1] if "--name" in marker.words else ()
        plain = re.sub(r"[^A-Za-z0-9]+", "-", given[0] if given else shown).strip("-").lower()
        name = stem + (plain or "figure")[:_LONGEST_NAME].strip("-")
        if taken.get(name, content) != content:
            if given:
                raise UsageError(f"{marker.place}: another figure of this post is named {given[0]!r} too")
            name += "-" + hashlib.sha256("\0".join(content).encode(errors="replace")).hexdigest()[:6]
        taken[name] = content
        names.append(name)
    return names


def files_of(place: Place, image: Image) -> Files:
    """Where the file of a line goes."""
    if image.at is None:
        return place.figures
    return place.frames if image.height_px else place.pages


def refreshed(text: str, place: Place, asked: Sequence[Marker], images: Sequence[Image]) -> str:
    """The post with an image line under each marker. Other text stays as it is, byte for byte.

    The line below a marker is taken for its image if it shows a file of ours: named after the post.
    """
    lines = lines_of(text)
    for marker, image in reversed(list(zip(asked, images, strict=True))):
        before = lines[marker.end - 1]
        ending = "\r\n" if before.endswith("\r\n") else "\n"
        if not before.endswith("\n"):
            lines[marker.end - 1] += ending
        line = marker.indent + image.line(files_of(place, image).target(image.file))
        has_one = marker.end < len(lines) and bool(_file_of_ours(lines[marker.end], place))
        if has_one and not lines[marker.end].endswith("\n"):
            ending = ""
        lines[marker.end : marker.end + has_one] = [line + ending]
        if marker.comment:
            ends = "\r\n" if lines[marker.start].endswith("\r\n") else "\n"
            lines[marker.start : marker.end] = [f"{marker.indent}{marker.comment}{ends}"]
    return "".join(lines)


def shown_files(text: str, place: Place, asked: Sequence[Marker]) -> list[Path]:
    """The files that lines under the markers of a post show."""
    lines = lines_of(text)
    below = [lines[marker.end] for marker in asked if marker.end < len(lines)]
    return [file for line in below if (file := _file_of_ours(line, place))]


def _file_of_ours(line: str, place: Place) -> Path | None:
    """The file of a line that `refreshed` wrote: beside the post, or linked as its place says; else nothing."""
    sorts = ((_IMAGE, _FILE, place.figures), (_LINK, _PAGE, place.pages), (_FRAME, _PAGE, place.frames))
    for pattern, name, files in sorts:
        found = pattern.fullmatch(line)
        target = unescape(found["target"]).partition("#")[0] if found else ""
        names = name.findall(target)
        if names and names[-1].startswith(files.stem):
            ways = {each.target(names[-1]) for each in (files, place.pages, place.frames)}
            is_ours = target in {names[-1], f"./{names[-1]}", *ways}
            return files.folder / names[-1] if is_ours else None
    return None
