"""Which attentions the columns of a generation show, each in all passes: folded where they are alike in all."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise

from shapetrace.drawing.generating.content import Attended, Kept, Layer, PassColumn, turned
from shapetrace.outlining.roles import CACHING, KEPT, Role
from shapetrace.outlining.structure import Operand, Outline, Section, Step

_MAKING = frozenset({Role.KEY, Role.VALUE, Role.KEY_VALUE})


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
    return [step.operands[-1] for step in _appends(attended.steps)] or list(attended.given)


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
        *chunks, new = step.operands
        before = _together(chunks)
        found = before if before.part in KEPT and before.shape[-2:-1] != (0,) else None
        return Kept(new, found, step.role == Role.CACHE_WRITE, new.shape[-2])
    made = list(_made(attended.steps, wanted))
    found = next((each for each in made if each.stack == wanted.stack), made[0] if made else None)
    if found is None:
        return None
    rows = replace(wanted, shape=found.shape, axes=found.axes, value=found.value)
    return Kept(rows, n_written=found.shape[-2])


def _together(chunks: Sequence[Operand]) -> Operand:
    """Rows that were put aside one after another, as one value."""
    *before, columns = chunks[0].shape
    n_rows = sum(chunk.shape[-2] for chunk in chunks) if before else 1
    return replace(chunks[0], shape=(*before[:-1], n_rows, columns)) if len(chunks) > 1 else chunks[0]


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
