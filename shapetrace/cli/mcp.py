"""``shapetrace mcp``: answers for a language model, over the Model Context Protocol."""

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

import typer

from shapetrace.errors import MissingPartError

if TYPE_CHECKING:
    from mcp.server.mcpserver import MCPServer

_INSTRUCTIONS = (
    "Shapes of real PyTorch forward passes: every matrix product with its operands, parameters and FLOPs. "
    "Nothing is downloaded and no weights are needed. Start with trace; name models as `shapetrace run` does."
)


def mcp(
    run_code: Annotated[
        bool, typer.Option("--run-code", help="Trace modules of your own too: their code runs with your rights.")
    ] = False,
) -> None:
    """Serve six tools on stdin and stdout: trace, section, find, diff, explain_failure, figure."""
    server(run_code=run_code).run("stdio")


def server(*, run_code: bool = False) -> "MCPServer[None]":
    """The server with its tools.

    Raises:
        MissingPartError: If the protocol's package is not installed.
    """
    try:
        from mcp.server.mcpserver import MCPServer
    except ModuleNotFoundError as error:
        raise MissingPartError("the MCP server needs the package mcp: pip install 'shapetrace[mcp]'") from error
    from shapetrace import __version__
    from shapetrace.answering import Answers

    made: MCPServer[None] = MCPServer(
        "shapetrace", instructions=_INSTRUCTIONS, version=__version__, log_level="CRITICAL"
    )
    for tool in Answers(runs_code=run_code).tools():
        made.add_tool(_in_one_line(tool))
    return made


def _in_one_line(tool: Callable[..., str]) -> Callable[..., str]:
    """A tool whose errors are one line for the one who asked, whatever raised them."""
    from mcp.server.mcpserver.exceptions import ToolError

    @functools.wraps(tool)
    def answer(*args: object, **kwargs: object) -> str:
        try:
            return tool(*args, **kwargs)
        except Exception as error:
            raise ToolError(" ".join(f"{error}".split()) or type(error).__name__) from error

    return answer
