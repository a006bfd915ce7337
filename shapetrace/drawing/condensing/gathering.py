"""From an outline to the lines of its overview: what is a mark, what shares a row, what is referred to."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from shapetrace.drawing.compact.equations import multiplies
from shapetrace.drawing.condensing.chaining import abreast, going_on, hangs, with_functions
from shapetrace.drawing.condensing.lines import Closed, Equation, Framed, Head, Hung, Join, Line, every
from shapetrace.drawing.content.priming import activated, with_primes
from shapetrace.drawing.content.rows import rows_of
from shapetrace.drawing.look import Look
from shapetrace.outlining.structure import Outline, Section, Step

_MOST_FRAMES = 2
_LEAST_HEADED = 3
"""Lines of a part that has a heading."""
_LEAST_PARTS = 2
_LEAST_REFERRED = 3
"""Steps that a section has to have: fewer are as soon drawn as referred to."""


def lines_of(outline: Outline, look: Look, *, any_size: bool = False, closed: Collection[int] = ()) -> tuple[Line, ...]:
    """All lines of a pass, from top to bottom.

    Args:
        outline: What a trace means.
        look: What is hidden.
        any_size: Refer to a section above also where its sizes are others: the stages of a hierarchy.
        closed: ``id`` of each section that is said in one line.
    """
    readers = _readers(outline)
    norms = [step for step in outline.steps() if step.kind == "norm" and step.operands]
    sums = {step.id for step in outline.steps() if _is_sum(step)}
    after = {norm.operands[0].made_by: norm for norm in norms if _ends_a_sum(norm, sums, readers)}
    ends = {norm.id for norm in after.values()}
    homes = dict(_homes(outline.root, outline.root))
    leads = {norm.id: norm for norm in norms if norm.id not in ends and _leads(norm, readers, homes)}
    primed = activated(outline.steps())
    lines = _Gathering(look, readers, leads, after, primed, any_size, closed).section(outline.root, 0, 1)
    placed = {norm.id for line in every(lines) for norm in _marks(line)}
    if placed != {*leads, *ends}:  # what would be in front of no row, or behind no sum, is a function like others
        leads = {name: norm for name, norm in leads.items() if name in placed}
        after = {maker: norm for maker, norm in after.items() if norm.id in placed}
        lines = _Gathering(look, readers, leads, after, primed, any_size, closed).section(outline.root, 0, 1)
    return lines


def _marks(line: Line) -> tuple[Step, ...]:
    """The norms that a line shows as marks."""
    if isinstance(line, Closed):
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
    closed: Collection[int]
    shown: dict[object, Section] = field(default_factory=dict)

    def section(self, section: Section, depth: int, repeat: int) -> tuple[Line, ...]:
        lines: list[Line] = []
        run: list[Step] = []
        parts: dict[int, tuple[Section, int]] = {}
        for item in section.items:
            if isinstance(item, Step):
                run.append(with_primes(item, self.primed))
                continue
            lines += self._run(run, repeat)
            run = []
            inner = tuple(self._inner(item, depth, repeat))
            parts[len(lines)] = (item, len(inner))
            lines += inner
        lines += self._run(run, repeat)
        if not depth:
            lines = list(_with_heads(lines, parts))
        return _chained(lines, section) if depth or section.repeat > 1 else _chained(lines, None)

    def _inner(self, section: Section, depth: int, repeat: int) -> Iterator[Line]:
        form = _form(section, any_size=self.any_size)
        above = self.shown.get(form) if form else None
        if above is not None and sum(1 for _ in section.steps()) >= _LEAST_REFERRED:
            resized = _form(section) != _form(above)
            yield Closed(section, above, self._leads_of(section), resized, _times(section, above) if resized else ())
            return
        self.shown.setdefault(form, section)
        if id(section) in self.closed:
            yield Closed(section, None, self._leads_of(section))
        elif section.repeat > 1 and depth < _MOST_FRAMES:
            yield Framed(section, self.section(section, depth + 1, repeat))
        else:
            yield from self.section(section, depth, repeat * section.repeat)

    def _leads_of(self, section: Section) -> tuple[Step, ...]:
        """The norms in front of it that are marks."""
        steps = tuple(section.steps())
        read = dict.fromkeys(operand.made_by for step in steps for operand in step.operands)
        outside = read.keys() & self.leads.keys() - {step.id for step in steps}
        return tuple(self.leads[name] for name in read if name in outside)

    def _run(self, steps: Sequence[Step], repeat: int) -> Iterator[Line]:
        """Steps of one section between its own sections."""
        kept = [step for step in steps if step.kind not in self.look.hidden_kinds]
        apart = {*self.leads, *(norm.id for norm in self.after.values())}
        equations = [step for step in kept if step.id not in apart and not _is_sum(step) and not hangs(step)]
        chains = rows_of([step for step in kept if step.id not in apart and not _is_sum(step)], self.look)
        scaled = going_on(tuple(abreast(chains, equations)), self.readers)
        rows = {row.steps[0].id: row for row in with_functions(tuple(scaled), kept, apart)}
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


def _with_heads(lines: Sequence[Line], parts: Mapping[int, tuple[Section, int]]) -> Iterator[Line]:
    """Lines with a heading before each part of the model, where there are several; parts of parts have none then."""
    told = {at: part for at, (part, n_lines) in parts.items() if part.module and n_lines >= _LEAST_HEADED}
    if len(told) < _LEAST_PARTS:
        yield from lines
        return
    ends = {at + n_lines for at, (_, n_lines) in parts.items() if at in told}
    for place, line in enumerate(lines):
        if place in told:
            yield Head(told[place])
        elif place in ends:
            yield Head(None)
        if not isinstance(line, Head):
            yield line


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


def _hung(steps: Sequence[Step]) -> Iterator[Line]:
    if steps:
        yield Hung(tuple(steps))


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
            done.append(replace(line, goes_on=goes_on, is_last=is_last))
        else:
            done.append(line)
        before = _sum_of(line) or before
    return tuple(done)


def _sum_of(line: Line) -> set[str]:
    """What stands on the rail below a line: its sum, or the last one of a frame."""
    if isinstance(line, Join):
        return {line.step.id, *([line.norm.id] if line.norm else [])}
    sums = map(_sum_of, line.lines if isinstance(line, Framed) else ())
    return next((found for found in reversed(list(sums)) if found), set())


def _form(section: Section, *, any_size: bool = False) -> object:
    """Equal for sections that look alike; with ``any_size``, also if their matrices are of other sizes."""

    def told(step: Step) -> object:
        looks = [(o.role, o.part, o.pattern, o.veiled, o.seen is None) for o in (*step.operands, *step.results)]
        if any_size:
            return tuple(looks), tuple(len(o.shape) for o in step.operands)
        return tuple(looks), step.equation, tuple((o.stack, o.band) for o in step.operands)

    inner = () if any_size else tuple(each.repeat for each in section.sections())[1:]
    return (
        inner,
        tuple(each.crosses for each in section.sections()),
        tuple((step.kind, step.role, step.function, told(step)) for step in section.steps()),
    )


def _times(section: Section, above: Section) -> tuple[tuple[int, int], ...]:
    """How often what is in one section is repeated, and in another: where that differs."""
    pairs = zip(list(section.sections())[1:], list(above.sections())[1:], strict=False)
    return tuple((own.repeat, other.repeat) for own, other in pairs if own.repeat != other.repeat)
