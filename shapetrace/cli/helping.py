"""The help of a command on few lines: options in two columns, in groups, and examples at its end."""

import inspect
import textwrap
from collections.abc import Iterable, Iterator
from typing import Any, get_args

from shapetrace.cli.examples import shown

_LEFT = 26
"""Characters of the column of names."""
_MOST = 100
"""Characters of a line, however wide the terminal is."""


def help_of(command: Any, ctx: Any, width: int) -> str:
    """The help of a command."""
    width = min(width, _MOST)
    said = inspect.cleandoc(command.help or "").split("\n\n")
    lines = ["", *_wrapped(command.get_usage(ctx).strip(), width, " "), ""]
    for paragraph in said:
        lines += [*_wrapped(" ".join(paragraph.split()), width, " "), ""]
    params = [param for param in command.get_params(ctx) if not getattr(param, "hidden", False)]
    arguments = [param for param in params if param.param_type_name == "argument"]
    for title, group in (("", arguments), *_groups(param for param in params if param not in arguments)):
        lines += [f" {title}:"] if title else []
        for param in group:
            lines += _entry(param, width)
        lines += [""] if group else []
    return "\n".join(lines) + "\n" + shown(str(command.name), width)


def _groups(params: Iterable[Any]) -> Iterator[tuple[str, list[Any]]]:
    """Options by the panel that they are in; those of none come first."""
    found: dict[str, list[Any]] = {"Options": []}
    for param in params:
        found.setdefault(getattr(param, "rich_help_panel", None) or "Options", []).append(param)
    yield from found.items()


def _entry(param: Any, width: int) -> list[str]:
    """One option: its names on the left, what it does on the right, or below if the names are long."""
    name, told = _name(param), " ".join((getattr(param, "help", None) or "").split())
    if (choices := _choices(param)) and choices not in told:
        told = f"{told.rstrip('.')}: {choices}."
    if default := _default(param):
        told += f" ({default})"
    right = _wrapped(told, width - _LEFT, "")
    first = f"   {name:<{_LEFT - 3}}"
    if len(first) > _LEFT:
        return [first.rstrip(), *(" " * _LEFT + line for line in right)]
    return [first + (right[0] if right else ""), *(" " * _LEFT + line for line in right[1:])]


def _name(param: Any) -> str:
    """``-f, --format NAME``; ``--tie/--no-tie``; ``MODEL``."""
    if param.param_type_name == "argument":
        return str(param.metavar or param.name or "").strip("[]").upper()
    short = sorted(param.opts, key=len)
    names = ", ".join(short) + "".join(f"/{name}" for name in param.secondary_opts)
    return names if getattr(param, "is_flag", False) else f"{names} {_value(param)}"


def _value(param: Any) -> str:
    """What an option takes: ``N``, ``PATH``, ``TEXT``."""
    if param.metavar:
        return str(param.metavar)
    kinds = {"int": "N", "float": "N", "integer": "N", "integer range": "N", "Path": "PATH", "path": "PATH"}
    return kinds.get(_kind(param), "TEXT")


def _kind(param: Any) -> str:
    """The name of its type, as this version of Typer tells it."""
    described = getattr(param, "type_descriptor", None)
    if described is None:
        return str(param.type.name)
    found = described.annotation
    inner = next((each for each in get_args(found) if isinstance(each, type) and each is not type(None)), found)
    return str(getattr(inner, "__name__", inner))


def _choices(param: Any) -> str:
    described = getattr(param, "type_descriptor", None)
    found = get_args(described.annotation) if described else getattr(param.type, "choices", None)
    return ", ".join(str(getattr(choice, "value", choice)) for choice in found or () if isinstance(choice, str))


def _default(param: Any) -> str:
    if not getattr(param, "show_default", False) or getattr(param, "is_flag", False):
        return ""
    value = param.default
    return str(value) if isinstance(value, str | int | float) and value not in {"", False} else ""


def _wrapped(text: str, width: int, indent: str) -> list[str]:
    return textwrap.wrap(
        text, max(width, 20), initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False
    )  # fmt: skip
