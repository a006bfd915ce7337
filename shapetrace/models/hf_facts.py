"""Facts out of a configuration of transformers: sizes by what they are usually called."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any


def inside(configuration: Any) -> Iterator[tuple[str, Any]]:
    """The configurations that are entries of another one, by name."""
    for name, value in vars(configuration).items():
        if hasattr(value, "to_dict") and hasattr(value, "model_type"):
            yield name, value


def nested(configuration: Any, prefer: str = "") -> Iterator[Any]:
    """A configuration and those in it, outermost first; those whose entry's name holds ``prefer`` go before.

    Everything that lies inside a preferred one is preferred too.
    """
    preferred: list[Any] = []
    others: list[Any] = []
    level: list[tuple[Any, bool]] = [(configuration, False)]
    while level:
        following: list[tuple[Any, bool]] = []
        for part, is_preferred in level:
            (preferred if is_preferred else others).append(part)
            for name, value in inside(part):
                following.append((value, is_preferred or bool(prefer and prefer in name)))
        level = following
    yield from preferred
    yield from others


def entry(part: Any, name: str) -> Any:
    """One entry of a configuration, or None; of one whose layers differ, what its first layer has."""
    try:
        return getattr(part, name, None)
    except RuntimeError:  # it refuses to answer for all its layers
        return getattr(part.per_layer_config[0], name, None)


def fact(configuration: Any, *names: str, prefer: str = "") -> Any:
    """The first entry that is set, by any of its names, or None."""
    for part in nested(configuration, prefer):
        for name in names:
            value = entry(part, name)
            if value is not None:
                return value
    return None


def number(configuration: Any, *names: str, prefer: str = "", default: int) -> int:
    """The first of some entries that is a whole number, or a list that starts with one."""
    found = (_own_number(part, names) for part in nested(configuration, prefer))
    return next((value for value in found if value is not None), default)


def _own_number(part: Any, names: Sequence[str]) -> int | None:
    for name in names:
        value = entry(part, name)
        while isinstance(value, list | tuple) and value:
            value = value[0]
        if isinstance(value, int) and not isinstance(value, bool):
            return value
    return None


def sizes(configuration: Any, names: Mapping[str, Sequence[str]]) -> dict[str, int | str]:
    """Sizes of one part of a configuration, the one that says most of them; of equal ones that which reads text.

    Where other parts have sizes too, ``part`` says which it is: ``text_config``.

    Args:
        configuration: The configuration.
        names: What configurations call each size.
    """
    parts = list(nested(configuration, prefer="text"))
    each = [{size: found for size, called in names.items() if (found := _own_number(part, called))} for part in parts]
    place = max(range(len(parts)), key=lambda number: len(each[number]))
    holders = (vars(part).items() for part in parts)
    held_as = next((name for items in holders for name, value in items if value is parts[place]), "")
    is_one_of_several = held_as and sum(len(found) > 1 for found in each) > 1
    return {"part": held_as, **each[place]} if is_one_of_several else dict(each[place])


def extent(configuration: Any, *names: str, default: int) -> tuple[int, int]:
    """Height and width: from ``224``, ``[224, 448]`` or ``{"height": 224, "width": 448}``."""
    value = fact(configuration, *names, prefer="vision")
    if isinstance(value, dict):
        value = [value.get("height") or next(iter(value.values())), value.get("width") or next(iter(value.values()))]
    if isinstance(value, list | tuple) and value and all(isinstance(size, int) for size in value):
        return value[0], value[-1]
    return (value, value) if isinstance(value, int) else (default, default)


def special_ids(configuration: Any) -> set[int]:
    """Every id that means something: end of text, padding, an image goes here."""
    found: set[int] = set()
    for part in nested(configuration):
        for name, value in vars(part).items():
            if name.endswith(("token_id", "token_index", "_token_ids")):
                found.update(v for v in (value if isinstance(value, list | tuple) else [value]) if isinstance(v, int))
    return found


TABLES = ("max_position_embeddings", "n_positions", "max_seq_len", "max_target_positions")
SENSES = ("vision", "audio", "image", "video", "depth")


def longest(configuration: Any, *, at_most: int) -> int:
    """Tokens that a model takes at once: what its position tables hold, or ``at_most`` if that is less or unsaid.

    The tables of its parts count too, but for those that look or listen.
    """
    held = [entry(part, name) for part in _reading(configuration) for name in TABLES]
    return min([at_most, *(size for size in held if isinstance(size, int) and size > 0)])


def _reading(configuration: Any) -> Iterator[Any]:
    yield configuration
    for name, value in inside(configuration):
        if not any(sense in name for sense in SENSES):
            yield from _reading(value)
