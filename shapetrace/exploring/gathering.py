"""From outlines to the data of a page: sections, steps, operands with the numbers of values and axes."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from shapetrace.drawing.content.facts import facts_of
from shapetrace.drawing.wording import Words
from shapetrace.exploring.ending import failure
from shapetrace.exploring.mapping import maps
from shapetrace.exploring.picturing import Pictures, pictures
from shapetrace.exploring.recording import Layers, made_bytes, operation
from shapetrace.exploring.sentences import OF_SECTIONS, sentence
from shapetrace.exploring.wiring import Place, value_keys
from shapetrace.ir import Trace
from shapetrace.language import Phrase
from shapetrace.outlining import outline as read
from shapetrace.outlining.structure import Operand, Outline, Section, Step


@dataclass(frozen=True, slots=True)
class Explored:
    """What a page shows.

    Attributes:
        outline: Products of one head each.
        fused: Products as the code runs them; None where that is no choice.
        starts_fused: Whether those are what is seen first.
    """

    outline: Outline
    fused: Outline | None = None
    starts_fused: bool = False

    @classmethod
    def of(cls, outline: Outline) -> "Explored":
        """Both forms of the products, whichever one this outline has, if its trace is at hand."""
        if outline.trace is None:
            return cls(outline)
        fused = read(outline.trace, fused=True)
        is_fused = fused.root == outline.root
        single = read(outline.trace) if is_fused else outline
        return cls(single) if single.root == fused.root else cls(single, fused, is_fused)

    @property
    def outlines(self) -> tuple[Outline, ...]:
        """One for each form of the products."""
        return (self.outline, self.fused) if self.fused else (self.outline,)


def page_data(explored: Explored, languages: Sequence[Words]) -> tuple[dict[str, Any], Pictures]:
    """All that a page knows, but for its pictures, which are given apart: to be written in a page's own way.

    Args:
        explored: What it shows.
        languages: In which it can be read, the first one first.
    """
    drawn = pictures(explored.outline, languages)
    whole, trace = explored.outline, explored.outline.trace
    layers = Layers(trace) if trace else None
    forms = [_form(outline, layers, drawn, languages) for outline in explored.outlines]
    told = {
        "model": {"name": whole.model.name, "device": whole.model.device},
        "facts": {words.lang: facts_of(whole.model, words) for words in languages},
        "versions": dict(trace.versions) if trace else {},
        "totals": asdict(whole.totals),
        "coverage": asdict(whole.coverage),
        "cache": whole.cache.bytes_per_token() if whole.cache else None,
        "failure": failure(whole, languages, drawn),
        "form": "fused" if explored.starts_fused and explored.fused else "head",
        "forms": dict(zip(("head", "fused"), forms, strict=False)),
        "rows": drawn.rows,
    }
    return told, drawn


def _form(outline: Outline, layers: Layers | None, drawn: Pictures, languages: Sequence[Words]) -> dict[str, Any]:
    trace = outline.trace
    sections = list(outline.root.sections())
    steps = list(outline.steps())
    numbers: dict[int, int] = {id(section): n for n, section in enumerate(sections)}
    numbers |= {id(step): n for n, step in enumerate(steps)}
    keys = value_keys(outline)
    given = frozenset(trace.outputs) if trace else frozenset()
    return {
        "sections": [_section(section, numbers, layers) for section in sections],
        "steps": [_step(step, keys, given, drawn) | _recorded(step, trace) for step in steps],
        "maps": maps(outline, languages, numbers, drawn),
    }


def _section(section: Section, numbers: Mapping[int, int], layers: Layers | None) -> dict[str, Any]:
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
        "items": [{"section" if isinstance(item, Section) else "step": numbers[id(item)]} for item in section.items],
        "parameters": section.parameters,
    }
    return _without_empty(told)


def _step(step: Step, keys: Mapping[Place, int], given: frozenset[int], drawn: Pictures) -> dict[str, Any]:
    told = {
        "id": step.id,
        "kind": step.kind,
        "role": step.role.value,
        "title": step.title,
        "path": step.path,
        "operator": step.operator,
        "function": step.function,
        "says": sentence(step),
        "repeat": step.repeat if step.repeat > 1 else 0,
        "parameters": step.parameters,
        "shared": step.shared_parameters,
        "tied": step.tied_to,
        "flops": step.flops,
        "notes": [_phrase(note) for note in step.notes],
        "inner": list(step.inner) if step.inner else [],
        "operands": [_operand(each, keys[step.id, False, n]) for n, each in enumerate(step.operands)],
        "results": [_operand(each, keys[step.id, True, n], given) for n, each in enumerate(step.results)],
        "rows": drawn.rows_of(step),
    }
    return _without_empty(told)


def _recorded(step: Step, trace: Trace | None) -> dict[str, Any]:
    """What only the trace knows."""
    if trace is None:
        return {}
    return _without_empty({"bytes": made_bytes(trace, step), "ops": [operation(trace, n) for n in step.ops]})


def _operand(operand: Operand, key: int, given: frozenset[int] = frozenset()) -> dict[str, Any]:
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
    }
    return _without_empty(told) | {"value": key}


def _phrase(phrase: Phrase) -> list[Any]:
    """A phrase and what goes into its fields."""
    values = {name: str(value) for name, value in phrase.values.items()}
    return [phrase.template, values] if values else [phrase.template]


def _without_empty(told: dict[str, Any]) -> dict[str, Any]:
    """What is not there need not be said; 0 FLOPs are something else than FLOPs that nobody counted."""
    return {name: value for name, value in told.items() if value or (name == "flops" and value is not None)}
