"""Published models by name: their settings and their published parameter counts, read from TOML tables."""

import difflib
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from shapetrace.errors import UsageError
from shapetrace.models.settings import Attention, Experts, Latent, Settings

DEFAULT_SEQ = 1024
"""Tokens of a preset's input, unless its context is shorter or its table says otherwise."""


@dataclass(frozen=True, slots=True)
class Preset:
    """A published model.

    Attributes:
        name: The publisher's own name in lower case with hyphens: ``llama-3.1-405b``.
        title: Its name for people.
        family: ``gpt``, ``llama``, ``qwen``, ``mistral``, ``deepseek``, ``transformer``, ``lecture``.
        settings: How the reference Transformer builds it.
        label: The published size as people say it: ``405B``.
        config_source: Where the settings come from.
        source: Where the published count or label comes from.
        published: The published number of parameters; None if only a label is.
        exact: True if that number was published to the last digit.
        difference: Published minus computed, where the cause is known; 0 if they are equal.
        cause: Why they differ; empty if they do not.
        active: The published size of what one token uses; empty for dense models.
        note: Anything else to know about the numbers.
        aliases: Other names that find it.
    """

    name: str
    title: str
    family: str
    settings: Settings
    label: str
    config_source: str
    source: str = ""
    published: int | None = None
    exact: bool = False
    difference: int = 0
    cause: str = ""
    active: str = ""
    note: str = ""
    aliases: tuple[str, ...] = ()


def names() -> list[str]:
    """Every preset, family by family."""
    return list(_presets())


def families() -> list[str]:
    """Every family that ``family`` knows."""
    return list(dict.fromkeys(entry.family for entry in _presets().values()))


def family(name: str) -> list[Preset]:
    """The presets of one family, in the order of their table.

    Raises:
        UsageError: If there is no such family.
    """
    found = [entry for entry in _presets().values() if entry.family == name.strip().lower()]
    if not found:
        raise UsageError(f"There is no family {name!r}: choose one of {', '.join(families())}.")
    return found


def preset(name: str) -> Preset:
    """A published model by its name, in any common spelling: ``llama3.1-405b``, ``GPT-2 small``.

    Raises:
        UsageError: If nothing has that name; the nearest names are given.
    """
    found = find(name)
    if found is None:
        near = difflib.get_close_matches(_plain(name), _spellings(), n=6, cutoff=0.5)
        nearest = list(dict.fromkeys(_spellings()[spelling] for spelling in near))[:3]
        hint = f"did you mean {' or '.join(nearest)}?" if nearest else "`shapetrace models` lists them."
        raise UsageError(f"There is no preset {name!r}: {hint}")
    return found


def find(name: str) -> Preset | None:
    """A published model by its name, or None."""
    plain = _plain(name)
    without_kind = re.sub(r"(instruct|chat|base|hf|it)$", "", plain)
    for spelling in (plain, without_kind):
        if spelling in _spellings():
            return _presets()[_spellings()[spelling]]
    return None


def _plain(name: str) -> str:
    """A name without its owner, case, spaces and hyphens: ``meta-llama/Llama-3.1 8B`` -> ``llama3.18b``."""
    return re.sub(r"[\s_:\-]+", "", name.strip().rpartition("/")[2].lower())


@cache
def _spellings() -> dict[str, str]:
    """Plain spelling -> preset name. Names go before titles, titles before aliases."""
    spellings: dict[str, str] = {}
    entries = _presets().values()
    rows = [(p.name, p.name) for p in entries] + [(p.title, p.name) for p in entries]
    rows += [(alias, p.name) for p in entries for alias in p.aliases]
    for spelling, name in rows:
        spellings.setdefault(_plain(spelling), name)
    return spellings


@cache
def _presets() -> dict[str, Preset]:
    presets: dict[str, Preset] = {}
    folder = resources.files("shapetrace.models") / "tables"
    for file in sorted(folder.iterdir(), key=lambda file: file.name):
        if file.name.endswith(".toml"):
            table = tomllib.loads(file.read_text(encoding="utf-8"))
            for name, entry in table["models"].items():
                presets[name] = _preset(name, table["family"], table["defaults"], entry)
    return presets


def _preset(name: str, family_name: str, defaults: Mapping[str, Any], entry: Mapping[str, Any]) -> Preset:
    facts = {key: value for key, value in entry.items() if key not in ("settings", "aliases")}
    settings = settings_from(_merged(defaults, entry["settings"]))
    return Preset(name, family=family_name, settings=settings, aliases=tuple(entry.get("aliases", ())), **facts)


def settings_from(table: Mapping[str, Any]) -> Settings:
    """Settings from nested plain values: ``{"layers": 2, "attention": {"latent": {...}}, "experts": {...}}``."""
    flat = dict(table)
    attention = dict(flat.pop("attention", {}))
    if "latent" in attention:
        attention["latent"] = Latent(**attention["latent"])
    if "experts" in flat:
        flat["experts"] = Experts(**flat["experts"])
    if flat.get("positions") == "sinusoidal":
        flat.setdefault("context", None)
    flat.setdefault("seq", min(DEFAULT_SEQ, flat.get("context") or DEFAULT_SEQ))
    return Settings(**flat, attention=Attention(**attention))


def _merged(first: Mapping[str, Any], second: Mapping[str, Any]) -> dict[str, Any]:
    """Two tables in one; where both have a table, their entries are merged, else the second wins."""
    merged = dict(first)
    for key, value in second.items():
        both = isinstance(value, Mapping) and isinstance(merged.get(key), Mapping)
        merged[key] = _merged(merged[key], value) if both else value
    return merged
