"""The command line: its commands, and the one place where errors become one line and an exit code."""

import atexit
import contextlib
import gc
import os
import sys
import traceback
import warnings
from typing import Annotated, NoReturn

import typer

from shapetrace import __version__
from shapetrace.cli.examples import SHORT
from shapetrace.cli.format_options import Commands
from shapetrace.cli.terminal import fail, prepare, show
from shapetrace.errors import ShapetraceError

_ALLOCATIONS = 2_000_000
"""New objects before the next search for cycles: PyTorch and a trace make a million, nearly all kept."""

app = typer.Typer(
    help="Run a real PyTorch forward pass, record every shape, and draw the matrix multiplications.",
    cls=Commands,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for _name in SHORT:
    app.command(_name, short_help=SHORT[_name])(lambda: None)  # a name to list: `Commands` loads what is asked for


def _version(asked: bool) -> None:
    if asked:
        show(f"shapetrace {__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", help="Show the version and stop.", callback=_version, is_eager=True)
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
) -> None:
    """Run a real PyTorch forward pass, record every shape, and draw the matrix multiplications."""


def main() -> NoReturn:
    """Run the command line; exit 0 when done, 1 when the model failed, 2 for a wrong request, 130 for Ctrl-C."""
    prepare()
    warnings.filterwarnings("ignore", message="Failed to initialize NumPy")  # PyTorch's own, where there is no NumPy
    gc.set_threshold(_ALLOCATIONS)
    atexit.register(gc.freeze)  # the last search of the interpreter would go through all of PyTorch
    words = sys.argv[1:] or ["--help"]
    debug = "--debug" in words
    try:
        code = app([word for word in words if word != "--debug"], prog_name="shapetrace", standalone_mode=False)
        sys.stdout.flush()
    except KeyboardInterrupt:
        code = 130
    except BrokenPipeError:
        code = _quietly_closed()
    except Exception as error:  # noqa: BLE001 - the edge: what is not ours is told in one line too
        code = _told(error, debug=debug)
    sys.exit(code if isinstance(code, int) else 0)


def _told(error: Exception, *, debug: bool) -> int:
    """Tell an error in one line, with its traceback only if asked for."""
    if debug:
        traceback.print_exception(error)
    if isinstance(error, ShapetraceError):
        fail(str(error))
        return error.exit_code
    if hasattr(error, "format_message"):  # Typer's own: an unknown option, a word where a number belongs
        fail(f"{error.format_message()} (shapetrace --help lists what there is)")
        return 2
    notes = "; ".join(getattr(error, "__notes__", ()))
    fail(f"{type(error).__name__}: {error}{f' ({notes})' if notes else ''}; --debug shows the traceback")
    return 1


def _quietly_closed() -> int:
    """The reader of a pipe has gone: nothing is left to say, and nothing may be flushed at exit."""
    with contextlib.suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 141
