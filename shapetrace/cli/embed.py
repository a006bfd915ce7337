"""``shapetrace embed``: the figures that Markdown posts ask for."""

from contextlib import chdir
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from shapetrace.cli.markers import asked_by
from shapetrace.cli.terminal import say, show, waiting
from shapetrace.errors import ShapetraceError, UsageError
from shapetrace.obtaining import obtain

if TYPE_CHECKING:
    from shapetrace.posting import Image, Marker


def embed(
    posts: Annotated[list[Path], typer.Argument(metavar="POST.md ...", show_default=False, help="Markdown files.")],
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; exit 1 if a figure or an image line is stale.")
    ] = False,
) -> None:
    """Make and refresh the figures that Markdown posts ask for: <!-- shapetrace: gpt2 --section attention -->."""
    stale = []
    for post in posts:
        for path, content in _made(post).items():
            if not _is_stale(path, content, check=check):
                continue
            stale.append(path)
            if not check:
                _write(path, content)
            show(f"stale: {path}" if check else str(path))
    if check and stale:
        raise typer.Exit(1)


def _made(post: Path) -> dict[Path, bytes]:
    """What the files of a post should hold: its figures, then the post itself."""
    from shapetrace.posting import file_names, markers, refreshed

    try:
        text = post.read_bytes().decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"cannot read {post}: {getattr(error, 'strerror', '') or 'it is not UTF-8'}") from error
    asked, outlines = markers(text, str(post)), dict[str, Any]()
    files: dict[Path, bytes] = {}
    images = []
    for marker, name in zip(asked, file_names(post, asked), strict=True):
        with waiting(f"{marker.place}: {' '.join(marker.words)}"), chdir(post.parent):
            image, content = _drawn(marker, name, outlines)
        images.append(image)
        files[post.parent / image.file] = content
    return files | {post: refreshed(text, post, asked, images).encode("utf-8")}


def _drawn(marker: "Marker", name: str, outlines: dict[str, Any]) -> "tuple[Image, bytes]":
    """The figure of one marker; models that several markers name run once."""
    from shapetrace.formats.contract import Excerpt
    from shapetrace.formats.rendering import drawing, render
    from shapetrace.posting import Image

    try:
        request, asked, to = asked_by(marker.words)
        key = f"{request} {asked.fused}"
        if key not in outlines:
            trace = obtain(request, say)
            if trace.failure is not None:
                say(f"{marker.place}: the pass ended early; the figure shows what ran")
            outlines[key] = trace.outline(fused=asked.fused)
        part = Excerpt(name, asked.section, asked.step)
        figure = drawing(outlines[key], part, asked.options)
        content = render(figure, to, asked.options)
    except ShapetraceError as error:
        raise type(error)(f"{marker.place}: {error}") from error
    return Image(f"{name}.{to.suffix}", figure.title), content.encode("utf-8") if isinstance(content, str) else content


def _is_stale(path: Path, content: bytes, *, check: bool) -> bool:
    """A PNG holds the letters of this machine's fonts: a check asks only that it is there."""
    if not path.is_file():
        return True
    return not (check and path.suffix == ".png") and path.read_bytes() != content


def _write(path: Path, content: bytes) -> None:
    from shapetrace.writing import write

    write(path, content)
