"""From an outline to the lines of its overview: what is a mark, what shares a row, what is referred to."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from shapetrace.drawing.compact.equations import multiplies
from shapetrace.drawing.condensing.lines import Equation, Framed, Hung, Join, Like, Line, every
from shapetrace.drawing.content.priming import activated, with_primes
from shapetrace.drawing.content.rows import Row, rows_of
from shapetrace.drawing.look import Look
from shapetrace.outlining.structure import Outline, Section, Step

_HANGING = frozenset(
    "norm activation position pointwise softmax select route reduce split add multiply residual".split()
)
_REFERRED = frozenset({"attention", "mlp", "experts", "block"})
_MOST_FRAMES = 2
_MOST_ABREAST = 3
_MOST_MARKS = 30
"""Lines beyond the rows that a figure may have: small functions and sums take little room."""


def lines_of(outline: Outline, look: Look, *, any_size: bool = False) -> tuple[Line, ...]:
    """All lines of a pass, from top to bottom; none if no layer repeats, or they are more than a figure may have.

    Args:
        outline: What a trace means.
        look: What is hidden, and how many rows there may be.
        any_size: Refer to a section above also where its sizes are others: the stages of a hierarchy.
    """
    readers = _readers(outline)
    norms = [step for step in outline.steps() if step.kind == "norm" and step.operands]
    sums = {step.id for step in outline.steps() if _is_sum(step)}
    after = {norm.operands[0].made_by: norm for norm in norms if _ends_a_sum(norm, sums, readers)}
    ends = {norm.id for norm in after.values()}
    homes = dict(_homes(outline.root, outline.root))
    leads = {norm.id: norm for norm in norms if norm.id not in ends and _leads(norm, readers, homes)}
    primed = activated(outline.steps())
    lines = _Gathering(look, readers, leads, after, primed, any_size).section(outline.root, 0, 1)
    placed = {norm.id for line in every(lines) for norm in _marks(line)}
    if placed != {*leads, *ends}:  # what would be in front of no row, or behind no sum, is a function like others
        leads = {name: norm for name, norm in leads.items() if name in placed}
        after = {maker: norm for maker, norm in after.items() if norm.id in placed}
        lines = _Gathering(look, readers, leads, after, primed, any_size).section(outline.root, 0, 1)
    n_lines = sum(len(line.steps) if isinstance(line, Hung) else 1 for line in every(lines))
    repeats = any(isinstance(line, Framed) for line in lines)
    return lines if repeats and n_lines <= look.max_rows + _MOST_MARKS else ()


def _marks(line: Line) -> tuple[Step, ...]:
    """The norms that a line shows as marks."""
    if isinstance(line, Like):
        return line.leads
    norm = line.lead if isinstance(line, Equation) else line.norm if isinstance(line, Join) else None
    return (norm,) if norm is not None else ()


def _is_sum(step: Step) -> bool:
    return step.kind == "residual" and len(step.operands) > 1 and bool(step.results)


def _readers(outline: Outline) -> Mapping[str, tuple[Step, ...]]:
    found: dict[str, list[Step]] = {}
    for step in outline.steps():
        for maker in dict.fromkeys(operand.made_by for operand in step.operands):
            found.setdefault(maker, []).append(step)
    return {maker: tuple(steps) for maker, steps in found.items()}


@dataclass(slots=True)
class _Gathering:
    look: Look
    readers: Mapping[str, tuple[Step, ...]]
    leads: Mapping[str, Step]
    after: Mapping[str, Step]
    primed: frozenset[str]
    any_size: bool
    shown: dict[object, Section] = field(default_factory=dict)

    def section(self, section: Section, depth: int, repeat: int) -> tuple[Line, ...]:
        lines: list[Line] = []
        run: list[Step] = []
        for item in section.items:
            if isinstance(item, Step):
                run.append(with_primes(item, self.primed))
                continue
            lines += self._run(run, repeat)
            run = []
            lines += self._inner(item, depth, repeat)
        lines += self._run(run, repeat)
        return _chained(lines, section) if depth or section.repeat > 1 else _chained(lines, None)

    def _inner(self, section: Section, depth: int, repeat: int) -> Iterator[Line]:
        form = _form(section, any_size=self.any_size)
        above = self.shown.get(form) if form else None
        if above is not None and section.kind in _REFERRED and section.repeat == 1:
            read = dict.fromkeys(operand.made_by for step in section.steps() for operand in step.operands)
            outside = read.keys() & self.leads.keys() - {step.id for step in section.steps()}
            resized = _form(section) != _form(above)
            yield Like(section, above, tuple(self.leads[name] for name in read if name in outside), resized)
            return
        self.shown.setdefault(form, section)
        if section.repeat > 1 and depth < _MOST_FRAMES:
            yield Framed(section, self.section(section, depth + 1, repeat))
        else:
            yield from self.section(section, depth, repeat * section.repeat)

    def _run(self, steps: Sequence[Step], repeat: int) -> Iterator[Line]:
        """Steps of one section between its own sections."""
        kept = [step for step in steps if step.kind not in self.look.hidden_kinds]
        apart = {*self.leads, *(norm.id for norm in self.after.values())}
        equations = [step for step in kept if step.id not in apart and not _is_sum(step) and not _hangs(step)]
        chains = rows_of([step for step in kept if step.id not in apart and not _is_sum(step)], self.look)
        rows = {row.steps[0].id: row for row in _going_on(tuple(_abreast(chains, equations)), self.readers)}
        drawn = {step.id for row in rows.values() for step in row.drawn()}
        hung: list[Step] = []
        for step in kept:
            if step.id in rows or _is_sum(step):
                yield from _hung(hung)
                hung = []
            if step.id in rows:
                first = step.operands[0] if step.operands else None
                lead = self.leads.get(first.made_by) if first is not None else None
                yield Equation(replace(rows[step.id], repeat=repeat), lead)
            elif _is_sum(step):
                yield Join(step, self.after.get(step.id))
            elif step.id not in drawn and step.id not in apart:
                hung.append(step)
        yield from _hung(hung)


def _homes(section: Section, home: Section) -> Iterator[tuple[str, Section]]:
    """The repeated section around each step."""
    for item in section.items:
        if isinstance(item, Step):
            yield item.id, home
        else:
            yield from _homes(item, item if item.repeat > 1 else home)


def _leads(norm: Step, readers: Mapping[str, tuple[Step, ...]], homes: Mapping[str, Section]) -> bool:
    """Whether products read what a norm makes, first, as often as it is computed, and nothing else does."""
    found = readers.get(norm.id, ())
    return bool(found) and all(
        multiplies(reader) and reader.operands[0].made_by == norm.id and homes[reader.id] is homes[norm.id]
        for reader in found
    )


def _ends_a_sum(norm: Step, sums: Collection[str], readers: Mapping[str, tuple[Step, ...]]) -> bool:
    """Whether a norm reads a sum of a residual that nothing else reads, and later sums go on from it."""
    maker = norm.operands[0].made_by
    found = readers.get(maker, ())
    goes_on = any(reader.kind == "residual" for reader in readers.get(norm.id, ()))
    return maker in sums and len(found) == 1 and goes_on and bool(norm.results)


def _hangs(step: Step) -> bool:
    """Whether a step is a function of data alone, with no matrix of weights to be drawn."""
    return step.kind in _HANGING and not any(o.role != "data" and len(o.shape) > 1 for o in step.operands)


def _hung(steps: Sequence[Step]) -> Iterator[Line]:
    if steps:
        yield Hung(tuple(steps))


def _abreast(rows: Sequence[Row], equations: Sequence[Step]) -> Iterator[Row]:
    """Rows that are drawn to scale; products of one value, one after the other, share a row."""
    scaled = {step.id for step in equations}
    merged: list[Row] = []
    for row in rows:
        if row.steps[0].id not in scaled:
            continue
        if merged and _share(merged[-1], row):
            merged[-1] = replace(merged[-1], alike=(*merged[-1].alike, *row.drawn()))
        else:
            merged.append(row)
    yield from merged


def _going_on(rows: Sequence[Row], readers: Mapping[str, tuple[Step, ...]]) -> Iterator[Row]:
    """What only the product behind a weighted sum reads goes on in the same row."""
    done: list[Row] = []
    for row in rows:
        before, step = (done[-1] if done else None), row.steps[0]
        if (
            before is not None
            and not before.alike
            and before.steps[0].kind == "weighted_sum"
            and step.kind == "product"
            and multiplies(step)
            and step.operands[0].made_by == before.steps[-1].id
            and len(readers.get(before.steps[-1].id, ())) == 1
            and not row.alike
        ):
            done[-1] = replace(before, steps=(*before.steps, *row.steps))
        else:
            done.append(row)
    yield from done


def _share(one: Row, other: Row) -> bool:
    steps = (*one.drawn(), *other.drawn())
    first = steps[0]
    return (
        len(one.steps) == len(other.steps) == 1
        and len(steps) <= _MOST_ABREAST
        and all(step.kind == "product" and multiplies(step) and len(step.operands) == 2 for step in steps)
        and all(_read(step) == _read(first) for step in steps)
    )


def _read(step: Step) -> tuple[object, ...]:
    read = step.operands[0]
    return (read.value, read.made_by, read.shape, read.stack)


def _chained(lines: Sequence[Line], section: Section | None) -> tuple[Line, ...]:
    """Tell of each sum whether it goes on from the one before it, or from what came in."""
    inside = {step.id for step in section.steps()} if section is not None else set()
    before: set[str] = set()
    done: list[Line] = []
    joins = [place for place, line in enumerate(lines) if isinstance(line, Join)]
    for place, line in enumerate(lines):
        if isinstance(line, Join):
            older = line.step.operands[0].made_by if line.step.operands else ""
            goes_on = older in before if before else section is not None and older not in inside
            is_last = section is not None and section.repeat > 1 and place == joins[-1]
            before = {line.step.id, *([line.norm.id] if line.norm else [])}
            done.append(replace(line, goes_on=goes_on, is_last=is_last))
        else:
            done.append(line)
    return tuple(done)


def _form(section: Section, *, any_size: bool = False) -> object:
    """Equal for sections that look alike; with ``any_size``, also if their matrices are of other sizes."""

    def told(step: Step) -> object:
        if any_size:
            return tuple((o.role, o.part, o.pattern, len(o.shape)) for o in step.operands)
        return step.equation, tuple((o.stack, o.pattern, o.band) for o in step.operands)

    return tuple((step.kind, step.role, step.function, told(step)) for step in section.steps())
