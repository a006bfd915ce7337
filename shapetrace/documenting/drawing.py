"""The figure that a page asks for, from a trace file beside it: no model runs while a site is built."""

import hashlib
from collections.abc import Callable, Sequence
from contextlib import chdir
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from shapetrace.cli.markers import wanted_by
from shapetrace.drawing.primitives import Figure
from shapetrace.errors import UsageError
from shapetrace.formats import FORMATS
from shapetrace.formats.contract import Options
from shapetrace.formats.rendering import render
from shapetrace.loading import load_pass
from shapetrace.outlining.structure import Outline
from shapetrace.request import Request


@dataclass(frozen=True, slots=True)
class Drawn:
    """A figure that is ready to be written.

    Attributes:
        file: Name of its file. It holds a digest: the same figure has the same file everywhere.
        content: What the file holds.
        title: What it shows, for those who cannot see it.
        traces: The files that it was drawn from.
        again: Draws it once more, for another format.
    """

    file: str
    content: bytes
    title: str
    traces: tuple[Path, ...]
    again: Callable[[], Figure]

    def pdf(self) -> bytes:
        """The same as vectors for print.

        Raises:
            MissingPartError: If the package for it or a font is not there.
        """
        to = FORMATS["pdf"]
        to.check()
        content = render(self.again(), to, Options())
        assert isinstance(content, bytes)
        return content


def drawn(words: Sequence[str], folder: Path) -> Drawn:
    """Draw what the words of a page ask for: ``traces/gpt2.json --section attention --lang zh``.

    Args:
        words: A trace file and the options of ``shapetrace diagram``; ``compare`` and two or three trace files.
        folder: What the names of files are relative to.

    Raises:
        UsageError: If they ask for something else than figures of trace files, or for what those have not.
        MissingPartError: If a package or a font for the format is not there.
    """
    with chdir(folder):
        wanted = wanted_by(words)
        others = [each.model or "the reference model" for each in wanted.requests if each.kind != "file"]
        draw = wanted.draw
        if others or not wanted.requests or draw is None:
            named = others[0] if others else " ".join(words)
            how = "shapetrace run MODEL --save trace.json writes one"
            raise UsageError(f"got {named!r}: a site is built from trace files alone; {how}")
        made, image = wanted.make(_outline)
        traces = tuple(Path(each.model).resolve() for each in wanted.requests)

    def again() -> Figure:
        with chdir(folder):
            return draw(_outline)

    content = made.encode("utf-8") if isinstance(made, str) else made
    digest = hashlib.sha256(content).hexdigest()[:10]
    return Drawn(f"{wanted.short}-{digest}.{wanted.suffix}", content, image.title, traces, again)


def _outline(request: Request, fused: bool) -> Outline:
    path = Path(request.model).resolve()
    changed = path.stat().st_mtime_ns if path.is_file() else 0
    return _read(path, changed, fused)


@lru_cache(maxsize=8)
def _read(path: Path, _changed: int, fused: bool) -> Outline:
    return load_pass(path).outline(fused=fused)
