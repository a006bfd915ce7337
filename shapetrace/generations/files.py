"""Generations as files: the first pass whole, of each further one what it changes of the pass before.

Passes that change numbers by the same amounts, as decode steps do, are one entry with how often it is applied.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, get_type_hints

import msgspec

from shapetrace import ir
from shapetrace.errors import UsageError
from shapetrace.outlining.choice import Choice
from shapetrace.serialize import content, faults, format_of, one_line, to_document

if TYPE_CHECKING:
    from shapetrace.generations.decoding import Generation

FORMAT = "shapetrace-generation"
VERSION = 1

MOST_PASSES = 20_000
MOST_CHANGES = 20_000_000
"""More than a generation has; a small hostile file could ask for any number."""

Document: TypeAlias = dict[str, Any]
"""A trace as JSON has it."""
Place: TypeAlias = tuple[str | int, ...]
Changes: TypeAlias = list[tuple[Place, Any, Any]]
"""Where two documents differ, with both values."""

_ITEMS = {"tensors": ir.Tensor, "ops": ir.Op, "calls": ir.Call, "parameters": ir.Parameter}
_HINTS = get_type_hints(ir.Trace)


class _Entry(msgspec.Struct, omit_defaults=True):
    """One pass, or several that go on in the same way.

    Attributes:
        trace: The pass whole; else it is the one before with what changes.
        sets: Places with their new values.
        grows: Places with what is added to their numbers.
        times: How often this is done.
        choice: How the id behind each of these passes was chosen.
    """

    trace: Document | None = None
    sets: list[tuple[list[str | int], Any]] = []
    grows: list[tuple[list[str | int], int]] = []
    times: int = 1
    choice: Choice | None = None


class _File(msgspec.Struct, omit_defaults=True):
    format: str
    version: int
    is_cached: bool
    passes: list[_Entry]
    beside: list[_Entry] = []


def written(of: "Generation") -> bytes:
    """Write a generation; the same passes give the same bytes."""
    beside = [] if of.beside is None else list(_entries(of.beside))
    file = _File(FORMAT, VERSION, of.is_cached, list(_entries(of)), beside)
    return msgspec.json.format(msgspec.json.encode(file), indent=0) + b"\n"


def _entries(of: "Generation") -> Iterator[_Entry]:
    """Entries of all passes, in order."""
    before: tuple[ir.Trace, Document] | None = None
    last: _Entry | None = None
    for each in of.passes:
        document = to_document(each.trace, before)
        changes = None if before is None else list(_changes(before[1], document))
        entry = _entry(document, changes, each.choice)
        before = each.trace, document
        if last is not None and _goes_on(last, entry):
            last.times += 1
            continue
        if last is not None:
            yield last
        last = entry
    if last is not None:
        yield last


def _entry(document: Document, changes: Changes | None, choice: Choice) -> _Entry:
    if changes is None:
        return _Entry(document, choice=choice)
    entry = _Entry(choice=choice)
    for place, old, new in changes:
        if type(old) is type(new) is int:
            entry.grows.append((list(place), new - old))
        else:
            entry.sets.append((list(place), new))
    is_small = 2 * len(msgspec.json.encode(entry)) < len(msgspec.json.encode(document))
    return entry if is_small else _Entry(document, choice=choice)


def _goes_on(last: _Entry, entry: _Entry) -> bool:
    """Whether a pass changes the one before as that changed the one before it."""
    same = (last.grows, last.choice) == (entry.grows, entry.choice)
    return same and not (last.trace or entry.trace or last.sets or entry.sets)


def _changes(before: Any, after: Any, place: Place = ()) -> Iterator[tuple[Place, Any, Any]]:
    if type(before) is type(after) is dict and before.keys() == after.keys():
        for key, old in before.items():
            if old is not after[key] and old != after[key]:
                yield from _changes(old, after[key], (*place, key))
    elif type(before) is type(after) is list and len(before) == len(after):
        for number, pair in enumerate(zip(before, after, strict=True)):
            if pair[0] is not pair[1] and pair[0] != pair[1]:
                yield from _changes(*pair, (*place, number))
    elif before != after:
        yield place, before, after


def is_generation(path: Path) -> bool:
    """Whether a file holds a generation; False if it cannot be read."""
    try:
        return format_of(content(path)) == FORMAT
    except UsageError:
        return False


def read(data: bytes, name: str) -> "Generation":
    """Read a generation and check that each pass holds together.

    Raises:
        UsageError: If it is broken, or from a newer shapetrace.
    """
    from shapetrace.generations.decoding import Generation

    try:
        file = msgspec.json.decode(data, type=_File)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UsageError(f"{name} is no readable generation: {one_line(error)}") from error
    if not 1 <= file.version <= VERSION:
        raise UsageError(
            f"{name} has generation format {file.version}, this shapetrace reads {VERSION}: "
            "upgrade shapetrace, or trace the model again"
        )
    beside = None
    if file.beside:
        beside = Generation()
        _fill(beside, file.beside, name)
    found = Generation(is_cached=file.is_cached, beside=beside)
    _fill(found, file.passes, name)
    return found


def _fill(found: "Generation", entries: Sequence[_Entry], name: str) -> None:
    n_passes = sum(max(entry.times, 0) for entry in entries)
    n_changes = sum(max(entry.times, 0) * (len(entry.grows) + len(entry.sets)) for entry in entries)
    if n_passes > MOST_PASSES or n_changes > MOST_CHANGES:
        raise UsageError(f"{name} holds more than {MOST_PASSES:,} passes, or changes more in them than passes do")
    reader = _Reader(name)
    for entry in entries:
        if entry.times < 1:
            raise UsageError(f"{name} contradicts itself: a pass that ran {entry.times} times")
        for _ in range(entry.times):
            found.add(reader.next(entry), source=name)
            found.passes[-1].choice = entry.choice or Choice()


class _Reader:
    """The passes of a file one after another; what a pass does not change is the same object as in the one before."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._document: Document | None = None
        self._made: dict[str, dict[int, tuple[Any, Any]]] = {field: {} for field in _ITEMS}

    def next(self, entry: _Entry) -> ir.Trace:
        """The pass that an entry says, behind those said so far."""
        try:
            self._document = entry.trace if entry.trace is not None else self._changed(entry)
            trace = ir.Trace(**{
                field.name: self._field(field.name, self._document[field.name])
                for field in fields(ir.Trace)
                if field.name in self._document
            })  # fmt: skip
        except (msgspec.ValidationError, TypeError, LookupError, RecursionError) as error:
            raise UsageError(
                f"{self._name} contradicts itself: {one_line(error) or 'a pass lacks something'}"
            ) from error
        for fault in faults(trace):
            raise UsageError(f"{self._name} contradicts itself: {fault}")
        return trace

    def _changed(self, entry: _Entry) -> Document:
        if self._document is None:
            raise UsageError(f"{self._name} contradicts itself: its first pass changes one before it")
        document = dict(self._document)
        own: dict[Place, Any] = {(): document}
        for place, value in entry.sets:
            holder = _holder(own, place)
            holder[place[-1]] = value
        for place, by in entry.grows:
            holder = _holder(own, place)
            if type(holder[place[-1]]) is not int:
                raise TypeError(f"{place[-1]!r} is no number")
            holder[place[-1]] += by
        return document

    def _field(self, name: str, value: Any) -> Any:
        """A field of a trace; items that were read before are not read again."""
        if name not in _ITEMS or not isinstance(value, list):
            return msgspec.convert(value, _HINTS[name])
        made, before = dict[int, tuple[Any, Any]](), self._made[name]
        for number, item in enumerate(value):
            known = before.get(number)
            is_known = known is not None and known[0] is item
            made[number] = known if is_known else (item, msgspec.convert(item, _ITEMS[name]))  # type: ignore[assignment]
        self._made[name] = made
        return tuple(item for _, item in made.values())


def _holder(own: dict[Place, Any], place: Sequence[str | int]) -> Any:
    """What holds a place, copied once: the document before shares what is not changed."""
    if not place:
        raise LookupError("a change of nothing")
    holder = own[()]
    for depth, key in enumerate(place[:-1], 1):
        here = tuple(place[:depth])
        if here not in own:
            inner = _inner(holder, key)
            own[here] = holder[key] = dict(inner) if isinstance(inner, Mapping) else list(inner)
        holder = own[here]
    _inner(holder, place[-1])
    return holder


def _inner(holder: Any, key: str | int) -> Any:
    if isinstance(holder, dict) and isinstance(key, str) and key in holder:
        return holder[key]
    if isinstance(holder, list) and type(key) is int and 0 <= key < len(holder):
        return holder[key]
    raise LookupError(f"no place {str(key)[:40]!r}")
