"""From outlines to the data of a page: sections, steps, operands with the numbers of values and axes."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from shapetrace.drawing.content.facts import facts_of
from shapetrace.drawing.wording import Words
from shapetrace.exploring.ending import failure
from shapetrace.exploring.laying import Laid, laid
from shapetrace.exploring.mapping import maps
from shapetrace.exploring.pairing import paired, told
from shapetrace.exploring.picturing import Pictures, pictures
from shapetrace.exploring.recording import Layers, made_bytes, operation
from shapetrace.exploring.touring import Explored, Tour
from shapetrace.exploring.wiring import Place, value_keys
from shapetrace.ir import Trace
from shapetrace.language import Phrase
from shapetrace.outlining.following import near
from shapetrace.outlining.lanes import Positions
from shapetrace.outlining.sentences import sentence
from shapetrace.outlining.structure import Operand, Section, SectionKind, Step

OF_SECTIONS: Mapping[SectionKind, str] = {
    "model": "One forward pass from its inputs to its outputs. Choose a part on the left or in the figure.",
    "embedding": "Inputs become vectors, one row each.",
    "block": "One layer: rows look at each other, then each one is worked on alone.",
    "attention": "Where rows exchange information: each decides how much it takes from which other one.",
    "mlp": "Works on each row alone, and often holds most of a layer's weights.",
    "experts": "Many small networks, of which each row passes a few.",
    "unembedding": "The stream becomes what the model gives back: a score for each word or class, or other numbers.",
    "other": "Steps that the model keeps together.",
}
"""What each sort of section does, in one sentence. Label files translate them."""


_SORTS = {"s": "section", "t": "step"}


def page_data(shown: Tour | Explored, languages: Sequence[Words]) -> tuple[dict[str, Any], Pictures]:
    """All that a page knows, but for its pictures, which are given apart: to be written in a page's own way.

    Args:
        shown: What it shows.
        languages: In which it can be read, the first one first.
    """
    tour = Tour((shown,)) if isinstance(shown, Explored) else shown
    drawn = pictures([subject.outline for subject in tour.subjects], languages)
    forms = tour.forms()
    compared = {name: paired(*outlines) for name, outlines in forms.items()} if tour.in_step else {}
    laid_out = {
        name: compared[name].sides if name in compared else tuple(map(laid, outlines))
        for name, outlines in forms.items()
    }
    data = {
        "subjects": [
            _subject(subject, {name: sides[n] for name, sides in laid_out.items()}, drawn, languages)
            for n, subject in enumerate(tour.subjects)
        ],
        "form": "fused" if tour.starts_fused and "fused" in forms else "head",
        "changes": {name: each.marks for name, each in compared.items()},
        "cached": tour.is_cached,
        "told": {words.lang: list(tour.told(words)) for words in languages} if tour.told else {},
        "verdict": {words.lang: told(compared["head"].comparison, words) if compared else [] for words in languages},
        "rows": drawn.rows,
    }
    return data, drawn


def _subject(
    subject: Explored, forms: Mapping[str, Laid], drawn: Pictures, languages: Sequence[Words]
) -> dict[str, Any]:
    whole, trace = subject.outline, subject.outline.trace
    layers = Layers(trace) if trace else None
    return {
        "name": subject.name or whole.model.name,
        "device": whole.model.device,
        "bill": dict(subject.bill),
        "facts": {words.lang: facts_of(whole.model, words) for words in languages},
        "versions": dict(trace.versions) if trace else {},
        "totals": asdict(whole.totals),
        "coverage": asdict(whole.coverage),
        "cache": whole.cache.bytes_per_token() if whole.cache else None,
        "failure": failure(whole, languages, drawn),
        "forms": {name: _form(form, layers, drawn, languages) for name, form in forms.items()},
    }


def _form(form: Laid, layers: Layers | None, drawn: Pictures, languages: Sequence[Words]) -> dict[str, Any]:
    trace = form.outline.trace
    keys = value_keys(form.outline, form.originals)
    given, where = frozenset(trace.outputs) if trace else frozenset(), form.outline.positions
    return {
        "sections": [
            (_section(section, layers) if section else {})
            | _without_empty({"items": [{_SORTS[sort]: number} for sort, number in form.items[n]]})
            for n, section in enumerate(form.sections)
        ],
        "steps": [step and _step(step, keys, given, drawn, where) | _recorded(step, trace) for step in form.steps],
        "positions": {
            "axis": where.axis,
            "lanes": {number: [lane.shift, lane.start, lane.stop] for number, lane in sorted(where.lanes.items())},
        },
        "maps": maps(form.outline, languages, form.numbers(), drawn),
    }


def _section(section: Section, layers: Layers | None) -> dict[str, Any]:
    told = {
        "path": section.path,
        "spoken": section.spoken if section.is_group else "",
        "title": section.title,
        "kind": section.kind,
        "type": section.type,
        "repeat": section.repeat if section.repeat > 1 else 0,
        "members": list(section.members) if section.repeat > 1 else [],
        "starts": list(layers.starts(section)) if layers else [],
        "says": OF_SECTIONS[section.kind],
        "window": _phrase(section.window) if section.window else [],
        "parameters": section.parameters,
    }
    return _without_empty(told)


def _step(
    step: Step, keys: Mapping[Place, int], given: frozenset[int], drawn: Pictures, where: Positions
) -> dict[str, Any]:
    told = {
        "id": step.id,
        "kind": step.kind,
        "role": step.role.value,
        "title": step.title,
        "path": step.path,
        "operator": step.operator,
        "function": step.function,
        "says": _phrase(sentence(step)),
        "repeat": step.repeat if step.repeat > 1 else 0,
        "parameters": step.parameters,
        "shared": step.shared_parameters,
        "tied": step.tied_to,
        "flops": step.flops,
        "notes": [_phrase(note) for note in step.notes],
        "inner": list(step.inner) if step.inner else [],
        "operands": [_operand(each, keys[step.id, False, n], where) for n, each in enumerate(step.operands)],
        "results": [_operand(each, keys[step.id, True, n], where, given) for n, each in enumerate(step.results)],
        "rows": drawn.rows_of(step),
    }
    return _without_empty(told)


def _recorded(step: Step, trace: Trace | None) -> dict[str, Any]:
    """What only the trace knows."""
    if trace is None:
        return {}
    return _without_empty({"bytes": made_bytes(trace, step), "ops": [operation(trace, n) for n in step.ops]})


def _operand(operand: Operand, key: int, where: Positions, given: frozenset[int] = frozenset()) -> dict[str, Any]:
    told = {
        "name": operand.name,
        "role": operand.role if operand.role != "data" else "",
        "shape": list(operand.shape),
        "stack": list(operand.stack_axes) or ([operand.stack] if operand.stack > 1 else []),
        "dims": list(operand.dims) if any(operand.dims) else [],
        "turned": operand.transposed,
        "source": operand.source,
        "axes": list(operand.axes) if any(axis >= 0 for axis in operand.axes) else [],
        "leaves": operand.value in given,
        "sees": list(near(operand) or ()),  # columns before and after the diagonal
        "labels": list(operand.labels),
        "alone": [where.alone[operand.value]] if operand.value in where.alone else [],
        "moved": operand.value in where.moved,
    }
    return _without_empty(told) | {"value": key}


def _phrase(phrase: Phrase) -> list[Any]:
    """A phrase and what goes into its fields."""
    values = {name: str(value) for name, value in phrase.values.items() if f"{{{name}}}" in phrase.template}
    return [phrase.template, values] if values else [phrase.template]


def _without_empty(told: dict[str, Any]) -> dict[str, Any]:
    """What is not there need not be said; 0 FLOPs are something else than FLOPs that nobody counted."""
    return {name: value for name, value in told.items() if value or (name == "flops" and value is not None)}
