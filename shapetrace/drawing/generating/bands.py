"""The bands of a generation: what is on one height in all columns, with its title on the left."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import groupby

from shapetrace.drawing.generating.choosing import logits_cell
from shapetrace.drawing.generating.content import Attended, Kept, Layer, PassColumn, is_before
from shapetrace.drawing.generating.following import said
from shapetrace.drawing.generating.tiles import (
    Drawer,
    Lengths,
    ids_tile,
    kept_tile,
    plain_tile,
    scores_tile,
    shape_text,
    stacked,
    with_shape,
)
from shapetrace.drawing.layout.cells import Cell, cell
from shapetrace.drawing.metrics import width_px, wrapped
from shapetrace.drawing.primitives import Mark, moved
from shapetrace.drawing.wording import Words
from shapetrace.outlining.roles import Role
from shapetrace.outlining.structure import Operand

_PAIR_GAP_PX = 20.0

_PLACES = {"pass": "", "loop": "chosen outside the pass", "nowhere": "any id: shapes need no choice"}
"""Where the next id is chosen, as a note says it."""


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
    """All bands, from ids to the next id. What an encoder reads stands above it."""
    columns = setting.columns
    before = [is_before(each, columns) for each in columns]
    sources = [each.ids if first else each.source for each, first in zip(columns, before, strict=True)]
    ids = [None if first else each.ids for each, first in zip(columns, before, strict=True)]
    if any(sources):
        yield _ids("source", "Encoder input", sources, setting)
    ordered = sorted(layers, key=lambda layer: not layer.is_once)
    for number, layer in enumerate(ordered, 1):
        if not layer.is_once and (number == 1 or ordered[number - 2].is_once) and any(ids):
            yield _ids("input", "Decoder input" if any(sources) else "Input", ids, setting)
        yield from _layer(layer, number if len(layers) > 1 else 0, setting)
    if not any(not layer.is_once for layer in layers) and any(ids):
        yield _ids("input", "Input", ids, setting)
    if any(each.logits for each in columns):
        yield _logits(setting)


def _ids(name: str, title: str, ids: Sequence[Operand | None], setting: Setting) -> Band:
    words = setting.words
    next_id = words.say("next id")
    told = tuple(f"[{each.shape[-1]}]" if each else "" for each in ids)
    follows = [any(earlier.logits for earlier in setting.columns[:place]) for place in range(len(ids))]
    cells = [
        _told(partial(ids_tile, each, next_id=next_id if follow else ""), shape) if each else None
        for each, follow, shape in zip(ids, follows, told, strict=True)
    ]
    return Band(name, words.say(title), (words.say("one id a token"),), tuple(cells), told)


def _layer(layer: Layer, number: int, setting: Setting) -> Iterator[Band]:
    words = setting.words
    of = (words.say("in {n} layers", n=layer.repeat),) if number else ()
    if layer.is_once:
        of = (words.say("encoder, run once"), *of)
    elif layer.crosses:
        of = (words.say("looks at the encoder"), *of)
    queries = [each.query if each else None for each in layer.columns]
    yield _plain(f"query-{number}", words.say("Query"), of, queries)
    for place, group in enumerate(_alike(layer)):
        yield _cache(f"cache-{number}-{place}", group, layer, setting)
    pairs = [each.expanded if each else () for each in layer.columns]
    if any(pairs):
        yield _pair(f"expanded-{number}", pairs, layer, setting)
    yield _scores(f"scores-{number}", layer, setting)
    sums = [each.summed.results[0] if each and each.summed else None for each in layer.columns]
    if any(sums):
        yield _plain(f"sum-{number}", words.say("Weighted sum"), (), sums)


def _plain(name: str, title: str, notes: tuple[str, ...], operands: Sequence[Operand | None]) -> Band:
    shapes = tuple(map(_written, operands))
    cells = [
        _told(partial(plain_tile, each), shape) if each else None for each, shape in zip(operands, shapes, strict=True)
    ]
    return Band(name, title, notes, tuple(cells), shapes)


def _told(tile: Drawer, *lines: str) -> Drawer:
    """A tile with what is said of it below."""
    return partial(with_shape, tile, lines)


def _written(operand: Operand | None) -> str:
    return shape_text(operand) if operand else ""


def _alike(layer: Layer) -> Iterator[tuple[int, ...]]:
    """Places of what is kept, those together that are equally large in all columns."""
    yield from (tuple(group) for _, group in groupby(range(layer.n_kept), partial(_sizes, layer)))


def _sizes(layer: Layer, place: int) -> tuple[object, ...]:
    kept = [each.kept[place] if each else None for each in layer.columns]
    return tuple((each.new.shape, each.new.stack, each.n_rows) if each else None for each in kept)


def _cache(name: str, places: tuple[int, ...], layer: Layer, setting: Setting) -> Band:
    words = setting.words
    kept = [[each.kept[place] for place in places] if each else [] for each in layer.columns]
    names = tuple(dict.fromkeys(each.new.name for each in kept[-1] if each))
    drawn = [[each for each in column if each] for column in kept]
    cells = [_kept_cell(column, setting) if column else None for column in drawn]
    all_kept = [each for column in drawn for each in column]
    note = "new rows go into the cache"
    if any(each.is_whole for each in all_kept):
        note = "made once, then read"
    elif any(each.in_place for each in all_kept):
        note = "written in place"
    told = tuple(" ".join(_growth(column[0])) if column else "" for column in drawn)
    return Band(name, words.listed(names), (words.say(note),), tuple(cells), told)


def _kept_cell(kept: Sequence[Kept], setting: Setting) -> Drawer:
    parts = _growth(kept[0])
    told = ("".join(parts),) if width_px("".join(parts), "shape") <= setting.room_px else parts
    return _told(partial(_side_by_side, [partial(kept_tile, each) for each in kept]), *told)


def _growth(kept: Kept) -> tuple[str, str]:
    """``[5, 64] + 1``, `` → [6, 64] ×12``; of what is dropped at once: ``[600, 64]``, `` → [512, 64]``."""
    width, n_new = kept.new.shape[-1], kept.new.shape[-2]
    stack = stacked(kept.new)
    if kept.is_whole:
        return f"[{kept.n_rows}, {width}]{stack}", ""
    if kept.in_place and kept.before is not None:
        return f"[{kept.before.shape[-2]}, {width}] ← ", f"[{n_new}, {width}]{stack}"
    if kept.before is None:
        start = "0 + " if kept.n_written == n_new else f"[{n_new}, {width}]"
        return start + (f"{n_new}" if kept.n_written == n_new else ""), f" → [{kept.n_written}, {width}]{stack}"
    return f"[{kept.before.shape[-2]}, {width}] + {n_new}", f" → [{kept.n_rows}, {width}]{stack}"


def _pair(name: str, pairs: Sequence[tuple[Operand, ...]], layer: Layer, setting: Setting) -> Band:
    """Keys and values that are made of what is kept, or without a cache of all rows again."""
    words = setting.words
    names = words.listed(tuple(dict.fromkeys(operand.name for pair in pairs for operand in pair)))
    again = "of all rows, computed again" if len(layer.passes) > 1 else ""
    again = "made again of all rows kept" if layer.n_kept else again
    notes = () if not again else (words.say(again),)
    cells: list[Drawer | None] = []
    for pair in pairs:
        if not pair:
            cells.append(None)
            continue
        shapes = tuple(dict.fromkeys(map(shape_text, pair)))
        joined = ", ".join(shapes)
        lines = (joined,) if width_px(joined, "shape") <= setting.room_px else shapes
        cells.append(_told(partial(_side_by_side, [partial(plain_tile, each) for each in pair]), *lines))
    return Band(name, names, notes, tuple(cells), tuple(", ".join(map(shape_text, pair)) for pair in pairs))


def _scores(name: str, layer: Layer, setting: Setting) -> Band:
    words, last = setting.words, layer.passes[-1]
    scores = [each.scores.results[0] if each else None for each in layer.columns]
    shapes = tuple(map(_written, scores))
    cells = [
        _scores_cell(attended, column, setting) if attended else None
        for attended, column in zip(layer.columns, setting.columns, strict=True)
    ]
    notes = tuple(filter(None, (_product(last), _weighing(last, words))))
    return Band(name, words.say("Scores"), notes, tuple(cells), shapes)


def _scores_cell(attended: Attended, column: PassColumn, setting: Setting) -> Drawer:
    scores = attended.scores.results[0]
    sentences = said(attended, column.follow, setting.words).split(" · ")
    told = [line for each in sentences if each for line in wrapped(each, "follow", setting.room_px, lines=3)]
    return partial(with_shape, partial(scores_tile, scores), (shape_text(scores),), told=told)


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
    cells = [
        partial(logits_cell, column, column.logits, words, setting.room_px) if column.logits else None
        for column in setting.columns
    ]
    n_rows = max((logits.shape[-2] for logits, _ in scored if logits and len(logits.shape) > 1), default=1)
    places = dict.fromkeys(choice.place for logits, choice in scored if logits)
    notes = [words.say(_PLACES[place]) for place in places if _PLACES[place]]
    if "nowhere" not in places:
        notes.insert(0, words.say("the last row chooses") if n_rows > 1 else words.say("of the last row"))
    told = tuple(_written(logits) for logits, _ in scored)
    return Band("logits", words.say("Logits"), tuple(notes), tuple(cells), told)


def _side_by_side(drawers: Sequence[Drawer], lengths: Lengths) -> Cell:
    """Tiles next to each other, their lower edges on one line."""
    drawn = [drawer(lengths) for drawer in drawers]
    whole = sum(each.box.right - each.box.left for each in drawn) + _PAIR_GAP_PX * (len(drawn) - 1)
    x, marks = -whole / 2, list[Mark]()
    for each in drawn:
        marks += moved(each.marks, x - each.box.left, -each.box.bottom)
        x += each.box.right - each.box.left + _PAIR_GAP_PX
    return cell(marks)
