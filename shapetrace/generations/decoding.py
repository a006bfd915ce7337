"""How the matrices change from pass to pass: a prefill and the decode steps behind it, with the bill of each."""

import shutil
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from math import prod
from pathlib import Path
from typing import Any

from shapetrace import ir
from shapetrace.api import Explorer, Figure, Trace
from shapetrace.ops.kinds import names_of
from shapetrace.outlining.billing import Bill, put_aside, rows_looked_at, states, weights_read
from shapetrace.outlining.choice import Choice
from shapetrace.outlining.memory import ITEMSIZE
from shapetrace.outlining.recalling import recalled
from shapetrace.outlining.roles import CACHING, KEPT, Part, Role
from shapetrace.outlining.structure import Operand, Outline, Step

_SMALL = frozenset({"norm", "activation", "residual", "position", "pointwise", "select", "split", "add", "multiply"})
"""Kinds of steps that are left out of the table: they multiply nothing and keep nothing."""


_FIRST = 2
"""Passes that tell the others what matrices are: an encoder's, and a decoder's first."""


class Pass:
    """One call of a model.

    Attributes:
        trace: What ran.
        choice: How the id that the next pass reads was chosen behind it.
        earlier: The first passes of the same model, which read what later ones may only put aside.
        spent: Values that an earlier pass left, and the next one does not find any more.
    """

    def __init__(self, trace: Trace, choice: Choice = Choice(), earlier: Sequence["Pass"] = ()) -> None:  # noqa: B008
        self.trace, self.choice, self.earlier = trace, choice, earlier
        self.spent: frozenset[int] = frozenset()

    def meets(self, other: "Pass") -> None:
        """Of what it found it spends what the pass before or behind it does not find."""
        found = {number for _, number in other.trace.kept}
        self.spent = frozenset(value for value, number in self.trace.kept if number not in found)
        for name in ("states", "bill"):
            vars(self).pop(name, None)

    @cached_property
    def outline(self) -> Outline:
        """What it means; a matrix is what it was in the first passes."""
        return recalled(self.trace.outline(), [each.outline for each in self.earlier])

    @cached_property
    def steps(self) -> tuple[Step, ...]:
        """Its steps that multiply, look up or keep something."""
        return tuple(step for step in self.outline.steps() if step.kind not in _SMALL)

    @property
    def form(self) -> tuple[str, ...]:
        """What two passes have in common that are the same: all equations."""
        return tuple(step.equation for step in self.steps)

    @cached_property
    def sizes(self) -> tuple[tuple[int, ...], ...]:
        """What two passes have in common that do the same: the shapes of all data."""
        return tuple(tensor.shape for tensor in self.trace.tensors if tensor.role == "data")

    @property
    def has_logits(self) -> bool:
        """Whether it scores a vocabulary; an encoder by itself does not."""
        return any(step.role == Role.UNEMBED for step in self.steps)

    @cached_property
    def appends(self) -> tuple[Step, ...]:
        """Its steps that put new rows to kept ones."""
        return tuple(step for step in self.steps if step.role in CACHING)

    @cached_property
    def bill(self) -> Bill:
        """What it costs, seen alone: one that does not show what it keeps is taken to keep all its rows."""
        read = sum(map(self._read, self.appends)) + rows_looked_at(self.trace, self.steps, self._put_to)
        written = sum(map(self._written, self.appends))
        read, written = (
            read + sum(map(self._size, self._waiting)),
            written + sum(map(self._size, self._waiting.values())),
        )
        if not self.appends and self.outline.cache is not None:
            written = self.outline.cache.bytes_per_token() * self._rows
        read, written = read + self.states, written + self.states
        return Bill(self.outline.totals.matmul_flops, weights_read(self.trace), read, written)

    @cached_property
    def _put_to(self) -> frozenset[int]:
        """Values to which its steps put rows."""
        return self.outline.appended.union(each.value for step in self.appends for each in step.operands[:-1])

    @cached_property
    def _waiting(self) -> Mapping[int, int]:
        """Rows that it does not read, and the new ones that it puts to them."""
        return put_aside(self.trace, self._put_to)

    @cached_property
    def states(self) -> int:
        """Bytes of states that it reads, and overwrites."""
        read = ((each.value, step.repeat) for step in self.steps for each in step.operands if each.part is Part.STATE)
        kept = [step.operands[0].value for step in self.appends]
        kept += [value for step in self.appends for op in step.ops for value in self.trace.ops[op].inputs[:1]]
        spent = self.spent - self.outline.appended - self._waiting.keys()
        return states(self.trace, kept, () if self.trace.kept else read, spent)

    @property
    def spare(self) -> int:
        """Bytes kept beyond the rows read and written.

        Buffers have these in them, of a fixed size or larger than before, and so have states; what falls out of a
        window is kept no more.
        """
        found, made = -self.states, {each.value for step in self.appends for each in step.results}
        for step in self.appends:
            found -= self._dropped(step)
            if step.role == Role.CACHE_APPEND:
                found += self._as_kept(step, step.results[0]) - sum(self._as_kept(step, each) for each in step.operands)
                continue
            found -= self._written(step)
            is_new = step.operands[0].part not in KEPT and step.operands[0].value not in made
            found += self._bytes(step, step.operands[0]) if is_new else 0
        return found

    def _dropped(self, step: Step) -> int:
        """Bytes of rows that an append cuts off, where nothing in this pass reads what is left."""
        if step.role != Role.CACHE_APPEND:
            return 0
        tensors, ops = self.trace.tensors, [self.trace.ops[op] for op in step.ops]
        grown = max(op.outputs[-1] for op in ops if {"cat", "stack", "copy"} & {*names_of(op.kernels)})
        left = [prod(tensors[value].shape) for value in self._unread_parts.get(grown, ())]
        n_dropped = prod(tensors[grown].shape) - min(left, default=prod(tensors[grown].shape))
        return n_dropped * ITEMSIZE.get(tensors[grown].dtype, 1) * step.repeat

    @cached_property
    def _unread_parts(self) -> Mapping[int, Sequence[int]]:
        """For values that are cut: the parts that no operation reads."""
        read = {value for op in self.trace.ops for value in op.inputs}
        found: dict[int, list[int]] = defaultdict(list)
        for op in self.trace.ops:
            if len(op.inputs) == 1 and {*names_of(op.kernels)} == {"slice"}:
                found[op.inputs[0]] += [value for value in op.outputs if value not in read]
        return found

    @property
    def _rows(self) -> int:
        """Rows of keys that it attends to."""
        return max((step.operands[1].shape[-1] for step in self.steps if step.kind == "scores"), default=0)

    def _read(self, step: Step) -> int:
        return sum(self._bytes(step, operand) for operand in step.operands[:-1] if operand.part in KEPT)

    def _written(self, step: Step) -> int:
        """Bytes of new rows as they are kept, whatever they were computed in."""
        return self._as_kept(step, step.operands[-1])

    def _as_kept(self, step: Step, operand: Operand) -> int:
        """Bytes of rows in the type of those that were kept."""
        return self._bytes(step, replace(operand, value=step.operands[0].value))

    def _size(self, value: int) -> int:
        return prod(self.trace.tensors[value].shape) * ITEMSIZE.get(self.trace.tensors[value].dtype, 1)

    def _bytes(self, step: Step, operand: Operand) -> int:
        itemsize = ITEMSIZE.get(self.trace.tensors[operand.value].dtype, 1)
        return prod(operand.shape) * operand.stack * step.repeat * itemsize


