"""Low-rank adapters: a narrow product and its way back, added to the projection beside them (LoRA: X W + X W_A W_B)."""

from collections import defaultdict
from collections.abc import Sequence

from shapetrace.outlining.drafts import Draft


def mark_adapters(drafts: Sequence[Draft]) -> None:
    """Name the two products of each adapter, and tell its projection what its result becomes."""
    readers: dict[int, list[Draft]] = defaultdict(list)
    makers: dict[int, list[Draft]] = defaultdict(list)
    for draft in drafts:
        for operand in draft.operands:
            if operand.value is not None:
                readers[operand.value].append(draft)
        value = draft.results[0].value if draft.kind == "product" else None
        if value is not None:
            makers[value].append(draft)
    for down in (draft for pieces in list(makers.values()) for draft in pieces):
        ups = readers[down.results[0].value or 0]
        if not _is_way_back(down, ups):
            continue
        sums = readers[ups[0].results[0].value or 0]
        if len(sums) != 1 or sums[0].kind != "add" or len(sums[0].operands) != 2:
            continue
        beside = [operand.value for operand in sums[0].operands if operand.value != ups[0].results[0].value]
        bases = [d for value in beside for d in makers.get(value or 0, ()) if _data(d) == _data(down)]
        if bases:
            _mark(down, ups, bases, sums[0])


def _is_way_back(down: Draft, ups: Sequence[Draft]) -> bool:
    """Whether what reads a narrow product is one wider product and nothing else."""
    if not ups or len({up.order for up in ups}) > 1 or any(up.kind != "product" for up in ups):
        return False
    rank, value = down.results[0].shape[-1], down.results[0].value
    wide = sum(up.results[0].shape[-1] * up.results[0].stack for up in ups)
    return rank < min(down.operands[0].shape[-1], wide) and all(_data(up) == value for up in ups)


def _mark(down: Draft, ups: Sequence[Draft], bases: Sequence[Draft], total: Draft) -> None:
    down.title, down.adapter = "Low-rank down", True
    down.operands[-1].letter = "W_A"
    for up in ups:
        up.title, up.adapter = "Low-rank up", True
        up.operands[-1].letter = "W_B"
    for base in bases:
        base.adapted = total.results[0].value


def _data(draft: Draft) -> int | None:
    return draft.operands[0].value
