"""What a figure is about: its rows before layout, its title, the facts below the title."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from shapetrace.drawing.content.collapsing import collapse
from shapetrace.drawing.content.facts import facts_of
from shapetrace.drawing.content.marking import marked
from shapetrace.drawing.content.priming import activated, primed
from shapetrace.drawing.content.ranking import facts_of_ranks, rank_of
from shapetrace.drawing.content.referring import referred
from shapetrace.drawing.content.rows import MAX_DEPTH, Item, Row, arrange, flattened
from shapetrace.drawing.content.selecting import section_named, step_numbered
from shapetrace.drawing.look import Look
from shapetrace.drawing.metrics import clean
from shapetrace.drawing.wording import Words, counted, flops_text
from shapetrace.errors import UsageError
from shapetrace.outlining.structure import Outline, Section, Step

_SEPARATOR = " · "
_NAME_LENGTH = 60
_SECTION_ROWS = 15
"""Rows of a section's figure beyond which its own sections are one row each: they have figures of their own."""


@dataclass(frozen=True, slots=True)
class Subject:
    """What a figure is about.

    Attributes:
        name: For ids and file names.
        title: Its title.
        facts: Lines below the title.
        items: Rows and panels, few enough.
    """

    name: str
    title: str
    facts: tuple[str, ...]
    items: tuple[Item, ...]


def subject_of(outline: Outline, section: str | None, step: int | None, look: Look, words: Words) -> Subject:
    """Choose what to show: the whole model, one section or one step.

    Raises:
        UsageError: If both are asked for, or there is no such section or step.
    """
    if section is not None and step is not None:
        raise UsageError("asked for a section and for a step; choose one of them")
    model = clean(outline.model.name)
    if step is not None:
        chosen = step_numbered(outline, step)
        title = words.say("{part} in {model}", part=words.say(clean(chosen.title)), model=model)
        facts = _joined([clean(chosen.path), *_costs(chosen.parameters, chosen.flops or 0, words)])
        facts = (*facts, *_sizes([chosen], look))
        return Subject(
            slug(chosen.id), look.title or title, facts, primed((Row((chosen,)),), activated(outline.steps()))
        )
    root = outline.root if section in {None, ""} else section_named(outline, str(section))
    wanted = None if root is outline.root else _SECTION_ROWS
    most = MAX_DEPTH if look.expand else 1
    arranged = arrange(root, look) if look.expand else referred(arrange(root, look))
    items = flattened(collapse(arranged, look.max_rows, wanted), root.path, most=most)
    items = primed(items if look.expand else marked(items), activated(outline.steps()))
    if root is outline.root:
        title = words.say("{model}: one forward pass", model=model)
        return Subject("overview", look.title or title, overview_facts(outline, words), items)
    title = words.say("{part} in {model}", part=words.say(clean(root.title)), model=model)
    facts = (*_section_facts(outline, root, words), *_sizes(root.steps(), look))
    return Subject(slug(root.path), look.title or title, facts, items)


def slug(text: str) -> str:
    """Letters, digits and hyphens of a name: ``h.0.attn/query`` becomes ``h-0-attn-query``."""
    return re.sub(r"[^A-Za-z0-9]+", "-", text).strip("-")[:_NAME_LENGTH].strip("-") or "figure"


def overview_facts(outline: Outline, words: Words) -> tuple[str, ...]:
    """What is said of a whole model: its sizes, and what it costs."""
    costs = _costs(outline.totals.parameters, outline.totals.matmul_flops, words)
    shapes = words.say("every shape recorded from a real forward pass")
    return (*model_facts(outline, words), *_joined([shapes, *costs]))


def model_facts(outline: Outline, words: Words, *before: str) -> tuple[str, ...]:
    """A model's sizes, behind what stands before them, and which rank of several the pass is of."""
    ranks = outline.ranks
    of_ranks = () if ranks is None else _joined(facts_of_ranks(ranks, outline.totals.parameters, words))
    return (*_joined([*before, *facts_of(outline.model, words)]), *of_ranks)


def _section_facts(outline: Outline, section: Section, words: Words) -> tuple[str, ...]:
    n_layers = _repeats(outline.root, section)
    facts = [clean(section.module)]
    if n_layers > 1:
        facts.append(words.say("one of {n} alike", n=n_layers))
    flops = sum(step.flops or 0 for step in section.steps())
    facts += [] if outline.ranks is None else rank_of(outline.ranks, words)
    return _joined([*facts, *_costs(section.parameters, flops, words)])


def _sizes(steps: Iterable[Step], look: Look) -> tuple[str, ...]:
    """What sizes are that stand at the edges as names: ``T 1024 · d_model 768``. A whole model says its own."""
    if look.dims == "numbers":
        return ()
    operands = [operand for step in steps for operand in (*step.operands, *step.results)]
    pairs = (pair for o in operands for pair in (*zip(o.dims, o.shape), *zip(o.stack_dims, o.stack_axes)))  # noqa: B905
    sizes = {name: size for name, size in pairs if re.fullmatch(r"\w+", name)}
    return _joined([f"{name} {size}" for name, size in sizes.items()])


def _repeats(root: Section, section: Section) -> int:
    """How many equal sections of the model this one stands for."""
    for inner in root.items:
        if isinstance(inner, Section) and any(part is section for part in inner.sections()):
            return inner.repeat * (1 if inner is section else _repeats(inner, section))
    return 1


def _costs(parameters: int, flops: int, words: Words) -> list[str]:
    facts = [words.say("{n} parameters", n=counted(parameters))] if parameters else []
    return [*facts, words.say("{flops} in products", flops=flops_text(flops))] if flops else facts


def _joined(facts: list[str]) -> tuple[str, ...]:
    return (_SEPARATOR.join(fact for fact in facts if fact),) if any(facts) else ()
