"""Which steps share a row of an overview: products of one value, and what goes on from a product."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace

from shapetrace.drawing.compact.equations import multiplies
from shapetrace.drawing.content.rows import Row
from shapetrace.outlining.structure import Step

_HANGING = frozenset(
    "norm activation position pointwise softmax select route reduce split add multiply residual".split()
)
_MOST_ABREAST = 3
_MOST_CHAINED = 4


def hangs(step: Step) -> bool:
    """Whether a step is a function of data alone, with no matrix of weights to be drawn."""
    return step.kind in _HANGING and not any(o.role != "data" and len(o.shape) > 1 for o in step.operands)


def abreast(rows: Sequence[Row], equations: Sequence[Step]) -> Iterator[Row]:
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


def going_on(rows: Sequence[Row], readers: Mapping[str, tuple[Step, ...]]) -> Iterator[Row]:
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


def with_functions(rows: Sequence[Row], steps: Sequence[Step], apart: Collection[str]) -> Iterator[Row]:
    """What keeps the shape of what a row gives, and comes right behind it, goes on in the same row."""
    following = dict(zip((step.id for step in steps), steps[1:], strict=False))
    for row in rows:
        chain = list(row.steps)
        while not row.alike and len(chain) < _MOST_CHAINED:
            step = following.get(chain[-1].id)
            if step is None or step.id in apart or not _keeps_shape(step, chain[-1]):
                break
            chain.append(step)
        yield replace(row, steps=tuple(chain))


def _keeps_shape(step: Step, before: Step) -> bool:
    data = [operand for operand in step.operands if operand.role == "data"]
    return (
        step.kind in {"norm", "activation"}
        and hangs(step)
        and len(data) == len(step.results) == len(before.results) == 1
        and data[0].made_by == before.id
        and len({(each.shape, each.stack) for each in (before.results[0], data[0], step.results[0])}) == 1
    )


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
