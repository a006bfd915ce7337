"""An outline as the rows that every text format shows: sections, and in them steps."""

from collections.abc import Iterator
from dataclasses import dataclass

from shapetrace.drawing.wording import ENGLISH, Words
from shapetrace.formats.contract import Options
from shapetrace.formats.equations import Dims, Piece, joined, joins_a_stack, pieces, pieces_of_ends, stack_sizes
from shapetrace.formats.numbers import exact
from shapetrace.outlining.equation import meets_one
from shapetrace.outlining.structure import Operand, Outline, Section, Step

_LONGEST_STACK = 3
_IN_STACK = frozenset({"{n} heads", "{n} experts"})
"""Notes that say what the column of heads says."""

_LONGEST_ENDS = 24
"""Cells of a column of module paths that the first and the last of a run may take."""


@dataclass(frozen=True, slots=True)
class TableRow:
    """One line of a table.

    Attributes:
        depth: How many sections it is in.
        title: ``Block ×12``, ``Query``.
        note: A few words that teach.
        module: Module path, as far as it is not said by the sections around it.
        step: The step; None for the head of a section.
        section: The section it heads, or is in.
        pieces: ``[1024,768]×[768,64]→[1024,64]``; for a closed section what goes in and comes out.
        stack: ``×12``: heads, experts, batch times heads.
        parameters: Of one layer; None if a head of an open section.
        flops: Of one layer; None if not counted.
        words: The language of all this.
        number: The step's number, as ``--step`` counts; None for a section.
    """

    depth: int
    title: str
    note: str
    module: str
    step: Step | None
    section: Section
    pieces: tuple[Piece, ...] = ()
    stack: str = ""
    parameters: int | None = None
    flops: int | None = None
    words: Words = ENGLISH
    number: int | None = None

    @property
    def equation(self) -> str:
        """Its pieces as one line of text."""
        return joined(self.pieces)

    @property
    def cost(self) -> str:
        """Parameters as every format writes them: ``590,592``, ``tied to wte``, or a dash."""
        if self.step is not None and self.step.tied_to:
            name = self.step.tied_to.removesuffix(".weight").rpartition(".")[2]
            return self.words.say("tied to {name}", name=name)
        if self.parameters is None:
            return ""
        return exact(self.parameters) if self.parameters else "–"


def rows(outline: Outline, options: Options) -> list[TableRow]:
    """All rows, in order; sections deeper than ``options.depth`` are one row each."""
    return list(_Rows(outline, options).of(outline.root, 0, 1))


