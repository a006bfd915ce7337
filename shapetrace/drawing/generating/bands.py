"""The bands of a generation: what is on one height in all columns, with its title on the left."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import groupby

from shapetrace.drawing.generating.content import Attended, Kept, Layer, PassColumn
from shapetrace.drawing.generating.tiles import (
    Lengths,
    ids_tile,
    kept_tile,
    next_tile,
    plain_tile,
    scores_tile,
    stacked,
)
from shapetrace.drawing.layout.cells import Cell, cell
from shapetrace.drawing.metrics import width_px
from shapetrace.drawing.primitives import Line, Mark, Polygon, Rect, Span, Text, moved
from shapetrace.drawing.wording import Words
from shapetrace.outlining.choice import Choice
from shapetrace.outlining.roles import Role
from shapetrace.outlining.structure import Operand

_PAIR_GAP_PX = 20.0
_SHAPE_PX = 15.0
_PILL_PX = 24.0
_ARROW_PX = 20.0

_PLACES = {"pass": "", "loop": "chosen outside the pass", "nowhere": "any id: shapes need no choice"}
"""Where the next id is chosen, as a note says it."""

Drawer = Callable[[Lengths], Cell]


@dataclass(frozen=True, slots=True)
class Band:
    """What all columns show of one thing.

    Attributes:
        id: Stable name.
        title: On the left.
        notes: Below the title.
        cells: What draws each column; None where a pass has none.
        told: The same in words, a column each, for those who cannot see it.
    """

    id: str
    title: str
    notes: tuple[str, ...]
    cells: tuple[Drawer | None, ...]
    told: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Setting:
    """What all bands need.

    Attributes:
        columns: The passes.
        words: Of the figure.
        room_px: Inner width of a column.
    """

    columns: Sequence[PassColumn]
    words: Words
    room_px: float


def bands_of(layers: Sequence[Layer], setting: Setting) -> Iterator[Band]:
    """All bands, from ids to the next id."""
    if any(each.ids for each in setting.columns):
        yield _ids(setting)
    for number, layer in enumerate(layers, 1):
        yield from _layer(layer, number if len(layers) > 1 else 0, setting)
    if any(each.logits for each in setting.columns):
        yield _logits(setting)


def _ids(setting: Setting) -> Band:
    words = setting.words
    next_id, drawn = words.say("next id"), []
    for each in setting.columns:
        ids = each.ids
        shape = f"[{each.n_tokens}]"
        drawn.append(
            None if ids is None else partial(_with_shape, partial(_id_cell, ids, each.number, next_id), (shape,))
        )
    told = tuple(f"[{each.n_tokens}]" for each in setting.columns)
    return Band("input", words.say("Input"), (words.say("one id a token"),), tuple(drawn), told)


def _id_cell(ids: Operand, number: int, next_id: str, lengths: Lengths) -> Cell:
    return ids_tile(ids, lengths, next_id if number else "")


def _layer(layer: Layer, number: int, setting: Setting) -> Iterator[Band]:
    words = setting.words
    of = (words.say("in {n} layers", n=layer.repeat),) if number else ()
    yield _plain(f"query-{number}", words.say("Query"), of, [each.query for each in layer.columns], setting)
    for place, group in enumerate(_alike(layer)):
        yield _cache(f"cache-{number}-{place}", group, layer, setting)
    pairs = [each.expanded for each in layer.columns]
    if any(pairs):
        yield _pair(f"expanded-{number}", pairs, layer, setting)
    yield _scores(f"scores-{number}", layer, setting)
    sums = [each.summed.results[0] if each.summed else None for each in layer.columns]
    if any(sums):
        yield _plain(f"sum-{number}", words.say("Weighted sum"), (), sums, setting)


def _plain(name: str, title: str, notes: tuple[str, ...], operands: Sequence[Operand | None], setting: Setting) -> Band:
    cells = [_plain_cell(operand, setting) if operand else None for operand in operands]
    return Band(name, title, notes, tuple(cells), tuple(_shape(operand) if operand else "" for operand in operands))


def _plain_cell(operand: Operand, setting: Setting) -> Drawer:  # noqa: ARG001 - one signature for all
    return partial(_with_shape, partial(plain_tile, operand), (_shape(operand),))


def _alike(layer: Layer) -> Iterator[tuple[int, ...]]:
    """Places of what is kept, those together that are equally large in all columns."""
    yield from (tuple(group) for _, group in groupby(range(layer.n_kept), partial(_sizes, layer)))


def _sizes(layer: Layer, place: int) -> tuple[object, ...]:
    kept = [each.kept[place] for each in layer.columns]
    return tuple((each.new.shape, each.new.stack, each.n_rows) if each else None for each in kept)


def _cache(name: str, places: tuple[int, ...], layer: Layer, setting: Setting) -> Band:
    words = setting.words
    kept = [[each.kept[place] for place in places] for each in layer.columns]
    names = tuple(dict.fromkeys(each.new.name for each in kept[-1] if each))
    drawn = [[each for each in column if each] for column in kept]
    cells = [_kept_cell(column, setting) if column else None for column in drawn]
    note = (
        words.say("written in place")
        if any(k.in_place for c in drawn for k in c)
        else words.say("new rows go into the cache")
    )
    told = tuple(" ".join(_growth(column[0])) if column else "" for column in drawn)
    return Band(name, words.listed(names), (note,), tuple(cells), told)


def _kept_cell(kept: Sequence[Kept], setting: Setting) -> Drawer:
    parts = _growth(kept[0])
    told = ("".join(parts),) if width_px("".join(parts), "shape") <= setting.room_px else parts
    return partial(_with_shape, partial(_side_by_side, [partial(kept_tile, each) for each in kept]), told)


def _growth(kept: Kept) -> tuple[str, str]:
    """``[5, 64] + 1``, `` → [6, 64] ×12``; of what is dropped at once: ``[600, 64]``, `` → [512, 64]``."""
    width, n_new = kept.new.shape[-1], kept.new.shape[-2]
    stack = stacked(kept.new)
    if kept.in_place and kept.before is not None:
        return f"[{kept.before.shape[-2]}, {width}] ← ", f"[{n_new}, {width}]{stack}"
    if kept.before is None:
        start = "0 + " if kept.n_written == n_new else f"[{n_new}, {width}]"
        return start + (f"{n_new}" if kept.n_written == n_new else ""), f" → [{kept.n_written}, {width}]{stack}"
    return f"[{kept.before.shape[-2]}, {width}] + {n_new}", f" → [{kept.n_rows}, {width}]{stack}"


def _pair(name: str, pairs: Sequence[tuple[Operand, ...]], layer: Layer, setting: Setting) -> Band:
    """Keys and values that are made of what is kept, or without a cache of all rows again."""
    words = setting.words
    names = words.listed(tuple(dict.fromkeys(operand.name for operand in pairs[-1])))
    note = words.say("made again of all rows kept") if layer.n_kept else words.say("of all rows, computed again")
    cells: list[Drawer | None] = []
    for pair in pairs:
        shapes = tuple(dict.fromkeys(map(_shape, pair)))
        joined = ", ".join(shapes)
        lines = (joined,) if width_px(joined, "shape") <= setting.room_px else shapes
        cells.append(partial(_with_shape, partial(_side_by_side, [partial(plain_tile, o) for o in pair]), lines))
    return Band(name, names, (note,), tuple(cells), tuple(", ".join(map(_shape, pair)) for pair in pairs))


def _scores(name: str, layer: Layer, setting: Setting) -> Band:
    words = setting.words
    scores = [each.scores.results[0] for each in layer.columns]
    cells = [partial(_with_shape, partial(scores_tile, each), (_shape(each),)) for each in scores]
    return Band(
        name,
        words.say("Scores"),
        tuple(filter(None, (_product(layer.columns[-1]), _weighing(layer.columns[-1], words)))),
        tuple(cells),
        tuple(map(_shape, scores)),
    )


def _product(attended: Attended) -> str:
    """``Q × Kᵀ``: by the names that the operands have."""
    query, keys = attended.scores.operands[:2]
    return f"{query.name} × {keys.name}ᵀ" if query.name and keys.name else ""


def _weighing(attended: Attended, words: Words) -> str:
    """``then softmax``: what makes the scores weights, as the code does it."""
    functions = (step.function for step in attended.steps if step.role == Role.ATTENTION_WEIGHTS)
    made = next((function for function in functions if function), "")
    return words.say("then {function}", function=words.say(made)) if made else ""


def _logits(setting: Setting) -> Band:
    words = setting.words
    scored = [(each.logits, each.chosen) for each in setting.columns]
    cells = [partial(_logits_cell, logits, choice, setting) if logits else None for logits, choice in scored]
    n_rows = max((logits.shape[-2] for logits, _ in scored if logits and len(logits.shape) > 1), default=1)
    places = dict.fromkeys(choice.place for logits, choice in scored if logits)
    notes = [words.say(_PLACES[place]) for place in places if _PLACES[place]]
    if "nowhere" not in places:
        notes.insert(0, words.say("the last row chooses") if n_rows > 1 else words.say("of the last row"))
    told = tuple(_shape(logits) if logits else "" for logits, _ in scored)
    return Band("logits", words.say("Logits"), tuple(notes), tuple(cells), told)


def _logits_cell(logits: Operand, choice: Choice, setting: Setting, lengths: Lengths) -> Cell:
    """The logits, and below them what the code did with their last row, where that was recorded: the id chosen."""
    above = _with_shape(partial(plain_tile, logits), (_shape(logits),), lengths)
    chosen = next_tile(setting.words.say("next id"))
    tile_px = chosen.box.right - chosen.box.left
    labels = list(_labels(list(map(setting.words.say, choice.words)), setting.room_px))
    marks: list[Mark] = [*above.marks]
    if len(labels) == 1 and (width := _pill_px(labels[0])) + _ARROW_PX + tile_px <= setting.room_px:
        left, y = -(width + _ARROW_PX + tile_px) / 2, above.box.bottom + 14 + _PILL_PX / 2
        marks += _arrow((left + width / 2, above.box.bottom + 3), (left + width / 2, y - _PILL_PX / 2))
        marks += [*_pill(labels[0], left + width / 2, y), *_arrow((left + width, y), (left + width + _ARROW_PX - 3, y))]
        return cell([*marks, *moved(chosen.marks, left + width + _ARROW_PX - chosen.box.left, y)])
    y = above.box.bottom + 3
    for label in labels:
        marks += [*_arrow((0, y), (0, y + 11)), *_pill(label, 0, y + 11 + _PILL_PX / 2)]
        y += 11 + _PILL_PX
    marks += _arrow((0, y), (0, y + _ARROW_PX - 6))
    return cell([*marks, *moved(chosen.marks, 0, y + _ARROW_PX - 5 - chosen.box.top)])


def _labels(words: Sequence[str], room_px: float) -> Iterator[str]:
    """``softmax → sample``: what was done in order, in as few pills as have room."""
    label = ""
    for word in words:
        longer = f"{label} → {word}" if label else word
        if label and _pill_px(longer) > room_px:
            yield label
            longer = word
        label = longer
    if label:
        yield label


def _pill_px(label: str) -> float:
    return width_px(label, "note") + 20


def _pill(label: str, middle: float, y: float) -> Iterator[Mark]:
    width = _pill_px(label)
    yield Rect(middle - width / 2, y - _PILL_PX / 2, width, _PILL_PX, "pill", _PILL_PX / 2)
    yield Text(middle, y + 4, (Span(label),), "note", "middle")


def _arrow(start: tuple[float, float], end: tuple[float, float]) -> Iterator[Mark]:
    """A straight arrow, down or to the right."""
    (x, y), down = end, end[0] == start[0]
    yield Line(((start, (x, y - 4) if down else (x - 4, y)),), "arrow")
    yield Polygon(
        ((x, y), (x - 3, y - 5.5), (x + 3, y - 5.5)) if down else ((x, y), (x - 5.5, y - 3), (x - 5.5, y + 3)),
        "arrow-head",
    )


def _shape(operand: Operand) -> str:
    return f"[{', '.join(map(str, operand.shape[-2:]))}]{stacked(operand)}"


def _side_by_side(drawers: Sequence[Drawer], lengths: Lengths) -> Cell:
    """Tiles next to each other, their lower edges on one line."""
    drawn = [drawer(lengths) for drawer in drawers]
    whole = sum(each.box.right - each.box.left for each in drawn) + _PAIR_GAP_PX * (len(drawn) - 1)
    x, marks = -whole / 2, list[Mark]()
    for each in drawn:
        marks += moved(each.marks, x - each.box.left, -each.box.bottom)
        x += each.box.right - each.box.left + _PAIR_GAP_PX
    return cell(marks)


def _with_shape(draw: Drawer, lines: Sequence[str], lengths: Lengths) -> Cell:
    """A tile with what is written below it."""
    drawn = draw(lengths)
    marks = list(drawn.marks)
    middle = (drawn.box.left + drawn.box.right) / 2
    for place, line in enumerate(lines):
        marks.append(Text(middle, drawn.box.bottom + (place + 1) * _SHAPE_PX, (Span(line.strip()),), "shape", "middle"))
    return cell(marks)
