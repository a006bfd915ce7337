"""``shapetrace embed``: the figures that Markdown posts ask for."""

from collections.abc import Iterator
from contextlib import chdir, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from shapetrace.cli.markers import Wanted, wanted_by
from shapetrace.cli.terminal import say, show, waiting
from shapetrace.errors import ShapetraceError, UsageError
from shapetrace.obtaining import obtain
from shapetrace.request import Request
from shapetrace.writing import write

if TYPE_CHECKING:
    from shapetrace.outlining.structure import Outline
    from shapetrace.places import Place
    from shapetrace.posting import Marker


@dataclass(frozen=True, slots=True)
class _Post:
    """A post whose markers have been read."""

    path: Path
    text: str
    place: "Place"
    markers: "list[Marker]"
    wanted: list[Wanted]
    names: list[str]


def embed(
    posts: Annotated[list[Path], typer.Argument(metavar="POST.md ...", show_default=False, help="Markdown files.")],
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; exit 1 if a figure or an image line is stale.")
    ] = False,
    image_dir: Annotated[
        Path | None,
        typer.Option(
            "--image-dir", show_default=False, help="Folder of the figures (what fits the site around the post)."
        ),
    ] = None,
    url_prefix: Annotated[
        str | None,
        typer.Option("--url-prefix", show_default=False, help="What their links begin with: /blog/figures/."),
    ] = None,
) -> None:
    """Make and refresh the figures that Markdown posts ask for: <!-- shapetrace: gpt2 --section attention -->.

    In sites of Hugo, Jekyll, MkDocs, Docusaurus and Astro, files and links are where the built site finds them.
    """
    read = [_read(post, image_dir, url_prefix) for post in posts]  # every marker, before anything runs
    stale = []
    for post in read:
        files, old = _made(post)
        for path, content in files.items():
            if not _is_stale(path, content, check=check):
                continue
            stale.append(path)
            if not check:
                write(path, content)
            show(f"stale: {path}" if check else str(path))
        for path in old:
            stale.append(path)
            if not check:
                path.unlink()
            show(f"stale: {path}" if check else f"removed {path}")
        for path in _unasked(post, files, old):
            say(f"{path} looks like a figure that no marker of {post.path} asks for any more: delete it if so")
    if check and stale:
        raise typer.Exit(1)


def _read(path: Path, image_dir: Path | None, url_prefix: str | None) -> _Post:
    """A post, its markers understood."""
    from shapetrace.places import place_of
    from shapetrace.posting import markers

    try:
        text = path.read_bytes().decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"cannot read {path}: {getattr(error, 'strerror', '') or 'it is not UTF-8'}") from error
    found, place = markers(text, str(path)), place_of(path, image_dir, url_prefix)
    wanted = []
    for marker in found:
        with _named(marker), chdir(path.parent):
            wanted.append(wanted_by(marker.words))
    return _Post(path, text, place, found, wanted, _file_names(place, found, wanted))


def _file_names(place: "Place", found: "list[Marker]", wanted: list[Wanted]) -> list[str]:
    from shapetrace.posting import file_names

    contents = [each.content or marker.words for each, marker in zip(wanted, found, strict=True)]
    stems = [(place.pages if each.suffix == "html" else place.figures).stem for each in wanted]
    return file_names(stems, found, [each.short for each in wanted], contents)


@contextmanager
def _named(marker: "Marker") -> Iterator[None]:
    """Put file and line of a marker before what goes wrong with it."""
    try:
        yield
    except ShapetraceError as error:
        raise type(error)(f"{marker.place}: {error}") from error


def _made(post: _Post) -> tuple[dict[Path, bytes], list[Path]]:
    """What the files of a post should hold, its figures, then the post itself; and the figures that they replace."""
    from shapetrace.posting import files_of, refreshed, shown_files

    outlines = _Outlines()
    files: dict[Path, bytes] = {}
    images = []
    for marker, wanted, name in zip(post.markers, post.wanted, post.names, strict=True):
        with waiting(f"{marker.place}: {' '.join(marker.words)}"), _named(marker), chdir(post.path.parent):
            outlines.place = marker.place
            content, shown = wanted.make(outlines)
        images.append(replace(shown, file=f"{name}.{wanted.suffix}"))
        path = files_of(post.place, images[-1]).folder / images[-1].file
        files[path] = content.encode("utf-8") if isinstance(content, str) else content
    text = refreshed(post.text, post.place, post.markers, images)
    before = shown_files(post.text, post.place, post.markers)
    old = [path for path in dict.fromkeys(before) if path not in files and path.is_file() and path.name not in text]
    return files | {post.path: text.encode("utf-8")}, old


class _Outlines:
    """Outlines by request; models that several markers name run once.

    Attributes:
        place: The marker that asks.
    """

    def __init__(self) -> None:
        self.place = ""
        self._known: dict[str, Any] = {}

    def __call__(self, request: Request, fused: bool) -> "Outline":
        key = f"{request} {fused}"
        if key not in self._known:
            trace = obtain(request, say)
            if trace.failure is not None:
                say(f"{self.place}: the pass ended early; the figure shows what ran")
            self._known[key] = trace.outline(fused=fused)
        found: Outline = self._known[key]
        return found


def _unasked(post: _Post, files: dict[Path, bytes], old: list[Path]) -> Iterator[Path]:
    """SVG files of ours that are named after a post and that it does not show."""
    text = files[post.path].decode("utf-8")
    folder, stem = post.place.figures.folder, post.place.figures.stem
    for path in sorted(folder.glob(f"{stem}*.svg")) if folder.is_dir() else ():
        if path not in files and path not in old and path.name not in text and _is_ours(path):
            yield path


def _is_ours(path: Path) -> bool:
    from shapetrace.formats.svg import looks_like_one

    with path.open(encoding="utf-8", errors="replace") as stream:
        return looks_like_one(stream.read(400))


def _is_stale(path: Path, content: bytes, *, check: bool) -> bool:
    """A PNG or GIF holds the letters of this machine's fonts: a check asks only that it is there."""
    if not path.is_file():
        return True
    return not (check and path.suffix in {".png", ".gif"}) and path.read_bytes() != content
