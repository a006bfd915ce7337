"""What a format is: which things it takes, how it writes them, which options it reads, the suffix of its files."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Literal, TypeAlias

from shapetrace.comparing.structure import Comparison
from shapetrace.drawing.look import Look
from shapetrace.drawing.primitives import Figure
from shapetrace.drawing.theme import theme_named
from shapetrace.drawing.wording import Words, words_in
from shapetrace.errors import MissingPartError, UsageError
from shapetrace.formats.equations import Dims
from shapetrace.formats.grid import Grid
from shapetrace.outlining.structure import Outline

Kind = Literal["outline", "grid", "comparison", "figure"]
"""What can be written. A format of figures takes all four: it draws what is no figure yet."""

Content: TypeAlias = str | bytes
Files: TypeAlias = Iterator[tuple[str, Content]]


@dataclass(frozen=True, slots=True)
class Options:
    """What a user chose of how things are written; every format reads those that it declares.

    Attributes:
        lang: Language of the words.
        dims: How sizes are written in text.
        look: What a figure shows and hides; its folder of templates is everybody's.
        theme: Name of a theme, or a TOML file.
        depth: Sections deeper than this are one row each; None opens all.
        strict: False to count, and not to list, steps that differ because products do.
        width: Characters a line.
        color: True for ANSI colours.
        scale: Pixels of a PNG or GIF for one of the figure: 2 is sharp on screens of twice the density.
        fonts: Font files that come before those of the system.
        explain: True to say of each step what it does and why, in a sentence.
    """

    lang: str = "en"
    dims: Dims = "numbers"
    look: Look | None = None
    theme: str = "default"
    depth: int | None = None
    strict: bool = False
    width: int = 100
    color: bool = False
    scale: float = 2.0
    fonts: tuple[Path, ...] = ()
    explain: bool = False

    @property
    def templates(self) -> Path | None:
        """Folder of the user with templates, themes and labels."""
        return self.look.templates if self.look else None

    @property
    def words(self) -> Words:
        """The phrases of its language.

        Raises:
            UsageError: If there is no such language, or its file is broken.
        """
        return words_in(self.lang, self.templates)

    def check(self) -> None:
        """Is there all that it names?

        Raises:
            UsageError: If there is no such theme, language, folder or font, or the scale makes no picture.
        """
        from shapetrace.formats.fonts import family

        if not self.scale > 0:
            raise UsageError(f"scale is {self.scale:g}; expected more than 0, such as 2")
        for font in self.fonts:
            family(font)
        theme_named(self.theme, self.templates)
        self.words  # noqa: B018 - reads the file


@dataclass(frozen=True, slots=True)
class Excerpt:
    """What of a model is written.

    Attributes:
        name: Name of its files, without suffix.
        section: Path or kind of a section; None for the whole model.
        step: Number of one step, counted from 1; None for a section or the whole.
        view: How a figure shows the whole, where that is not by its rows: ``map``, ``story``, ``mesh``.
    """

    name: str
    section: str | None = None
    step: int | None = None
    view: Literal["", "map", "story", "mesh"] = ""


PLAIN = Options()
"""What is as if nobody had chosen."""

_OF_DRAWING = frozenset({"lang", "look", "theme", "strict", "explain"})


def needs(extra: str, *packages: str) -> Callable[[], None]:
    """What raises MissingPartError if a package is missing that comes with an extra: ``needs("png", "resvg_py")``."""

    def check() -> None:
        try:
            for package in packages:
                import_module(package)
        except ImportError as error:
            install = f"pip install 'shapetrace[{extra}]'"
            raise MissingPartError(f"{extra.upper()} needs the extra {extra}: {install}") from error

    return check


@dataclass(frozen=True, slots=True)
class Format:
    """One format; its file ends with one of these.

    Attributes:
        name: As ``--format`` calls it.
        suffix: Of its files, without the dot; a name for it too.
        options: Fields of `Options` that it reads; the others are as if nobody had chosen. What is drawn for it
            reads those of drawing by itself.
        outline: Writes an outline; None if it takes none as text.
        grid: Writes a plain table.
        comparison: Writes a comparison; without it, a comparison is written as a grid.
        figure: Writes a figure; what is no figure is drawn first.
        files: Writes a part of a model in files, given the outline of all, the part, the options, and the names of the
            formats that are written beside; without it, there is one file.
        in_pages: Whether a page or a post can show its files as images.
        is_whole: Whether one of its files shows the whole model, so that parts need none of their own.
        check: Raises MissingPartError if a program or package is not installed.
    """

    name: str
    suffix: str
    options: frozenset[str] = frozenset()
    outline: Callable[[Outline, Options], Content] | None = None
    grid: Callable[[Grid, Options], Content] | None = None
    comparison: Callable[[Comparison, Options], Content] | None = None
    figure: Callable[[Figure, Options], Content] | None = None
    files: Callable[[Outline, Excerpt, Options, Sequence[str]], Files] | None = None
    in_pages: bool = False
    is_whole: bool = False
    check: Callable[[], None] = lambda: None

    def takes(self, kind: Kind) -> bool:
        """Whether it can write such a thing, as it is or drawn."""
        if kind == "comparison" and (self.comparison or self.grid):
            return True
        return self.figure is not None or getattr(self, kind) is not None

    def given(self, options: Options) -> Options:
        """The options that it reads; one of figures, those of drawing too."""
        read = self.options | _OF_DRAWING if self.figure else self.options
        return Options(**{name: getattr(options, name) for name in read})
