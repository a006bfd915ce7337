"""Passes side by side: what each step multiplies in the prefill, in the first decode step and in the last; the bill."""

from collections.abc import Callable, Sequence
from difflib import SequenceMatcher
from typing import Any

from shapetrace.drawing.wording import ENGLISH, Words
from shapetrace.formats.grid import Cell, Column, Grid
from shapetrace.formats.numbers import exact, n_bytes, short
from shapetrace.generations.decoding import Generation, Pass, shown
from shapetrace.outlining.billing import Bill
from shapetrace.outlining.structure import Step

_BILL: tuple[tuple[str, Callable[[Bill], str]], ...] = (
    ("FLOPs in products", lambda bill: short(bill.flops)),
    ("weights read", lambda bill: n_bytes(bill.weights_read)),
    ("cache read", lambda bill: n_bytes(bill.cache_read)),
    ("cache written", lambda bill: n_bytes(bill.cache_written)),
    ("FLOPs a byte", lambda bill: f"{bill.flops_a_byte:.1f}"),
)


def grid(of: Generation, words: Words = ENGLISH) -> Grid:
    """The first pass, and those behind it: all that differ where they are few, else the first two and the last."""
    numbers = shown(of.passes)
    columns = (
        Column("step", words.say("step")),
        Column("module", words.say("module"), spare=2),
        *(Column(f"pass_{number}", _title(number, of, words)) for number in numbers),
        Column("times", words.say("layers"), "right", spare=1),
    )
    passes = [of.passes[number] for number in numbers]
    rows = [_row(row, words) for row in aligned(passes)]
    bills = [of.bill(number) for number in numbers]
    rows += [(words.say(name), "", *map(write, bills), "") for name, write in _BILL]
    named = next((each for each in of.passes if each.has_logits), None) or next(iter(of.passes), None)
    name = named.trace.model.name if named else ""
    return Grid(columns, tuple(rows), words.say(name), tuple(_notes(of, words)))


def _title(number: int, of: Generation, words: Words) -> str:
    passes = of.passes
    if not of.is_cached:
        return words.say("Pass {n}", n=number + 1)
    first = "Prefill" if passes[0].has_logits or not any(each.has_logits for each in passes) else "Encoder"
    title = words.say("Decode step {n}", n=number) if number else words.say(first)
    same = sum(each.sizes == passes[number].sizes for each in passes)
    return f"{title} ×{same}" if same > 1 else title


def _row(row: Sequence[Step | None], words: Words) -> tuple[Cell, ...]:
    step = next(step for step in row if step is not None)
    stack = next((result.stack for result in step.results if result.stack > 1), 1)
    told = [None if each is None else each.equation + (f" ×{stack}" if stack > 1 else "") for each in row]
    return (words.say(step.title), step.path, *told, step.repeat if step.repeat > 1 else None)


def _notes(of: Generation, words: Words) -> list[str]:
    if not of.passes:
        return [words.say("no module was called")]
    notes = [words.say("{n} passes", n=len(of.passes)), *filter(None, [of.failure])]
    notes += saving(of, words)
    cache = next((each.outline.cache for each in of.passes if each.has_logits), of.passes[0].outline.cache)
    if cache is not None and of.is_cached:
        token, kept = exact(cache.bytes_per_token()), exact(of.cache_bytes)
        notes.append(words.say("cache: {token} bytes a token, {kept} bytes at the end", token=token, kept=kept))
    return notes


def saving(of: Generation, words: Words) -> list[str]:
    """What a cache saves in FLOPs, and what it moves for that; nothing where it is not known."""
    if of.beside is None:
        return []
    cached = of.beside
    flops, with_cache = (short(sum(bill.flops for bill in each.bills)) for each in (of, cached))
    moved, kept_and_moved = (n_bytes(sum(bill.moved for bill in each.bills)) for each in (of, cached))
    return [
        words.say("each pass computes all of the text again"),
        words.say("with a cache: {n} FLOPs in products instead of {all}", n=with_cache, all=flops),
        words.say("with a cache: {n} of weights and kept rows moved instead of {all}", n=kept_and_moved, all=moved),
    ]


def aligned(passes: Sequence[Pass]) -> list[tuple[Step | None, ...]]:
    """Rows of steps that do the same work in all passes, in order; None where a pass has no such step."""
    rows: list[list[Step | None]] = []
    for number, each in enumerate(passes):
        before = [_key(next(step for step in row if step is not None)) for row in rows]
        after = [_key(step) for step in each.steps]
        merged: list[list[Step | None]] = []
        for tag, a, b, c, d in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
            if tag == "equal":
                merged += [[*row, step] for row, step in zip(rows[a:b], each.steps[c:d], strict=True)]
                continue
            merged += [[*row, None] for row in rows[a:b]]
            merged += [[*[None] * number, step] for step in each.steps[c:d]]
        rows = merged
    return [tuple(row) for row in rows]


def _key(step: Step) -> tuple[Any, ...]:
    return (step.role, step.path, step.kind, step.repeat)