class Generation:
    """Passes of one model, in the order in which they ran.

    Attributes:
        passes: All of them.
        is_cached: Whether rows are kept from pass to pass; else each pass computes all of the text again.
        beside: The same generation with a cache, where this one has none.
    """

    def __init__(self, *, is_cached: bool = True, beside: "Generation | None" = None) -> None:
        self.passes: list[Pass] = []
        self.is_cached, self.beside = is_cached, beside

    def add(self, trace: ir.Trace, *, source: str = "") -> None:
        """One more pass has ended; what it has in common with the one before is kept once.

        Args:
            trace: What ran.
            source: The file that it was read from.
        """
        found = Trace.of(_sharing(self.passes[-1].trace, trace) if self.passes else trace)
        object.__setattr__(found, "_source", source)  # for errors that only its meaning shows
        self.passes.append(Pass(found, earlier=tuple(self.passes[:_FIRST])))
        if found.kept and len(self.passes) > 1:  # the last one is taken to go on as the one before it did
            before, last = self.passes[-2:]
            before.meets(last)
            last.meets(before)

    def save(self, path: str | Path) -> None:
        """Write all passes to one JSON file, compressed if the name ends in ``.gz``; `shapetrace.load` reads it.

        Raises:
            UsageError: If it cannot be written there.
        """
        from shapetrace.generations.files import written
        from shapetrace.serialize import keep

        keep(written(self), Path(path))

    def chose(self, words: tuple[str, ...]) -> None:
        """What the loop did with the scores of the last pass; () if they did not lead to the next ids."""
        self.passes[-1].choice = Choice(words)

    @property
    def bills(self) -> list[Bill]:
        """What each pass costs."""
        return [self.bill(number) for number in range(len(self.passes))]

    def bill(self, number: int) -> Bill:
        """What one pass costs; where it does not show what it keeps, that is what the next one finds.

        The last one keeps all its rows, unless the passes before it were seen to keep none.
        """
        each, last = self.passes[number], number == len(self.passes) - 1
        if each.appends or each.states:
            return each.bill
        if not last:
            written = self.passes[number + 1].bill.cache_read - each.bill.cache_read
            return replace(each.bill, cache_written=max(written, 0))
        keeps = number == 0 or any(other.bill.cache_read for other in self.passes)
        return each.bill if keeps else replace(each.bill, cache_written=0)

    @property
    def failure(self) -> str:
        """One line that says how the last pass ended early, or ""."""
        return self.passes[-1].outline.failure if self.passes and self.passes[-1].trace.failure else ""

    @property
    def cache_bytes(self) -> int:
        """Bytes kept after the last pass."""
        if not self.passes:
            return 0
        last = self.bill(len(self.passes) - 1)
        return last.cache_read + last.cache_written + self.passes[-1].spare

    def explore(self, **options: Any) -> Explorer:
        """A page to walk through all passes, with a timeline; options as for `shapetrace.explore`."""
        from shapetrace.api import explorer
        from shapetrace.generations.running import tour

        return explorer(tour(self), **options)

    def figure(self, *, theme: str = "default", lang: str = "en", **choices: Any) -> Figure:
        """Prefill, first and last decode step in columns of one figure.

        Args:
            theme: ``default`` (light and dark in one file), ``light``, ``dark``, ``print``, or a TOML file.
            lang: Language of its words: ``en``, ``zh``.
            choices: Further choices by name: ``width``, ``title``, ``caption``, ``bare``, ``follow`` (a row
                that is marked in all passes), ``animate`` (an SVG or GIF in which one thing appears after another).

        Raises:
            UsageError: If there is no pass, or no such theme, language or choice.
        """
        from shapetrace.api import look_of
        from shapetrace.formats.contract import Options
        from shapetrace.generations.running import drawing

        return Figure(drawing(self, Options(theme=theme, lang=lang, look=look_of(None, choices))))

    def __str__(self) -> str:
        from shapetrace.formats.contract import Options
        from shapetrace.formats.table import render_grid
        from shapetrace.generations.table import grid

        return render_grid(grid(self), Options(width=shutil.get_terminal_size((110, 40)).columns))


def _sharing(before: ir.Trace, trace: ir.Trace) -> ir.Trace:
    """A trace whose items are those of another one where they are equal: thousands of passes fit into memory."""
    lists = {name: (getattr(before, name), getattr(trace, name)) for name in ("tensors", "ops", "calls", "parameters")}
    shared = {
        name: tuple(old if old == new else new for old, new in zip(olds, news, strict=False)) + news[len(olds) :]
        for name, (olds, news) in lists.items()
    }
    return replace(trace, **shared)


def shown(passes: Sequence[Pass]) -> list[int]:
    """Numbers of the passes that have a column: all where they are few, else the first two and the last."""
    if len(passes) <= 3:
        return list(range(len(passes)))
    return [0, 1, len(passes) - 1]