class _Rows:
    """Makes the rows of an outline, in the language and with the sizes that are asked for."""

    def __init__(self, outline: Outline, options: Options) -> None:
        self._numbers = outline.numbers()
        self._words, self._dims, self._depth = options.words, options.dims, options.depth

    def of(self, section: Section, level: int, around: int) -> Iterator[TableRow]:
        """Rows of what is in a section; ``around`` is how often it and the sections around it are folded."""
        for item in section.items:
            if isinstance(item, Step):
                yield self._step(item, section, level)
            elif self._depth is not None and level >= self._depth:
                yield self._closed(item, section, level, around * item.repeat)
            else:
                title = headline(item, self._words)
                yield TableRow(level, title, "", members(item, section), None, item, words=self._words)
                yield from self.of(item, level + 1, around * item.repeat)

    def _step(self, step: Step, section: Section, level: int) -> TableRow:
        words = self._words
        notes = [words.note(note) for note in step.notes if note.template not in _IN_STACK]
        return TableRow(
            depth=level,
            title=words.say(step.title),
            note=" · ".join(filter(None, (*notes, _placed(step, words)))),
            module=relative(step.path, section.path),
            step=step,
            section=section,
            pieces=pieces(step, words, self._dims),
            stack=stack(step, self._dims, self._words),
            parameters=step.parameters,
            flops=step.flops,
            words=words,
            number=self._numbers[step.id],
        )

    def _closed(self, section: Section, parent: Section, level: int, times: int) -> TableRow:
        """A section as one row: what goes in, what comes out, what one member costs, of ``times`` that are folded."""
        steps = list(section.steps())
        flops = [step.flops * max(1, step.repeat // times) for step in steps if step.flops is not None]
        return TableRow(
            depth=level,
            title=headline(section, self._words),
            note=self._words.several("{n} steps", len(steps)),
            module=members(section, parent),
            step=None,
            section=section,
            pieces=_ends(section, self._dims),
            parameters=section.parameters,
            flops=sum(flops) if flops else None,
            words=self._words,
        )


def _ends(section: Section, dims: Dims) -> tuple[Piece, ...]:
    """What goes into a section and what comes out."""
    steps = list(section.steps())
    first = _first_data(steps[0].operands) if steps else None
    last = steps[-1].results[0] if steps and steps[-1].results else None
    return pieces_of_ends(first, last, dims) if first and last else ()


def _first_data(operands: tuple[Operand, ...]) -> Operand | None:
    return next((operand for operand in operands if operand.role == "data"), operands[0] if operands else None)


def headline(section: Section, words: Words) -> str:
    """``Block ×12 · window of 512``."""
    times = f" ×{section.repeat}" if section.repeat > 1 else ""
    window = f" · {words.note(section.window)}" if section.window else ""
    return f"{words.say(section.title)}{times}{window}"


def members(section: Section, parent: Section) -> str:
    """Module paths of a section, as far as the one around it does not say them.

    Such as ``h.0 … h.11``, and ``model.layers.0 … 31`` where the second one would say much again.
    """
    if section.is_group:
        return ""
    if section.repeat > 1 and len({*section.members}) > 1:
        first, last = (relative(path, parent.path) for path in (section.members[0], section.members[-1]))
        both = f"{first} … {last}"
        base, _, number = last.rpartition(".")
        return both if len(both) <= _LONGEST_ENDS or base != first.rpartition(".")[0] else f"{first} … {number}"
    return relative(section.path, parent.path)


def relative(path: str, base: str) -> str:
    """A module path without the part that the section around it says: (``h.0.attn``, ``h.0``) -> ``attn``."""
    if path == base:
        return ""
    return path.removeprefix(f"{base}.") if base else path


def stack(step: Step, dims: Dims = "numbers", words: Words = ENGLISH) -> str:
    """How many equal matrices a step has: ``×12``; ``×4·12`` for a batch of 4 and 12 heads; ``1 of 8`` for experts.

    Those are weights of which each row meets one: there is one product of all rows, and not one for each of them.
    """
    shown = max((*step.results, *step.operands), key=lambda operand: operand.stack, default=None)
    if shown is None or shown.stack == 1 or joins_a_stack(step):
        return ""
    is_named = dims != "numbers" and any(shown.stack_dims)
    axes = shown.stack_axes if 1 < len(shown.stack_axes) <= _LONGEST_STACK else (shown.stack,)
    count = "·".join(stack_sizes(shown, dims) if is_named else map(str, axes))
    if meets_one(step):
        return words.say("1 of {n}", n=count)
    return f"×{count}"


_WHOLE_AFTER = frozenset({"all_reduce", "all_gather", "broadcast"})


def _placed(step: Step, words: Words) -> str:
    """Where the parts of a step's matrices lie, ``Replicate × Shard(1) → Shard(1)``; "" if all is whole."""
    transfer = step.transfer
    if transfer is not None:
        after = (
            _placements(step.results[0])
            if step.results[0].shares
            else "Replicate"
            if transfer.talk in _WHOLE_AFTER
            else ""
        )
        before = _placements(step.operands[0]) if step.operands[0].shares or after != "Replicate" else ""
        way = " → ".join(filter(None, (before, after)))
        over = words.say("over {axis}", axis=" = ".join(transfer.axes)) if transfer.axes else ""
        return " · ".join(filter(None, (way, over)))
    if not any(operand.shares for operand in (*step.operands, *step.results)):
        return ""
    sign = f" {step.operator} " if len(step.operator) == 1 else ", "
    return f"{sign.join(map(_placements, step.operands))} → {', '.join(map(_placements, step.results))}"


def _placements(operand: Operand) -> str:
    return "·".join(share.placement for share in operand.shares) or "Replicate"
