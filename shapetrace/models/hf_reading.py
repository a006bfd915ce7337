"""Configurations of transformers: from a type, a file, entries, or one that is there already."""

import copy
import difflib
import importlib
import json
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from shapetrace.errors import MissingPartError, UsageError


def transformers() -> ModuleType:
    """The package, imported late and offline.

    Raises:
        MissingPartError: If it is not installed.
    """
    os.environ.setdefault("HF_HUB_OFFLINE", "1")  # read when the hub's client is first imported
    try:
        return importlib.import_module("transformers")
    except ImportError as error:
        raise MissingPartError(
            "hf: needs transformers, which is not installed: pip install 'shapetrace[hf]'."
        ) from error


def config(reference: Any, entries: Mapping[str, Any] | None = None, say: Callable[[str], object] = str) -> Any:
    """A configuration: of a model type by its defaults, or from a config.json or the folder that holds one.

    Args:
        reference: ``llama``, ``path/to/config.json`` or ``path/to/folder``; the entries of a configuration, or one of
            transformers, of which a copy is made.
        entries: Entries to change, nested ones with dots: ``{"text_config.hidden_size": 64}``.
        say: Takes a sentence where the type is unknown and a class that the configuration names is taken instead.

    Raises:
        UsageError: If the file is broken, or the type or an entry unknown.
        MissingPartError: If transformers is not installed.
    """
    package = transformers()
    if isinstance(reference, package.PretrainedConfig):
        return copy.deepcopy(reference)
    values, reference = _entries(reference)
    model_type = values.pop("model_type", None)
    known = _config_class(package, values, model_type, reference, say)
    for name, value in (entries or {}).items():
        _set(values, name, value, known=known)
    try:
        made = known.from_dict(values)
    except ImportError as error:
        raise MissingPartError(f"{model_type} needs a package: {one_line(error)}") from error
    except Exception as error:
        raise UsageError(f"{reference} is no valid {model_type} configuration: {one_line(error)}") from error
    return made


def _entries(reference: Any) -> tuple[dict[str, Any], str]:
    """The entries of a configuration, and its name for messages."""
    if isinstance(reference, Mapping):
        return dict(reference), "the configuration"
    path = Path(reference).expanduser()
    if path.exists() or path.suffix == ".json":
        return _read(path), str(reference)
    return {"model_type": str(reference)}, str(reference)


def _config_class(
    package: ModuleType, values: Mapping[str, Any], model_type: object, reference: str, say: Callable[[str], object]
) -> Any:
    """The class of a configuration: that of its type; where that is unknown, that of a class which it names."""
    types = list(package.CONFIG_MAPPING)
    if model_type in types:
        return package.CONFIG_MAPPING[model_type]
    named = values.get("architectures")
    for name in named if isinstance(named, list) else ():
        cls = getattr(package, str(name), None)
        if (found := getattr(cls, "config_class", None)) is not None:
            say(f"transformers has no model type {model_type!r}: built as {name}, which {reference} names.")
            return found
    raise UsageError(_unknown_type(reference, model_type, types))


def _read(path: Path) -> dict[str, Any]:
    file = path / "config.json" if path.is_dir() else path
    try:
        values = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"{file} cannot be read: {error.strerror or error}.") from error
    except ValueError as error:
        raise UsageError(f"{file} is no JSON: {error}.") from error
    if not isinstance(values, dict) or not (isinstance(values.get("model_type"), str) or values.get("architectures")):
        raise UsageError(f"{file} has no model_type: expected a config.json of transformers.")
    return values


def _unknown_type(reference: str, model_type: object, types: Sequence[str]) -> str:
    near = difflib.get_close_matches(str(model_type).lower(), types, n=3, cutoff=0.5)
    hint = f"did you mean {' or '.join(near)}?" if near else "expected a type of transformers, or a config.json."
    where = "" if model_type == reference else f" (in {reference})"
    return f"transformers has no model type {model_type!r}{where}: {hint}"


def _set(values: dict[str, Any], name: str, value: object, *, known: Any) -> None:
    """Change one entry; a nested one gets its parent's defaults first."""
    first, dot, rest = name.partition(".")
    defaults = known()
    if not hasattr(defaults, first):
        near = difflib.get_close_matches(first, list(defaults.to_dict()), n=3)
        hint = f": did you mean {' or '.join(near)}?" if near else "."
        raise UsageError(f"The configuration of {defaults.model_type} has no entry {first!r}{hint}")
    if not dot:
        values[first] = value
        return
    inner = getattr(defaults, first)
    table = values.setdefault(first, inner.to_dict() if hasattr(inner, "to_dict") else dict(inner or {}))
    if hasattr(inner, "to_dict"):
        _set(table, rest, value, known=type(inner))
    else:
        table[rest] = value


def parse_entries(texts: Sequence[str]) -> dict[str, Any]:
    """Read ``key=value`` settings; values are JSON, and plain words are words.

    Raises:
        UsageError: If one has no ``=``.
    """
    entries: dict[str, Any] = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not equals or not key.strip():
            raise UsageError(f"The setting {text!r} is no key=value: write, say, num_hidden_layers=2.")
        try:
            entries[key.strip()] = json.loads(value)
        except ValueError:
            words = {"True": True, "False": False, "None": None}
            entries[key.strip()] = words.get(value.strip(), value.strip())
    return entries


def one_line(error: BaseException) -> str:
    """What an exception says, on one line."""
    return " ".join(str(error).split()) or type(error).__name__
