"""From a snapshot to the outline that it was written from, as far as a comparison reads it."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, get_args

from shapetrace.comparing.snapshots import FORMAT, INPUTS
from shapetrace.errors import UsageError
from shapetrace.ir import Model, Plain
from shapetrace.ir import Role as Origin
from shapetrace.outlining.counts import Coverage, Totals
from shapetrace.outlining.roles import Role
from shapetrace.outlining.structure import Operand, Outline, Section, SectionKind, Step, StepKind
from shapetrace.sizing import parse

_OPERAND = re.compile(r"(?P<letter>[wc]?)\[(?P<shape>[^\[\]]*)\](?P<turned>ᵀ?)(?:×(?P<stack>\d+))?")
_INPUT = re.compile(r"(\w+) = (\d+)")
_RANGE = re.compile(r"(?P<before>.*)\{(?P<first>\d+)\.\.(?P<last>\d+)\}(?P<after>.*)")
_COST = re.compile(r"(?:–|(?P<own>[\d,]+))(?: shared (?P<shared>-?[\d,]+))?(?: tied to (?P<tied>.+))?")
_TITLE = re.compile(r"(?P<title>.*?)(?: ×(?P<repeat>\d+))?")
_ORIGINS: dict[str, Origin] = {"": "data", "w": "weight", "c": "constant"}
_MOST_MEMBERS = 100_000


class _LineError(Exception):
    """A line that is none of ours."""


@dataclass
class _Open:
    """A section whose lines are being read."""

    title: str = ""
    kind: str = "model"
    paths: tuple[str, ...] = ("",)
    repeat: int = 1
    repeat_in_all: int = 1
    items: list["Step | Section"] = field(default_factory=list)

    def closed(self) -> Section:
        """The section."""
        own = sum(map(_of_one, self.items))
        return Section(
            self.paths[0], self.title, self.kind, "", self.repeat, self.paths, tuple(self.items), own,  # type: ignore[arg-type]
            is_group=self.paths[0].rpartition(".")[2].startswith("<"),
        )  # fmt: skip


def _of_one(item: "Step | Section") -> int:
    """Parameters of an item in one member of the section around it."""
    return item.parameters if isinstance(item, Step) else item.parameters * item.repeat


def inputs_of(text: str) -> dict[str, int]:
    """The sizes that the input had; of a snapshot without names, none."""
    line = next((line for line in text.split("\n\n", 1)[0].splitlines() if line.startswith(f"{INPUTS}: ")), "")
    return {name: int(size) for name, size in _INPUT.findall(line)}


def read(text: str, source: str, inputs: Mapping[str, int] | None = None) -> Outline:
    """Read a snapshot.

    Args:
        text: What `snapshots.written` wrote.
        source: Name of the file, for messages.
        inputs: Of a snapshot with names: sizes of the input, if not those that it had.

    Raises:
        UsageError: If it is none, or a line is broken: file and line are named.
    """
    lines = [line.rstrip() for line in text.splitlines()]
    if lines[:1] != [FORMAT]:
        raise UsageError(f"{source} is no snapshot: its first line is not {FORMAT!r}; --update writes a new one")
    end = lines.index("") if "" in lines else len(lines)
    facts = dict(line.split(": ", 1) for line in lines[1:end] if ": " in line and not line.startswith("#"))
    facts.pop(INPUTS, None)
    sizes = {**inputs_of(text), **(inputs or {})}
    stack = [_Open()]
    for number, line in enumerate(lines[end:], end + 1):
        if line.strip():
            try:
                _take(line, stack, sizes)
            except (_LineError, ValueError) as error:
                raise UsageError(f"{source}:{number}: {error}: {line.strip()!r}") from error
    while len(stack) > 1:
        _close(stack)
    return _outline(facts, stack[0].closed())


def _take(line: str, stack: list[_Open], sizes: Mapping[str, int]) -> None:
    """One line: the sections that it is not in end before it."""
    depth = (len(line) - len(line.lstrip(" "))) // 2
    if depth >= len(stack):
        raise _LineError("it is in no section")
    while len(stack) > depth + 1:
        _close(stack)
    cells = line.strip().split(" | ")
    around = stack[-1]
    if len(cells) == 3:
        stack.append(_opened(cells, around))
    elif len(cells) == 5:
        around.items.append(_step(cells, around, len(around.items), sizes))
    else:
        raise _LineError("expected TITLE | MODULE | EQUATION | PARAMETERS | KIND ROLE")


def _close(stack: list[_Open]) -> None:
    done = stack.pop()
    stack[-1].items.append(done.closed())


def _opened(cells: Sequence[str], around: _Open) -> _Open:
    found = _TITLE.fullmatch(cells[0])
    repeat = int(found["repeat"] or 1) if found else 1
    if cells[2] not in get_args(SectionKind):
        raise _LineError(f"no kind of section is called {cells[2]!r}")
    paths = tuple(_path(path, around.paths[0]) for path in _members(cells[1]))
    return _Open(found["title"] if found else "", cells[2], paths, repeat, around.repeat_in_all * repeat)


def _members(text: str) -> list[str]:
    if found := _RANGE.fullmatch(text):
        first, last = int(found["first"]), int(found["last"])
        if last - first > _MOST_MEMBERS:
            raise _LineError("so many layers are none")
        return [f"{found['before']}{n}{found['after']}" for n in range(first, last + 1)]
    return text.split(", ")


def _path(text: str, base: str) -> str:
    if text == ".":
        return base
    return text[1:] if text.startswith("/") else f"{base}.{text}" if base else text


def _step(cells: Sequence[str], around: _Open, place: int, sizes: Mapping[str, int]) -> Step:
    title, path, equation, cost, what = cells
    left, _, right = equation.partition(" → ")
    operands, results = _operands(left, sizes), _operands(right, sizes)
    kind, role, function = (*what.split(" ", 2), "", "")[:3]
    if kind not in get_args(StepKind):
        raise _LineError(f"no kind of step is called {kind!r}")
    counted = _COST.fullmatch(cost)
    if counted is None:
        raise _LineError(f"{cost!r} is no number of parameters")
    sign = next((sign for sign in "×+⊙∗" if f"] {sign} " in left or f" {sign} " in left), function or title)
    return Step(
        id=f"{around.paths[0]}/{title}-{place}", section=around.paths[0], kind=kind,  # type: ignore[arg-type]
        title=title, path=_path(path, around.paths[0]), operator=sign, operands=operands, results=results,
        repeat=around.repeat_in_all, parameters=_whole(counted["own"]), shared_parameters=_whole(counted["shared"]),
        tied_to=counted["tied"] or "", inner=_inner(operands) if sign == "×" else None,
        role=Role(role) if role else Role.OTHER, function=function,
    )  # fmt: skip


def _whole(text: str | None) -> int:
    return int(text.replace(",", "")) if text else 0


def _operands(text: str, sizes: Mapping[str, int]) -> tuple[Operand, ...]:
    if not text:
        raise _LineError("it has no shapes")
    return tuple(
        Operand(
            "", _ORIGINS[found["letter"]], tuple(_size(size, sizes) for size in found["shape"].split(",") if size),
            stack=int(found["stack"] or 1), transposed=bool(found["turned"]),
        )
        for found in _OPERAND.finditer(text)
    )  # fmt: skip


def _size(text: str, sizes: Mapping[str, int]) -> int:
    if text.isdigit():
        return int(text)
    try:
        return parse(text).at(sizes)
    except (KeyError, ValueError, ZeroDivisionError) as error:
        raise _LineError(f"{text!r} is no size of the inputs {', '.join(sizes) or '(there are none)'}") from error


def _inner(operands: Sequence[Operand]) -> tuple[int, int] | None:
    """Where a product contracts: the last axis of the first, the last but one of the second."""
    if len(operands) < 2 or not all(operand.shape for operand in operands[:2]):
        return None
    first, second = len(operands[0].shape) - 1, max(len(operands[1].shape) - 2, 0)
    return (first, second) if operands[0].shape[first] == operands[1].shape[second] else None


def _outline(facts: dict[str, str], root: Section) -> Outline:
    counts = {name: _whole(facts.pop(name, "0")) for name in ("parameters", "buffers", "FLOPs in products")}
    name = facts.pop("model", "")
    settings: dict[str, Any] = {key: _plain(value) for key, value in facts.items()}
    flops = counts["FLOPs in products"]
    totals = Totals(counts["parameters"], counts["parameters"], counts["buffers"], 0, flops, flops, 0)
    return Outline(Model(name, settings, ""), root, totals, Coverage(0, 0, 0, 0, 0))


def _plain(text: str) -> Plain:
    """A setting as it was: a number, yes or no, or words."""
    if text in {"True", "False", "None"}:
        return {"True": True, "False": False, "None": None}[text]
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text
