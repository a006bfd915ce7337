"""The explorer as a format. Its page needs all that draws: that is loaded when a page is written."""

from collections.abc import Sequence

from shapetrace.formats.contract import Excerpt, Files, Format, Options
from shapetrace.outlining.structure import Outline


def _page(outline: Outline, options: Options, place: str = "") -> str:
    from shapetrace.exploring import Explored
    from shapetrace.formats.page import render

    return render(Explored.of(outline), options, place)


def _files(outline: Outline, part: Excerpt, options: Options, _among: Sequence[str]) -> Files:
    """The whole model in one page, open at the part that is asked for."""
    yield "explorer.html", _page(outline, options, part.section or "")


FORMAT = Format("page", "page.html", frozenset({"lang", "look", "theme"}), outline=_page, files=_files, is_whole=True)
