"""The story of a pass, from ids to the last row, on one page: only what multiplies, and products in chains."""

from collections.abc import Sequence
from dataclasses import replace

from shapetrace.drawing.content.collapsing import collapse
from shapetrace.drawing.content.rows import Item, Row, arrange, flattened, rows_in
from shapetrace.drawing.look import Look
from shapetrace.outlining.structure import Outline, Section, Step

STORY_ZOOM = 0.42
"""What all sides are multiplied with."""

_LEFT_OUT = frozenset("norm residual add position pointwise route reduce".split())
_LONGEST_CHAIN = 4
_MOST_ROWS = 14


def story_items(outline: Outline, look: Look) -> tuple[Item, ...]:
    """Rows and panels of the story: of several kinds of blocks only the one that is repeated most."""
    root = _without(outline.root, _LEFT_OUT | look.hidden_kinds)
    blocks = [item for item in root.items if isinstance(item, Section) and _is_block(item)]
    told = max(blocks, key=lambda block: block.repeat, default=None)
    items: list[Item] = []
    for item in flattened(arrange(root, look), ""):
        if isinstance(item, Row):
            items[-1:] = _chained([*items[-1:], item])
        elif item.section is not told and any(item.section is block for block in blocks):
            items.append(Row(tuple(item.section.steps()), folded=item.section, repeat=item.section.repeat))
        else:
            items.append(replace(item, items=tuple(_chained(list(rows_in(item.items))))))
    return collapse(tuple(items), min(look.max_rows, _MOST_ROWS))


def _is_block(section: Section) -> bool:
    return section.kind == "block" or section.repeat > 1


def _without(section: Section, kinds: frozenset[str]) -> Section:
    items: list[Step | Section] = []
    for item in section.items:
        if isinstance(item, Section):
            items.append(_without(item, kinds))
        elif item.kind not in kinds or _pads(item):
            items.append(item)
    return replace(section, items=tuple(items))


def _pads(step: Step) -> bool:
    """Whether a function of one operand makes it longer."""
    return step.kind == "pointwise" and len(step.operands) == 1 and step.operands[0].shape != step.results[0].shape


def _chained(items: Sequence[Item]) -> list[Item]:
    """What goes on from the result of the row before it joins that row."""
    done: list[Item] = []
    for item in items:
        before = done[-1] if done else None
        if isinstance(before, Row) and isinstance(item, Row) and _goes_on(before, item):
            done[-1] = replace(before, steps=(*before.steps, *item.steps))
        else:
            done.append(item)
    return done


def _goes_on(before: Row, row: Row) -> bool:
    """Whether a product or a function works on the result of the row before, and both fit one line."""
    last, step = before.steps[-1], row.steps[0]
    if before.folded or row.folded or before.alike or row.alike or not step.operands:
        return False
    joins = step.operands[0].made_by == last.id and len(last.results) == len(step.results) == 1
    is_link = step.kind == "product" or len(step.operands) == 1
    return joins and is_link and len(before.steps) + len(row.steps) <= _LONGEST_CHAIN
