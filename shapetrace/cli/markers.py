"""The words of a marker or of a list of figures, read as those of ``shapetrace diagram``."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from shapetrace.cli.figure_options import FigureOptions, takes_figure
from shapetrace.cli.format_options import listed_words
from shapetrace.cli.options import takes_model
from shapetrace.errors import UsageError
from shapetrace.request import Request

if TYPE_CHECKING:
    from shapetrace.formats.contract import Format


def asked_by(words: Sequence[str]) -> "tuple[Request, FigureOptions, Format]":
    """What words such as ``gpt2 --section attention`` ask for: a model, a figure of it, a format.

    Raises:
        UsageError: If they are no arguments and options of ``shapetrace diagram``.
    """
    from typer.main import get_command

    from shapetrace.formats import FORMATS

    app = typer.Typer(add_completion=False)
    app.command(add_help_option=False)(_read)
    try:
        found: tuple[Request, FigureOptions, str] = get_command(app).main(list(words), "", standalone_mode=False)
    except Exception as error:
        if hasattr(error, "format_message"):  # Typer's own: an unknown option, a word where a number belongs
            raise UsageError(f"{error.format_message()} (a marker takes what shapetrace diagram takes)") from error
        raise
    request, asked, name = found
    shown = [each for each in FORMATS.values() if each.figure and each.in_pages]
    to = next((each for each in shown if each.name == name), None)
    if to is None:
        raise UsageError(f"no format {name!r} in a post: choose {listed_words([each.name for each in shown])}")
    to.check()
    return request, asked, to


@takes_model
@takes_figure
def _read(
    request: Request,
    asked: FigureOptions,
    format: Annotated[str, typer.Option("--format", "-f")] = "svg",  # noqa: A002
    name: Annotated[str, typer.Option("--name")] = "",  # noqa: ARG001 - read by posting.file_names
) -> tuple[Request, FigureOptions, str]:
    return request, asked, format.lower()
