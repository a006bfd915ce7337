"""JSON for programs. Its names are an interface: add to them, do not change them."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, fields, replace
from typing import Any

from shapetrace.comparing.structure import Change, Comparison
from shapetrace.failing.reporting import as_data
from shapetrace.formats.contract import PLAIN, Format, Options
from shapetrace.formats.costs import Cost
from shapetrace.formats.grid import Grid
from shapetrace.formats.rows import TableRow, rows
from shapetrace.formats.sized import sizes_of
from shapetrace.outlining.expressions import Formulas
from shapetrace.outlining.sentences import sentence
from shapetrace.outlining.structure import Operand, Outline, Section, Step

_LISTS = frozenset({"sections", "steps"})

_HALF = re.compile("[\ud800-\udfff]")
"""Half of a surrogate pair, which no encoding can write: it is escaped."""


def render(outline: Outline, options: Options = PLAIN) -> str:
    """Write an outline as JSON; a section that ``depth`` closes is a step of kind ``section``."""
    model = outline.model
    layers = dict(_layers(outline.root, ""))
    document = {
        "model": {"name": model.name, "settings": model.settings, "device": model.device, "tokens": list(model.tokens)},
        "totals": asdict(outline.totals),
        "coverage": asdict(outline.coverage),
        "cache": None if outline.cache is None else asdict(outline.cache),
        "sections": [_section(section) for section in outline.root.sections() if section is not outline.root],
        "steps": [_row(row, layers) for row in rows(outline, options) if row.step is not None or row.equation],
        "failure": _failure(outline),
        "sizes": _sizes(outline),
        "formulas": _formulas(outline.formulas),
    }
    if outline.ranks is not None:
        document["ranks"] = asdict(outline.ranks)
    return _written(document)


def render_grid(grid: Grid, _options: Options = PLAIN) -> str:
    """Write a grid as a list of objects."""
    keys = [column.key for column in grid.columns]
    return _written([dict(zip(keys, row, strict=True)) for row in grid.rows])


def render_comparison(comparison: Comparison, _options: Options = PLAIN) -> str:
    """Write two models side by side: their sums, and every step in which they differ."""
    document = {
        "left": comparison.left,
        "right": comparison.right,
        "equal": not comparison.differs(),
        "products_equal": comparison.products_equal,
        "settings": [{"name": name, "left": a, "right": b} for name, a, b in comparison.settings],
        "totals": [{"name": total.of, "left": total.left, "right": total.right} for total in comparison.totals],
        "changes": [_change(change) for change in comparison.changes if change.status != "same"],
    }
    return json.dumps(document, ensure_ascii=False, indent=1) + "\n"


def _change(change: Change) -> dict[str, Any]:
    left, right = (side and replace(side, title=side.title + side.times) for side in (change.left, change.right))
    told = asdict(replace(change, steps=(None, None), left=left, right=right))
    return {name: value for name, value in told.items() if name not in {"steps", "inside"}}


def _section(section: Section) -> dict[str, Any]:
    return {
        "path": section.path,
        "title": section.title,
        "kind": section.kind,
        "type": section.type,
        "repeat": section.repeat,
        "members": list(section.members),
        "parameters": section.parameters,
        "is_group": section.is_group,
        "formulas": _formulas(section.formulas),
        **{f"{name}_in_all": value for name, value in asdict(Cost.of(list(section.steps()))).items()},
    }


def _sizes(outline: Outline) -> dict[str, Any] | None:
    """Names of sizes, where the model also ran at others: their values, what they are, what could not be varied."""
    sizes = sizes_of(outline)
    if sizes is None:
        return None
    return {
        "symbols": sizes.symbols,
        "entries": sizes.entries,
        "inputs": list(sizes.inputs),
        "samples": list(sizes.samples),
        "refused": [asdict(each) for each in sizes.refused],
        "ranges": [asdict(each) for each in sizes.ranges],
    }


def _formulas(formulas: Formulas | None) -> dict[str, str | None] | None:
    """Costs as expressions in named sizes; null without a proof."""
    if formulas is None:
        return None
    found = {entry.name: getattr(formulas, entry.name) for entry in fields(formulas)}
    return {name: None if formula is None else str(formula) for name, formula in found.items()}


def _failure(outline: Outline) -> dict[str, Any] | None:
    """Why the pass ended early; null if it did not."""
    if outline.explained is None:
        return {"message": outline.failure} if outline.failure else None
    return as_data(outline.explained)


def _layers(section: Section, layer: str) -> Iterator[tuple[str, str]]:
    """The layer that each section stands in: the innermost one around it that is a block."""
    layer = section.path if section.kind == "block" else layer
    yield section.path, layer
    for item in section.items:
        if isinstance(item, Section):
            yield from _layers(item, layer)


def _row(row: TableRow, layers: Mapping[str, str]) -> dict[str, Any]:
    return _step(row, row.step, layers) if row.step is not None else _closed(row)


def _step(row: TableRow, step: Step, layers: Mapping[str, str]) -> dict[str, Any]:
    transfer = {} if step.transfer is None else {"transfer": asdict(step.transfer)}
    return {
        "number": row.number,
        "id": step.id,
        "section": step.section,
        "layer": layers.get(step.section) or None,
        "kind": step.kind,
        "role": step.role,
        "title": step.title,
        "path": step.path,
        "repeat": step.repeat,
        "operands": [_operand(operand) for operand in step.operands],
        "results": [_operand(operand) for operand in step.results],
        "equation": row.equation,
        "parameters": step.parameters,
        "parameters_in_all": step.parameters_in_all,
        "tied_to": step.tied_to or None,
        "flops": step.flops,
        "flops_in_all": step.flops_in_all,
        "weight_bytes": step.weight_bytes,
        "activation_bytes": step.activation_bytes,
        "notes": [str(note) for note in step.notes],
        "sentence": str(sentence(step)),
        "ops": list(step.ops),
        "also_reads": list(step.also_reads),
        "formulas": _formulas(step.formulas),
        **transfer,
    }


def _closed(row: TableRow) -> dict[str, Any]:
    return {
        "id": row.section.path,
        "section": row.section.path,
        "kind": "section",
        "title": row.section.title,
        "path": row.section.path,
        "repeat": row.section.repeat,
        "operands": [],
        "results": [],
        "equation": row.equation,
        "parameters": row.parameters,
        "tied_to": None,
        "flops": row.flops,
        "notes": [row.note],
    }


def _operand(operand: Operand) -> dict[str, Any]:
    shares = {"shares": [asdict(share) for share in operand.shares]} if operand.shares else {}
    return {
        "name": operand.name,
        "role": operand.role,
        "shape": list(operand.shape),
        "stack": operand.stack,
        "stack_axes": list(operand.stack_axes),
        "dims": list(operand.dims),
        "lead": list(operand.lead),
        "stack_dims": list(operand.stack_dims),
        "transposed": operand.transposed,
        "pattern": operand.pattern,
        "band": operand.band and list(operand.band),
        "source": operand.source,
        "part": operand.part,
        "value": None if operand.value == -1 else operand.value,
        "axes": [None if axis == -1 else axis for axis in operand.axes],
        **shares,
    }


def _written(document: dict[str, Any] | list[dict[str, Any]]) -> str:
    """JSON with one step, section or row a line."""
    if isinstance(document, list):
        return _listed(document) + "\n"
    parts = [f"{_line(key)}: {_listed(value) if key in _LISTS else _line(value)}" for key, value in document.items()]
    return "{\n" + ",\n".join(parts) + "\n}\n"


def _listed(items: list[dict[str, Any]]) -> str:
    return "[\n" + ",\n".join(map(_line, items)) + "\n]" if items else "[]"


def _line(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, allow_nan=False)
    return _HALF.sub(lambda half: f"\\u{ord(half.group()):04x}", text)


_READS = frozenset({"depth", "dims"})
FORMAT = Format("json", "json", _READS, outline=render, grid=render_grid, comparison=render_comparison)
