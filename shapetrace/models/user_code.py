"""The user's own model: ``package.module:attr`` or ``path/file.py:attr``. Loading it runs that code."""

import difflib
import importlib
import importlib.util
import inspect
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from torch import nn

from shapetrace.capture.known_calls import building
from shapetrace.errors import UsageError


def load(reference: str, device: str = "meta") -> nn.Module:
    """An ``nn.Module`` from the user's code.

    An instance is taken as it is and where it is. A class or a factory is called without arguments,
    with ``device`` as torch's default device.

    Raises:
        UsageError: If there is no such file, module or attribute, or it gives no ``nn.Module``.
    """
    found = attribute(reference)
    if not isinstance(found, nn.Module):
        found = _called(found, reference, device)
    if not isinstance(found, nn.Module):
        raise UsageError(
            f"{reference} gives a {type(found).__name__}: expected a torch.nn.Module, its class, or a function "
            "without arguments that returns one."
        )
    return found


def attribute(reference: str) -> Any:
    """What ``package.module:attr`` or ``path/file.py:attr`` names.

    Raises:
        UsageError: If there is no such file, module or attribute.
    """
    place, colon, name = reference.rpartition(":")
    if not colon or not place or not name:
        raise UsageError(f"{reference!r} names no object: write package.module:attr or path/file.py:attr.")
    found: Any = _file(place) if place.endswith(".py") else _module(place)
    for part in name.split("."):
        if not hasattr(found, part):
            raise UsageError(f"{place} has no {part!r}: {_nearest(found, part)}")
        found = getattr(found, part)
    return found


def _file(place: str) -> ModuleType:
    path = Path(place)
    if not path.is_file():
        beside = difflib.get_close_matches(path.name, [p.name for p in path.parent.glob("*.py")], n=3)
        hint = f" Did you mean {' or '.join(beside)}?" if beside else ""
        raise UsageError(f"There is no file {place}.{hint}")
    _importable(path.resolve().parent)
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise UsageError(f"{place} cannot be imported: expected a Python file.")
    module = importlib.util.module_from_spec(spec)
    before = sys.modules.get(path.stem)
    sys.modules[path.stem] = module  # dataclasses and pickle look their module up
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        if before is None:
            del sys.modules[path.stem]
        else:
            sys.modules[path.stem] = before
        raise UsageError(f"{place} cannot be imported: {_one_line(error)}") from error
    return module


def _module(name: str) -> ModuleType:
    _importable(Path.cwd())
    try:
        return importlib.import_module(name)
    except Exception as error:
        hint = f" For a file, write {name}.py:attr." if Path(f"{name}.py").is_file() else ""
        raise UsageError(f"The module {name} cannot be imported: {_one_line(error)}.{hint}") from error


def _importable(folder: Path) -> None:
    """Let the user's code import its neighbours, as it could if it were run from there."""
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))


def _called(make: Any, reference: str, device: str) -> Any:
    if not callable(make):
        return make
    needed = required(make)
    if needed:
        names = ", ".join(needed)
        raise UsageError(
            f"{reference} needs arguments ({names}): name a function without arguments that returns the model."
        )
    with torch.device(device), building(device):
        try:
            return make()
        except Exception as error:
            error.add_note(f"while calling {reference}() on the device {device}")
            raise


def required(function: Any) -> list[str]:
    """The parameters that a call must give."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):  # some C functions have no signature
        return []
    variable = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    return [p.name for p in parameters if p.default is p.empty and p.kind not in variable]


def _nearest(where: Any, name: str) -> str:
    public = [other for other in vars(where) if not other.startswith("_")] if hasattr(where, "__dict__") else []
    near = difflib.get_close_matches(name, public, n=3)
    if near:
        return f"did you mean {' or '.join(near)}?"
    models = [other for other in public if _is_model(getattr(where, other), where)]
    return f"it has {', '.join(models[:8])}." if models else "it has no models."


def _is_model(value: Any, where: Any) -> bool:
    if isinstance(value, nn.Module):
        return True
    own = getattr(value, "__module__", None) == getattr(where, "__name__", "")
    return isinstance(value, type) and issubclass(value, nn.Module) and own


def _one_line(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}".partition("\n")[0]
