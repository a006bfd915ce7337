"""Configurations of transformers that lack what their own model asks for, completed by what others have.

A default configuration is often not enough: ``vocab_size`` is None, ``prediction_length`` has to be specified. The
line of model code that failed names the entry; its value follows from other entries, or is the one that most types
have.
"""

import functools
import inspect
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from types import FrameType
from typing import Any, TypeVar

from torch import nn

from shapetrace.models.hf_facts import entry, nested, number
from shapetrace.models.hf_tracebacks import running

Made = TypeVar("Made")

MOST = 8
"""Entries that are filled in before a configuration is given up."""

NO_ATTRIBUTE = re.compile(r"'(?P<owner>\w+)' object has no attribute '(?P<name>\w+)'")
EMPTY = {"has no len()": list, "no attribute 'get'": dict, "is not iterable": list}
"""What an error says was wanted of None, and what has it."""

PLACE = re.compile(r"(image|audio|video)_token_(id|index)$")
"""Entries that say which id stands where a picture or a sound goes."""

SAME_AS = {"top_k_experts": "num_experts_per_tok"}
"""Entries under a name that no default has."""


class IncompleteError(Exception):
    """A pass failed for an entry that was missing, and has been filled in: build and run again."""


@dataclass(frozen=True, slots=True)
class Lack:
    """An entry that a model needs and a configuration lacks.

    Attributes:
        part: The configuration, or the one inside it, that lacks the entry.
        name: The entry.
        value: What is taken for it.
        inside: What is new in it, if the rest was there.
    """

    part: Any
    name: str
    value: Any
    inside: str = ""

    @property
    def sentence(self) -> str:
        """For the user: what was taken, and how to say it otherwise."""
        kind = getattr(self.part, "model_type", "") or type(self.part).__name__
        value = self.value[self.inside] if self.inside else self.value
        shown = repr(value) if len(repr(value)) <= 40 else f"{repr(value)[:36]} ..."
        name = f"{self.name}.{self.inside}" if self.inside else self.name
        return f"The configuration of {kind} lacks {name}: {shown} is taken; --set says it otherwise."


def completed(make: Callable[[], Made], configuration: Any) -> tuple[Made, list[str]]:
    """Build from a configuration; what an error shows to be missing is filled in, and it is tried again.

    Returns:
        What ``make`` made, and a sentence for every entry that was filled in.

    Raises:
        Exception: The first error of ``make``, if no entry explains it or filling in does not help.
    """
    first: Exception | None = None
    lacks: list[Lack] = []
    while True:
        try:
            return make(), [lack.sentence for lack in lacks]
        except ImportError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever building raises may be for a missing entry
            first = first or error
            lack = lacking(error, configuration)
            if lack is None or len(lacks) == MOST or not fill(lack):
                raise first from None
            lacks.append(lack)


def complete(error: Exception, configuration: Any) -> None:
    """Fill in the entry whose absence ended a pass.

    Raises:
        IncompleteError: If one was filled in: the model has to be built again.
    """
    of_none = isinstance(error, TypeError | AttributeError) or "None" in str(error) or "split_sizes" in str(error)
    named = re.findall(r"`(\w+)`", str(error))
    lack = lacking(error, configuration)
    if lack is not None and (of_none or lack.name in named) and fill(lack):
        raise IncompleteError(lack.sentence)


def within_vocabulary(configuration: Any) -> list[str]:
    """Give the places for pictures and sounds ids that the table of words has; a sentence for each that had none."""
    words = number(configuration, "vocab_size", prefer="text", default=0)
    said: list[str] = []
    for part in nested(configuration):
        for name, value in list(vars(part).items()):
            beyond = isinstance(value, int) and 0 < words <= value
            if beyond and PLACE.match(name) and fill(Lack(part, name, words - 1)):
                kind = getattr(part, "model_type", "")
                said.append(
                    f"The {name} of {kind}, {value}, is beyond its {words} words: {words - 1} is taken; "
                    "--set says it otherwise."
                )
    return said


def fill(lack: Lack) -> bool:
    """Put the value in; False if the configuration does not take it."""
    try:
        setattr(lack.part, lack.name, lack.value)
    except Exception:  # noqa: BLE001 - configurations check what they are given, with errors of their own
        return False
    return True


def lacking(error: Exception, configuration: Any) -> Lack | None:
    """The entry whose absence an error shows, with a value; None if there is none."""
    parts = list(nested(configuration))
    absent = NO_ATTRIBUTE.search(str(error))
    owners = [part for part in parts if absent is not None and type(part).__name__ == absent["owner"]]
    candidates = [(part, str(absent["name"])) for part in owners if absent is not None]
    said = re.findall(r"`(\w+)`", str(error))
    candidates += [(part, name) for name in said for part in parts if _is_empty(part, name)]
    split = _split(error, parts)
    if split is not None:
        return split
    for frame, statement in running(error):
        for part in _parts_of(frame, parts):
            names = _named_in(statement, frame)
            candidates += [(part, name) for name in names if _is_empty(part, name)]
            if isinstance(error, KeyError):
                for name in names:
                    table = entry(part, name)
                    if isinstance(table, dict) and error.args[0] not in table and (table or name == "rope_parameters"):
                        return Lack(part, name, _with_key(table, error.args[0]), error.args[0])
    for part, name in candidates:
        value = value_for(part, name, configuration, str(error))
        if value is not None:
            return Lack(part, name, value)
    return None


