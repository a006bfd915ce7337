"""What the columns of a generation show: of each pass one attention, what it keeps, its ids and logits, its bill."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from shapetrace.outlining.billing import Bill
from shapetrace.outlining.choice import Choice, choice_in
from shapetrace.outlining.roles import CACHING, Part, Role
from shapetrace.outlining.structure import Operand, Outline, Section, Step


@dataclass(frozen=True, slots=True)
class PassColumn:
    """A pass that has a column.

    Attributes:
        outline: What it means.
        number: Its place among all passes; 0 is the prefill.
        n_before: Tokens that the passes before it have read.
        bill: What it costs.
        choice: How the loop around it chose the next id; None if nobody knows.
    """

    outline: Outline
    number: int
    n_before: int
    bill: Bill
    choice: Choice | None = None

    @property
    def ids(self) -> Operand | None:
        """What it reads: the ids of its tokens."""
        parts = (operand for step in self.outline.steps() for operand in step.operands)
        return next((operand for operand in parts if operand.part == Part.IDS and operand.shape), None)

    @property
    def n_tokens(self) -> int:
        """Tokens that it reads of each example."""
        return self.ids.shape[-1] if self.ids else 0

    @property
    def logits(self) -> Operand | None:
        """What it scores the vocabulary with."""
        steps = (step for step in self.outline.steps() if step.role == Role.UNEMBED and step.results)
        return next((step.results[0] for step in steps), None)

    @property
    def chosen(self) -> Choice:
        """How the next id is chosen: in the pass itself, where that goes on to ids; else in the loop."""
        trace, logits = self.outline.trace, self.logits
        inside = choice_in(trace, logits.value) if trace is not None and logits is not None else None
        return inside or self.choice or Choice()


@dataclass(frozen=True, slots=True)
class Kept:
    """Rows of one kind that an attention keeps, in one pass.

    Attributes:
        new: The rows that this pass makes.
        before: Those that it found; None if there were none.
        in_place: Whether they are written into a buffer that does not grow.
        n_written: How many of the new rows are kept: fewer than there are where a window drops the others.
    """

    new: Operand
    before: Operand | None = None
    in_place: bool = False
    n_written: int = 0

    @property
    def n_rows(self) -> int:
        """Rows that attention reads."""
        found = self.before.shape[-2] if self.before else 0
        return found + (0 if self.in_place else self.new.shape[-2])


@dataclass(frozen=True, slots=True)
class Attended:
    """One attention in one pass.

    Attributes:
        steps: All steps of its section.
        scores: Queries times keys.
        summed: Weights times values; None if nobody found it.
        kept: What it keeps, in the order of the steps of the pass that keeps most.
    """

    steps: tuple[Step, ...]
    scores: Step
    summed: Step | None
    kept: tuple[Kept | None, ...] = ()

    @property
    def query(self) -> Operand:
        """The rows that look."""
        return self.scores.operands[0]

    @property
    def expanded(self) -> tuple[Operand, ...]:
        """Keys and values that are not what is kept: made of it, or made again."""
        values = (self.summed.operands[1],) if self.summed else ()
        pair = (turned(self.scores.operands[1]), *values)
        parts = {each.new.part for each in self.kept if each}
        return pair if not parts or not {Part.KEY, Part.VALUE} <= parts else ()


@dataclass(frozen=True, slots=True)
class Layer:
    """One attention in all columns, and how many layers are like it.

    Attributes:
        path: Of its section, in the first column.
        repeat: Layers that it stands for.
        columns: It in each column.
    """

    path: str
    repeat: int
    columns: tuple[Attended, ...]

    @property
    def n_kept(self) -> int:
        """Kinds of rows that it keeps."""
        return len(self.columns[0].kept)


def layers_of(columns: Sequence[PassColumn]) -> tuple[Layer, ...]:
    """Attentions that differ in some column, in the order of the model; those that keep rows if some do."""
    if not columns:
        return ()
    found: dict[tuple[object, ...], Layer] = {}
    for section in _attentions(columns[0].outline.root):
        of_all = [_same(each.outline, section.path) for each in columns]
        if not all(of_all):
            continue
        layer = _layer(section, [each for each in of_all if each], columns)
        known = found.get(key := _form(layer))
        found[key] = replace(known, repeat=known.repeat + layer.repeat) if known else layer
    layers = tuple(found.values())
    return tuple(layer for layer in layers if layer.n_kept) or layers


def turned(operand: Operand) -> Operand:
    """Kᵀ as K: (d, T) -> (T, d)."""
    if not operand.transposed or len(operand.shape) < 2:
        return operand
    shape, axes, dims = operand.shape, operand.axes, operand.dims
    return replace(
        operand, transposed=False, shape=(*shape[:-2], shape[-1], shape[-2]),
        axes=(*axes[:-2], *axes[:-3:-1]), dims=(*dims[:-2], *dims[:-3:-1]),
    )  # fmt: skip


def _form(layer: Layer) -> tuple[object, ...]:
    """What two layers have in common that are drawn as one."""
    seen = [
        (each.scores.equation, each.scores.results[0].stack, each.kept and len(each.kept)) for each in layer.columns
    ]
    kept = [tuple((k.n_rows, k.new.shape, k.n_written) for k in each.kept if k) for each in layer.columns]
    masks = [(each.scores.results[0].pattern, each.scores.results[0].band) for each in layer.columns]
    return (*seen, *kept, *masks)


def _attentions(root: Section) -> Iterator[Section]:
    """The innermost sections that hold scores."""
    for section in root.sections():
        own = [item for item in section.items if isinstance(item, Step)]
        if any(step.kind == "scores" for step in own):
            yield section


def _same(outline: Outline, path: str) -> Section | None:
    """The section of a path, or the one that its layer is folded behind."""
    sections = {section.path: section for section in _attentions(outline.root)}
    if path in sections:
        return sections[path]
    for outer in outline.root.sections():
        for member in outer.members[1:]:
            if path == member or path.startswith(f"{member}."):
                return sections.get(outer.path + path.removeprefix(member))
    return None


def _layer(section: Section, of_all: Sequence[Section], columns: Sequence[PassColumn]) -> Layer:
    attended = [_attended(each) for each in of_all]
    most = max(attended, key=lambda each: len(_appends(each.steps)))
    wanted = [step.operands[1] for step in _appends(most.steps)]
    kept = [[_kept(each, place, new) for place, new in enumerate(wanted)] for each in attended]
    for at, (here, after) in enumerate(pairwise(kept)):
        if columns[at + 1].number == columns[at].number + 1:
            kept[at] = [_cut(now, then) for now, then in zip(here, after, strict=True)]
    scored = attended[0].scores
    filled = tuple(replace(each, kept=tuple(rows)) for each, rows in zip(attended, kept, strict=True))
    return Layer(section.path, scored.repeat, filled)


def _attended(section: Section) -> Attended:
    steps = tuple(section.steps())
    scores = next(step for step in steps if step.kind == "scores")
    return Attended(steps, scores, next((step for step in steps if step.kind == "weighted_sum"), None))


def _appends(steps: Sequence[Step]) -> list[Step]:
    return [step for step in steps if step.role in CACHING and len(step.operands) > 1]


def _kept(attended: Attended, place: int, wanted: Operand) -> Kept | None:
    """What a pass does to one kind of rows: appends them, or only makes those that the next pass finds."""
    appends = _appends(attended.steps)
    if place < len(appends):
        step = appends[place]
        before, new = step.operands[:2]
        found = before if before.shape[-2:-1] != (0,) else None
        return Kept(new, found, step.role == Role.CACHE_WRITE, new.shape[-2])
    made = list(_made(attended.steps, wanted))
    shape = next((each.shape for each in made if each.stack == wanted.stack), made[0].shape if made else None)
    return None if shape is None else Kept(replace(wanted, shape=shape), n_written=shape[-2])


def _made(steps: Sequence[Step], wanted: Operand) -> Iterator[Operand]:
    """Values that could be what another pass keeps: made by the same step, else the same part of some step."""
    maker = wanted.made_by.rpartition("/")[2]
    for step in steps:
        if step.id.rpartition("/")[2] == maker:
            yield from (each for each in step.results if _same_rows(each, wanted))
    for step in steps:
        for each in map(turned, (*step.results, *step.operands)):
            if each.part == wanted.part and _same_rows(each, wanted):
                yield each


def _same_rows(one: Operand, other: Operand) -> bool:
    """Whether two values are rows of one width."""
    return len(one.shape) == len(other.shape) > 1 and one.shape[-1] == other.shape[-1]


def _cut(now: Kept | None, then: Kept | None) -> Kept | None:
    """Of the rows of a pass, those that the next one finds."""
    if now is None or then is None or then.before is None or now.in_place:
        return now
    return replace(now, n_written=min(now.n_written, then.before.shape[-2]))
