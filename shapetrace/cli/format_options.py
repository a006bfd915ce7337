"""Formats on the command line: what helps list is read from the one table, when it is asked for; where results go."""

import sys
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from typer import Typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

from shapetrace.cli.examples import SHORT, shown
from shapetrace.cli.helping import help_of
from shapetrace.cli.terminal import show, takes_color, width
from shapetrace.errors import UsageError

if TYPE_CHECKING:
    from shapetrace.formats.contract import Content, Format, Kind, Options


class FormatsCommand(TyperCommand):
    """A command in whose helps ``{outline}`` is all formats that take one, and ``{figure_files}`` their suffixes."""

    def get_params(self, ctx: Any) -> Any:
        """Its parameters, their helps filled in."""
        params: list[Any] = super().get_params(ctx)
        waiting = [param for param in params if "{" in (getattr(param, "help", None) or "")]
        known = _listed() if waiting else {}
        for param in waiting:
            param.help = param.help.format_map(known)
        return params

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Its help, on few lines."""
        formatter.write(help_of(self, ctx, width()))


class Commands(TyperGroup):
    """All commands, each loaded when it is asked for; their help ends with a few lines to copy."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The command that is asked for."""
        name, _, rest = super().resolve_command(ctx, args)
        return name, loaded(str(name)), rest

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """The list of commands, and examples."""
        super().format_help(ctx, formatter)
        show(shown("", width()))


def loaded(name: str) -> Any:
    """A command with its options: the function of that name in the module of that name."""
    alone = Typer(add_completion=False)
    function = getattr(import_module(f"shapetrace.cli.{name}"), name)
    alone.command(name, cls=FormatsCommand, short_help=SHORT[name])(function)
    return get_command(alone)


def _listed() -> dict[str, str]:
    """What helps say of each kind of thing."""
    from shapetrace.formats import FORMATS, names
    from shapetrace.formats.contract import Kind

    listed = {kind: listed_words(names(kind)) for kind in get_args(Kind)}
    files = {f"{kind}_files": listed_words([f".{FORMATS[name].suffix}" for name in names(kind)]) for kind in listed}
    return listed | files


def listed_words(words: list[str]) -> str:
    """``svg``, ``svg or png``, ``svg, png or pdf``."""
    return f"{', '.join(words[:-1])} or {words[-1]}" if len(words) > 1 else "".join(words)


def terminal_options() -> dict[str, Any]:
    """Options of whatever is written to the terminal: its width, and whether it takes colour."""
    return {"width": width(), "color": takes_color(sys.stdout)}


def ready_format(name: str, out: Path | None, kind: "Kind", options: "Options") -> "Format":
    """The one format of a command's result, by its name, or by the suffix of the file that is written.

    Raises:
        UsageError: If there is no such format, or an option names what does not exist.
        MissingPartError: If it needs a package that is not installed.
    """
    from shapetrace.formats import format_of_file, ready

    (to,) = ready([name if out is None else format_of_file(out, kind).name], kind, options)
    return to


def deliver(content: "Content", to: "Format", out: Path | None = None) -> None:
    """Write the result of a command to a file, which is then named, or to stdout as it is.

    Raises:
        UsageError: If a terminal would get bytes that are no text, or the file cannot be written.
    """
    if out is not None:
        from shapetrace.writing import write

        write(out, content)
        show(str(out))
    elif isinstance(content, str):
        show(content)
    elif sys.stdout.isatty():
        raise UsageError(f"{to.name} is no text: send it to a file (> FILE.{to.suffix})")
    else:
        sys.stdout.flush()
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()
