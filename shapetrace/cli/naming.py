"""Names of sizes, for the commands that write them."""

import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from shapetrace.cli.terminal import waiting
from shapetrace.errors import UsageError
from shapetrace.request import Request

if TYPE_CHECKING:
    from shapetrace.api import Trace


def named(request: Request, trace: "Trace", dims: str, own: Sequence[str] = ()) -> "Trace":
    """The trace with the names of its sizes, if names are asked for: the model then runs at other sizes.

    Args:
        request: What was asked for.
        trace: Its pass.
        dims: ``numbers``, ``names`` or ``both``.
        own: The user's own names: ``3072=d_ff``, ``d_model=width``, or a TOML file with such lines.

    Raises:
        UsageError: If a name is none, or of no size.
    """
    if own and dims == "numbers":
        raise UsageError("--name has no meaning for numbers: add --dims names")
    if dims == "numbers":
        return trace
    from shapetrace.api import Trace as Made
    from shapetrace.proving import prove
    from shapetrace.sizing.renaming import renamed

    with waiting("running at other sizes"):
        found = prove(request, trace)
    return Made.of(renamed(found, _read(own))) if own else found


def _read(own: Sequence[str]) -> dict[str, str]:
    """Old names or numbers with the user's names."""
    names: dict[str, str] = {}
    for text in own:
        before, equals, after = text.partition("=")
        if equals:
            names[before.strip()] = after.strip()
            continue
        try:
            table = tomllib.loads(Path(text).read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise UsageError(f"--name {text} is no NUMBER=NAME and no TOML file: write 3072=d_ff") from error
        names |= {key: str(value) for key, value in table.get("names", table).items()}
    return names