def _split(error: Exception, parts: list[Any]) -> Lack | None:
    """Rotary frequencies that are split into sections for another number of frequencies: the same shares of these."""
    found = re.search(r"sum exactly to (\d+).*split_sizes=\[([\d, ]+)\]", str(error))
    frames = running(error) if found is not None else []
    names = [name for _, statement in frames for name in re.findall(r"\b(\w+_section)\b", statement)]
    at_hand = [part for frame, _ in frames for part in _parts_of(frame, parts)]
    part = next((part for part in at_hand if isinstance(entry(part, "rope_parameters"), dict)), None)
    if found is None or not names or part is None:
        return None
    total, sizes = int(found[1]), [int(size) for size in found[2].split(",")]
    shares = [size * total // sum(sizes) for size in sizes[1:]]
    return Lack(part, "rope_parameters", part.rope_parameters | {names[0]: [total - sum(shares), *shares]}, names[0])


def _with_key(table: dict[Any, Any], key: Any) -> dict[Any, Any]:
    """A table by kinds of layers where one for all was given, or one more kind."""
    inner = next((value for value in table.values() if isinstance(value, dict)), None)
    table = table or {"rope_type": "default", "rope_theta": 10000.0}
    return {key: table} if inner is None else table | {key: inner}


def _is_empty(part: Any, name: str) -> bool:
    return (name in vars(part) or name in getattr(part, "attribute_map", {})) and entry(part, name) is None


def _parts_of(frame: FrameType, parts: list[Any]) -> list[Any]:
    """The configurations that a function has at hand: its arguments, and that of its module; else all."""
    held = [*frame.f_locals.values(), getattr(frame.f_locals.get("self"), "config", None)]
    return [part for part in parts if any(part is value for value in held)] or parts


def _named_in(statement: str, frame: FrameType) -> list[str]:
    """Names of entries that a statement reads: itself, or through what its function or its module sets from them."""
    source = _source(frame.f_code)
    owner = type(frame.f_locals.get("self"))
    if issubclass(owner, nn.Module) and not owner.__module__.startswith("torch."):
        source += _source(owner)  # type: ignore[arg-type]  # any class can be hashed
    names: list[str] = re.findall(r"`(\w+)`", statement)
    for name in re.findall(r"[A-Za-z_]\w*", statement):
        names += [name, *re.findall(rf"\b{re.escape(name)}\s*=[^\n]*?config\.(\w+)", source)]
    return list(dict.fromkeys(names))


@functools.cache
def _source(of: Any) -> str:
    """The source of a function or a class; to find that of a class takes reading its whole module."""
    try:
        return inspect.getsource(of)
    except (OSError, TypeError):
        return ""


def value_for(part: Any, name: str, configuration: Any, message: str) -> Any:
    """A value for an entry: from its neighbours, from elsewhere in the configuration, or the usual one."""
    if name == "head_dim" and entry(part, "hidden_size") and entry(part, "num_attention_heads"):
        return part.hidden_size // part.num_attention_heads
    if name == "num_key_value_heads":
        return entry(part, "num_attention_heads")
    for other in nested(configuration):
        found = _inside(vars(other), name)
        if found is not None:
            return found
    found = usual(SAME_AS.get(name, name))
    words = number(configuration, "vocab_size", prefer="text", default=0)
    if name.endswith(("token_id", "token_index")) and isinstance(found, int) and 0 < words <= found:
        return words - 1
    if isinstance(found, list):
        return [found[-1]] * int(entry(part, "num_hidden_layers") or len(found))
    if found is not None:
        return found
    return next((kind() for said, kind in EMPTY.items() if said in message), None)


def _inside(table: dict[str, Any], name: str) -> Any:
    """An entry by its name, in tables inside too: rope_parameters hold rope_theta."""
    if table.get(name) is not None:
        return table[name]
    inner = (_inside(value, name) for value in table.values() if isinstance(value, dict) and value is not table)
    return next((found for found in inner if found is not None), None)


@functools.cache
def usual(name: str) -> Any:
    """What most types of transformers have for an entry by default; None if none has it."""
    from transformers import CONFIG_MAPPING

    seen: Counter[str] = Counter()
    values: dict[str, Any] = {}
    for model_type in CONFIG_MAPPING:
        try:
            cls = CONFIG_MAPPING[model_type]
            value = getattr(cls, name, None) if not name.endswith("_types") else entry(cls(), name)
        except Exception:  # noqa: BLE001, S112 - one that needs a package that is not installed
            continue
        if value and isinstance(value, int | float | str | list) and not isinstance(value, bool):
            key = repr(value[-1]) if isinstance(value, list) else repr(value)
            seen[key] += 1
            values.setdefault(key, value)
    return values[seen.most_common(1)[0][0]] if seen else None
