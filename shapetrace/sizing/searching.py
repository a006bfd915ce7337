"""Which sizes can be varied together: all, all but what the model refuses, or some of them tied to be one."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from shapetrace.ir import Failure, Trace
from shapetrace.sizing.aligning import align
from shapetrace.sizing.variables import Variable, alone, draws

SAMPLES = 3
"""Passes at other sizes."""

TOO_MANY = "not tried: too many sizes to find out about"

_LONGEST_REASON = 160

_REFUSED = 100
"""What a model that cannot be built counts as, in operations."""


class Attempt(Protocol):
    """Runs the model with some variables changed."""

    def __call__(self, values: Mapping[str, int], *, shallow: bool) -> Trace:
        """The pass at these values, by the variables' keys; ``shallow`` with few layers, to see whether it runs.

        Raises:
            Exception: Whatever the model says to such sizes.
        """


@dataclass(slots=True)
class Search:
    """What is found out about variables.

    Attributes:
        attempt: Runs the model.
        variables: All that can be chosen.
        has_shallow: Whether a pass with few layers is another one than the whole.
        budget: Operations that passes which only show whether a model runs may still make.
        end: How the pass that is named ended, see `ending`: another tells something if it ends so too.
        refused: Why one is not varied, by its key.
    """

    attempt: Attempt
    variables: Sequence[Variable]
    has_shallow: bool = True
    budget: int = 0
    end: object = None
    refused: dict[str, str] = field(default_factory=dict)
    _tried: dict[tuple[object, ...], Trace | str] = field(default_factory=dict)

    def run(self, values: Mapping[Variable, int], *, shallow: bool = True) -> Trace | str:
        """A pass, or why there is none."""
        shallow = shallow and self.has_shallow
        changed = {variable: value for variable, value in values.items() if value != variable.base}
        by_key = {key: value for variable, value in changed.items() for key in variable.keys}
        asked = (shallow, *sorted(by_key.items()))
        if asked not in self._tried:
            if shallow and self.budget < 0:
                return TOO_MANY
            try:
                found = self.attempt(by_key, shallow=shallow)
            except Exception as error:  # noqa: BLE001 - what a model says to other sizes can be anything
                self._tried[asked] = _one_line(error)
                self.budget -= _REFUSED if shallow else 0
            else:
                self.budget -= len(found.ops) if shallow else 0
                self._tried[asked] = found if ending(found) == self.end else _ended(found.failure)
        return self._tried[asked]

    def draws(self, taken: Sequence[Variable], *, more: int = 0) -> list[dict[Variable, int]]:
        """Values at which the model is compared, and more of them, for variables that are varied while others stay."""
        keys = {key for each in taken for key in each.keys}
        fixed = [each.base for each in self.variables if each.kind == "entry" and each.key not in keys]
        return draws(taken, SAMPLES, fixed, more=more)

    def stays(self, taken: Sequence[Variable]) -> list[bool]:
        """Of each variable whether it has its own value in all draws."""
        values = self.draws(taken)
        return [all(found[each] == each.base for found in values) for each in taken]

    def fit(self, taken: Sequence[Variable]) -> str:
        """Why variables cannot be varied together; "" if they can."""
        first, *others = self.draws(taken)
        return self.fits(first) or next((found for found in map(self.run, others) if isinstance(found, str)), "")

    def fits(self, values: Mapping[Variable, int]) -> str:
        """Why values tell nothing: "" if the model runs, and its entries alone do not make it run other operations."""
        found = self.run(values)
        if isinstance(found, str):
            return found
        inputs = {variable: value for variable, value in values.items() if variable.kind == "input"}
        plain = self.run(inputs) if len(inputs) < len(values) else found
        apart = {} if isinstance(plain, str) else align(plain, found).apart
        for path, (before, after) in apart.items():
            return f"other operations in {path or 'the model itself'}: {before} became {after}"
        return ""


def taken(search: Search) -> list[Variable]:
    """The variables that can be varied together."""
    variables = list(search.variables)
    if isinstance(search.run({}), str):  # not even as it is
        search.has_shallow = False
    tied = _tied(variables)
    if not search.fit(variables):
        return variables
    for heads in (_with_one_number_of_heads(variables), _with_doubled_heads(variables)):
        if heads != variables and not search.fit(heads):
            return heads
    is_tied = len(tied) < len(variables) and not search.fit(tied)
    if is_tied:
        untied = _untied(tied, search)
        if not search.fit(untied):
            return untied
    found = _one_by_one(search)
    if is_tied and (any(search.stays(found)) or any(each.key in search.refused for each in variables)):
        search.refused.clear()
        return _loosened(tied, search)
    return found


def _one_by_one(search: Search) -> list[Variable]:
    """Those that can be varied, alone or in pairs, and all of them together: inputs first, then entries by size."""
    able = [found for each in search.variables if (found := _able(each, search)) is not None]
    able += _able_in_pairs(search)
    inputs = [each for each in able if each.kind == "input"]
    entries = sorted((each for each in able if each.kind == "entry"), key=lambda each: -each.base)
    return _together(_together([], inputs, search), entries, search)


def _tied(variables: Sequence[Variable]) -> list[Variable]:
    """Entries of one size as one variable, each group."""
    groups: dict[object, list[Variable]] = defaultdict(list)
    for each in variables:
        groups[each.base if each.kind == "entry" and each.base > 1 else each].append(each)
    return [replace(first, also=tuple(other.key for other in others)) for first, *others in groups.values()]


def _with_one_number_of_heads(variables: Sequence[Variable]) -> list[Variable]:
    """Heads of keys that are as many as those of queries as one with them: fewer would take another branch."""
    bases = {each.symbol: each for each in variables}
    queries, keys = bases.get("h"), bases.get("h_kv")
    if queries is None or keys is None or queries.base != keys.base:
        return list(variables)
    return [replace(each, also=keys.keys) if each is queries else each for each in variables if each is not keys]


def _with_doubled_heads(variables: Sequence[Variable]) -> list[Variable]:
    """Heads that are a power of two stay one: others get slopes of another rule (ALiBi)."""
    return [replace(each, doubled=True) if each.symbol == "h" and each.base & (each.base - 1) == 0 else each
            for each in variables]  # fmt: skip


def _untied(options: Sequence[Variable], search: Search) -> list[Variable]:
    """Of those that were tied, each for itself that can be varied for itself."""
    by_key = {each.key: each for each in search.variables}
    found: list[Variable] = []
    for each in options:
        members = [by_key[key] for key in each.keys]
        free = [member for member in members[1:] if _able(member, search) is not None] if members[1:] else []
        rest = [member for member in members if member not in free]
        found += [replace(rest[0], also=tuple(other.key for other in rest[1:])), *free]
        for member in members:
            search.refused.pop(member.key, None)
    return found


def _loosened(tied: Sequence[Variable], search: Search) -> list[Variable]:
    """All that were tied, each for itself with which the model still runs."""
    by_key = {each.key: each for each in search.variables}
    found = list(tied)
    for key in [key for each in tied for key in each.also]:
        rest = [replace(each, also=tuple(other for other in each.also if other != key)) for each in found]
        if not search.fit([*rest, by_key[key]]):
            found = [*rest, by_key[key]]
    return found


def _able(variable: Variable, search: Search) -> Variable | None:
    """The variable, with steps that the model takes; None if the model refuses any other value."""
    reasons = []
    for value, step in alone(variable):
        changed = replace(variable, step=step)
        reason = search.fits({changed: value})
        if not reason:
            return changed
        if reason == TOO_MANY and variable.kind == "input":
            return variable  # whether it can be varied shows in the passes that are compared
        reasons.append(f"{variable.base} → {value}: {reason}")
    search.refused[variable.key] = reasons[0]
    return None


def _able_in_pairs(search: Search) -> list[Variable]:
    """Entries of one size that are refused alone, and not together."""
    found: list[Variable] = []
    refused = [each for each in search.variables if each.key in search.refused and each.kind == "entry"]
    for each in _tied(refused):
        if each.also and not any(map(search.fits, ({each: value} for value, _ in list(alone(each))[:1]))):
            found.append(each)
            for key in each.keys:
                del search.refused[key]
    return found


def _together(before: Sequence[Variable], more: Sequence[Variable], search: Search) -> list[Variable]:
    """Those before, and of some more as many as run with them; halves are tried where all do not."""
    if not more:
        return list(before)
    both = [*before, *more]
    reason = search.fit(both)
    if not reason or (reason == TOO_MANY and more[0].kind == "input"):
        return both
    if len(more) == 1:
        ways = (replace(more[0], below=True), replace(more[0], doubled=True))
        others = ways if more[0].kind == "entry" else (replace(more[0], longer=True),)
        for each in others:
            if not search.stays([*before, each])[-1] and not search.fit([*before, each]):
                return [*before, each]
        search.refused[more[0].key] = f"together with others: {reason}" if before else reason
        return list(before)
    half = len(more) // 2
    return _together(_together(before, more[:half], search), more[half:], search)


def ending(trace: Trace) -> object:
    """How a pass ended: None if it did not fail, else in which operation of which module, and with what error."""
    failure = trace.failure
    if failure is None:
        return None
    path = trace.calls[failure.call].path if trace.calls else ""
    return failure.type, failure.op, path, failure.line, len(failure.inputs)


def _ended(failure: Failure | None) -> str:
    return "the pass does not fail there" if failure is None else f"{failure.type}: {failure.message}"


def _one_line(error: Exception) -> str:
    text = " ".join(str(error).split()) or "no reason given"
    return f"{type(error).__name__}: {text}"[:_LONGEST_REASON]
