"""What the columns of a generation show: of each pass one attention, what it keeps, its ids and logits, its bill."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from shapetrace.outlining.billing import Bill
from shapetrace.outlining.choice import Choice, choice_in
from shapetrace.outlining.roles import CACHING, KEPT, Part, Role
from shapetrace.outlining.structure import Operand, Outline, Section, Step

_MAKING = frozenset({Role.KEY, Role.VALUE, Role.KEY_VALUE})


@dataclass(frozen=True, slots=True)
class PassColumn:
    """A pass that has a column.

    Attributes:
        outline: What it means.
        number: Its place among all passes; 0 is the prefill.
        n_before: Tokens that the passes before it have read.
        bill: What it costs.
        choice: How the loop around it chose the next id; None if nobody knows.
        is_cached: Whether rows are kept from pass to pass.
    """

    outline: Outline
    number: int
    n_before: int
    bill: Bill
    choice: Choice | None = None
    is_cached: bool = True

    @property
    def ids(self) -> Operand | None:
        """What it reads: the ids of its tokens; of a decoder beside an encoder, the decoder's."""
        return self._sides[1]

    @property
    def source(self) -> Operand | None:
        """Ids that an encoder reads in the same pass; None if there are none."""
        return self._sides[0]

    @property
    def n_tokens(self) -> int:
        """Tokens that it reads of each example, a decoder's beside an encoder."""
        return self.ids.shape[-1] if self.ids else 0

    @property
    def _sides(self) -> tuple[Operand | None, Operand | None]:
        """Ids whose rows are looked at by those of others, and these: axes tell, where attention crosses."""
        steps = list(self.outline.steps())
        ids = {o.value: o for step in reversed(steps) for o in step.operands if o.part == Part.IDS and o.shape}
        of_axis = {operand.axes[-1]: operand for operand in ids.values() if operand.axes}
        for section in self.outline.root.sections():
            for step in section.items if section.crosses else ():
                if isinstance(step, Step) and step.kind == "scores":
                    query, keys = (operand.axes for operand in step.operands[:2])
                    asking, asked = (of_axis.get(axes[place]) for axes, place in ((query, -2), (keys, -1)) if axes)
                    if asking is not None:
                        return asked, asking
        return None, next(reversed(ids.values()), None)

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


def is_before(column: PassColumn, columns: Sequence[PassColumn]) -> bool:
    """Whether a pass scores nothing, and others do: an encoder that is run by itself."""
    return column.logits is None and any(each.logits for each in columns)


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
    def is_whole(self) -> bool:
        """Whether all of it was kept before, and this pass adds nothing."""
        return not self.new.shape[-2]

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
        given: Keys and values of another sequence that an earlier pass has made; () where this one does.
    """

    steps: tuple[Step, ...]
    scores: Step
    summed: Step | None
    kept: tuple[Kept | None, ...] = ()
    given: tuple[Operand, ...] = ()

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
        columns: It in each column; None where a pass does not run it.
        crosses: Whether its keys and values are of another sequence.
    """

    path: str
    repeat: int
    columns: tuple[Attended | None, ...]
    crosses: bool = False

    @property
    def n_kept(self) -> int:
        """Kinds of rows that it keeps."""
        return len(self.passes[0].kept)

    @property
    def passes(self) -> tuple[Attended, ...]:
        """It in the columns whose passes run it."""
        return tuple(each for each in self.columns if each)

    @property
    def is_once(self) -> bool:
        """Whether later passes do not run it: that of an encoder."""
        return self.columns[-1] is None


def layers_of(columns: Sequence[PassColumn]) -> tuple[Layer, ...]:
    """Attentions that differ in some column, in the order of the model. If some keep rows, others are left out."""
    found: dict[tuple[object, ...], Layer] = {}
    for place, column in enumerate(columns):
        for section in _attentions(column.outline.root):
            if any(_same(each.outline, section.path) for each in columns[:place]):
                continue
            layer = _layer(section, [_same(each.outline, section.path) for each in columns], columns)
            known = found.get(key := _form(layer))
            found[key] = replace(known, repeat=known.repeat + layer.repeat) if known else layer
    layers = tuple(found.values())
    keep = any(layer.n_kept for layer in layers)
    return tuple(layer for layer in layers if layer.n_kept or not keep or layer.is_once)


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
    return (layer.crosses, *(each and _form_of(each) for each in layer.columns))


def _form_of(attended: Attended) -> tuple[object, ...]:
    scored = attended.scores.results[0]
    kept = tuple((each.n_rows, each.new.shape, each.n_written) for each in attended.kept if each)
    return attended.scores.equation, scored.stack, len(attended.kept), kept, scored.pattern, scored.band


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


def _layer(section: Section, of_all: Sequence[Section | None], columns: Sequence[PassColumn]) -> Layer:
    attended = [_attended(each) if each else None for each in of_all]
    ran = [each for each in attended if each]
    most = max(ran, key=lambda each: len(_found(each)))
    kept = [[_kept(each, place, new) for place, new in enumerate(_found(most))] if each else [] for each in attended]
    for at, (here, after) in enumerate(pairwise(kept)):
        if here and after and columns[at + 1].number == columns[at].number + 1:
            kept[at] = [_cut(now, then) for now, then in zip(here, after, strict=True)]
    filled = (each and replace(each, kept=tuple(rows)) for each, rows in zip(attended, kept, strict=True))
    return Layer(section.path, ran[0].scores.repeat, tuple(filled), section.crosses)


def _attended(section: Section) -> Attended:
    steps = tuple(section.steps())
    scores = next(step for step in steps if step.kind == "scores")
    summed = next((step for step in steps if step.kind == "weighted_sum"), None)
    whole = section.crosses and not any(step.role in _MAKING for step in steps)
    pair = (turned(scores.operands[1]), *((summed.operands[1],) if summed else ())) if whole else ()
    return Attended(steps, scores, summed, given=pair)


def _found(attended: Attended) -> list[Operand]:
    """What a pass puts to rows kept before, or finds whole."""
    return [step.operands[1] for step in _appends(attended.steps)] or list(attended.given)


def _appends(steps: Sequence[Step]) -> list[Step]:
    return [step for step in steps if step.role in CACHING and len(step.operands) > 1]


def _kept(attended: Attended, place: int, wanted: Operand) -> Kept | None:
    """What a pass does to one kind of rows: appends them, or only makes those that the next pass finds."""
    if place < len(attended.given):
        rows = attended.given[place]
        return Kept(replace(rows, shape=(*rows.shape[:-2], 0, rows.shape[-1])), rows)
    appends = _appends(attended.steps)
    if place < len(appends):
        step = appends[place]
        before, new = step.operands[:2]
        found = before if before.part in KEPT and before.shape[-2:-1] != (0,) else None
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
