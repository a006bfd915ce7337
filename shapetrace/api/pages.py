"""Pages to walk through a pass, or through several."""

from pathlib import Path
from typing import TYPE_CHECKING

from shapetrace import ir
from shapetrace.api.traces import outline
from shapetrace.errors import UsageError

if TYPE_CHECKING:
    from shapetrace.exploring import Tour
    from shapetrace.showing import Outline

__tracebackhide__ = True  # pytest shows the code of the test, not ours


class Explorer:
    """A page to walk through a model. In Jupyter it shows itself, in a frame of its own.

    Attributes:
        html: The page: one file that needs no network.
    """

    def __init__(self, html: str, title: str, height_px: int, instead: str = "") -> None:
        self.html = html
        self._title = title
        self._height_px = height_px
        self._instead = instead

    def save(self, path: str | Path) -> None:
        """Write it to a file.

        Raises:
            UsageError: If it cannot be written there.
        """
        from shapetrace.writing import write

        write(Path(path), self.html)

    def _repr_html_(self) -> str:
        from shapetrace.formats.page import framed

        return framed(self.html, self._title, self._height_px, self._instead)

    def __repr__(self) -> str:
        return f"<Explorer {self._title!r}, {len(self.html) / 1000:.0f} kB>"


def explore(
    *models: "Outline | ir.Trace",
    at: str = "",
    title: str = "",
    theme: str = "default",
    lang: str = "en",
    height_px: int = 640,
) -> Explorer:
    """Make a page to walk through a model: a tree, every step, where each value comes from and goes.

    Args:
        models: What to show; of two, both side by side and in step, aligned as a diff aligns them.
        at: What is open at first: path or kind of a section, id of a step; all of it by default.
        title: Instead of the model's name.
        theme: ``default`` (light or dark as the reader's system), ``light``, ``dark``, or a TOML file.
        lang: Language that it opens in; the page has all of them.
        height_px: Height of the frame in a notebook.

    Raises:
        UsageError: If there is no such place, theme or language, or not one or two models are given.
    """
    from shapetrace.exploring import Explored, Tour

    if not 1 <= len(models) <= 2:
        raise UsageError(f"got {len(models)} models: expected one, or two to see side by side")
    read = [outline(each) if isinstance(each, ir.Trace) else each for each in models]
    tour = Tour(tuple(map(Explored.of, read)), in_step=len(read) > 1)
    return explorer(tour, at=at, title=title, theme=theme, lang=lang, height_px=height_px)


def explorer(
    tour: "Tour", *, at: str = "", title: str = "", theme: str = "default", lang: str = "en", height_px: int = 640
) -> Explorer:
    """Write the page of a tour; the other arguments are those of `explore`."""
    from shapetrace.drawing import Look
    from shapetrace.formats.contract import Options
    from shapetrace.formats.notebook import instead_of_frame
    from shapetrace.formats.page import render

    options = Options(lang=lang, theme=theme, look=Look(title=title))
    instead = instead_of_frame(tour.subjects[0].outline, Options(lang=lang))
    return Explorer(render(tour, options, place=at), title or tour.name, height_px, instead)
