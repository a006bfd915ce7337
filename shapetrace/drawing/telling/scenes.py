"""What the story tells: steps that go on from each other are one scene, the block that repeats most is opened."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from shapetrace.drawing.compact.equations import SYMBOLS, multiplies
from shapetrace.drawing.kinds.quieting import behind, sources_of
from shapetrace.outlining.roles import Part, Role
from shapetrace.outlining.structure import Operand, Outline, Section, Step

_STARTS = frozenset(
    {
        Role.LOOKUP_TOKENS, Role.QUERY, Role.KEY, Role.VALUE, Role.QUERY_KEY, Role.KEY_VALUE, Role.QUERY_KEY_VALUE,
        Role.SCORES, Role.CONCAT_HEADS, Role.EXPAND, Role.GATE, Role.UP, Role.GATE_UP, Role.ROUTER, Role.SELECT,
    }
)  # fmt: skip
"""A step for one of these begins a scene."""
_QUIET = frozenset({"norm", "position", "pointwise", "multiply"})
"""Kinds of steps of one operand that are said in words where they keep its shape."""
_MOST_STEPS = 6
_MOST_SCENES = 13
_FEW_STEPS = 12


@dataclass(frozen=True, slots=True)
class Scene:
    """One line of the story.

    Attributes:
        steps: Steps, each of which goes on from the result of the one before.
        alike: Products of the same operand as the first, drawn with it.
        before: Steps said in words: what was done to what it reads.
        closed: The section that it stands for, if it is drawn as one.
        ends: Of a closed section, what goes in and what comes out.
    """

    steps: tuple[Step, ...]
    alike: tuple[Step, ...] = ()
    before: tuple[Step, ...] = ()
    closed: Section | None = None
    ends: tuple[Operand, ...] = ()

    def told(self) -> Iterator[Step]:
        """All steps that it stands for."""
        yield from self.steps
        yield from self.alike


@dataclass(frozen=True, slots=True)
class Opened:
    """The block that is told.

    Attributes:
        section: It.
        scenes: What happens in it.
    """

    section: Section
    scenes: tuple[Scene, ...]


Told: TypeAlias = Scene | Opened


def story_of(outline: Outline, hidden: frozenset[str]) -> tuple[Told, ...]:
    """The scenes of a pass; of several kinds of blocks one is opened.

    What writes, whose rows see nothing behind them, goes before a decoder, and that before what repeats most.
    """
    chosen = max(_blocks(outline.root), key=_chosen_by, default=None)
    return tuple(_Teller(outline.root, hidden, chosen).told(outline.root))


def _blocks(section: Section) -> Iterator[Section]:
    """The outermost blocks."""
    for item in section.items:
        if isinstance(item, Section):
            yield from (item,) if _is_block(item) else _blocks(item)


def _is_block(section: Section) -> bool:
    """Whether it repeats, or is a block alone; an encoder around blocks that repeat is none."""
    around = any(part.kind == "block" and part.repeat > 1 for part in section.sections())
    return bool(section.path) and (section.repeat > 1 or (section.kind == "block" and not around))


def _chosen_by(block: Section) -> tuple[bool, bool, int, bool]:
    """By what the block is chosen that is told: the first of these that differs."""
    steps = tuple(block.steps())
    looks = any(operand.part == Part.CONTEXT for step in steps for operand in step.operands)
    n_scores = sum(step.role == Role.SCORES for step in steps)
    return any(map(is_causal, steps)), looks and n_scores > 1, block.repeat, looks


def is_causal(step: Step) -> bool:
    """Whether scores hide what comes after a row."""
    if step.role != Role.SCORES or not step.results:
        return False
    result = step.results[0]
    if result.pattern == "causal":
        return True
    if result.band is not None:
        return result.band[1] <= 0
    return bool(result.cells) and all("1" not in line[row + 1 :] for row, line in enumerate(result.cells))


class _Teller:
    """Goes through a model once."""

    def __init__(self, root: Section, hidden: frozenset[str], chosen: Section | None) -> None:
        self._hidden, self._chosen, self._sources = hidden, chosen, sources_of(root)
        self._read_as = {operand.made_by: operand for step in root.steps() for operand in step.operands
                         if operand.part == Part.CONTEXT}  # fmt: skip
        self._readers: dict[str, set[str]] = {}
        for step in root.steps():
            for operand in step.operands:
                self._readers.setdefault(operand.made_by, set()).add(step.id)

    def told(self, section: Section) -> Iterator[Told]:
        run: list[Step] = []
        for item in section.items:
            if isinstance(item, Step):
                run.append(item)
            elif not _is_block(item) and not any(map(_is_block, item.sections())) and _n_steps(item) <= _FEW_STEPS:
                run += item.steps()
            else:
                yield from self._scenes(run)
                run = []
                yield from self._section(item)
        yield from self._scenes(run)

    def _section(self, section: Section) -> Iterator[Told]:
        if section is self._chosen:
            yield Opened(section, self._opened(section))
        elif self._chosen is not None and any(inner is self._chosen for inner in section.sections()):
            yield from self.told(section)
        else:
            yield from self._closed(section)

    def _opened(self, section: Section) -> tuple[Scene, ...]:
        """Its scenes; the largest sections in it are closed until they are few enough."""
        closed = [part for part in section.sections() if part is not section and part.repeat > 1]
        while True:
            scenes = tuple(self._inside(section, closed))
            inner = [part for part in section.sections() if part is not section and _n_steps(part) > 1
                     and not any(part in other.sections() for other in closed)]  # fmt: skip
            if len(scenes) <= _MOST_SCENES or not inner:
                return scenes
            closed.append(max(inner, key=_n_steps))

    def _inside(self, section: Section, closed: Sequence[Section]) -> Iterator[Scene]:
        run: list[Step] = []
        for item in _flat(section, closed):
            if isinstance(item, Step):
                run.append(item)
            else:
                yield from self._scenes(run)
                run = []
                yield from self._closed(item)
        yield from self._scenes(run)

    def _closed(self, section: Section) -> Iterator[Scene]:
        """A section as one scene: what it reads from outside, and what others read of it."""
        steps = tuple(section.steps())
        if not steps:
            return
        own = {step.id for step in steps}
        read = [o for step in steps for o in step.operands if o.role == "data" and o.made_by not in own]
        last = next((step for step in reversed(steps) if self._readers.get(step.id, own) - own), steps[-1])
        given = last.results[:1]
        if given and last.id in self._read_as:
            given = (replace(given[0], name=self._read_as[last.id].name),)
        if read or given:
            yield Scene(steps, closed=section, ends=(*read[:1], *given))

    def _scenes(self, steps: Iterable[Step]) -> Iterator[Scene]:
        shown = [step for step in steps if step.kind not in self._hidden and step.operands]
        scenes: list[Scene] = []
        quiet: dict[str, Step] = {}
        for step in shown:
            last = scenes[-1] if scenes else None
            if last is not None and _joins(last, step, quiet):
                scenes[-1] = replace(last, steps=(*last.steps, step))
            elif last is not None and _is_like(last, step):
                scenes[-1] = replace(last, alike=(*last.alike, step))
            elif _is_quiet(step):
                quiet[step.id] = step
            else:
                scenes.append(Scene((step,)))
        said: set[str] = set()
        for scene in scenes:
            before = [quiet[name] for name in behind(scene.told(), quiet, self._sources) if name not in said]
            said.update(step.id for step in before)
            yield replace(scene, before=tuple(before))


def _n_steps(section: Section) -> int:
    return sum(1 for _ in section.steps())


def _flat(section: Section, closed: Sequence[Section]) -> Iterator[Step | Section]:
    for item in section.items:
        if isinstance(item, Step) or any(item is other for other in closed):
            yield item
        else:
            yield from _flat(item, closed)


def is_infix(step: Step) -> bool:
    """Whether its operator stands between its operands."""
    return step.operator in SYMBOLS and len(step.operands) > 1


def _is_quiet(step: Step) -> bool:
    shapes = [operand.shape for operand in step.operands if operand.role == "data" and _is_told(operand)]
    return (
        step.kind in _QUIET
        and shapes == [result.shape for result in step.results[:1]]
        and len(step.results) == 1
        and not (is_infix(step) and step.kind != "norm")
    )


def _is_told(operand: Operand) -> bool:
    """Whether a step or the input gave it; what only prepares values, a mask say, did not."""
    return bool(operand.made_by or operand.source)


def _is_like(scene: Scene, step: Step) -> bool:
    """Whether a product has the same operand as the scene's only product."""
    first = scene.steps[0]
    return (
        len(scene.steps) == 1
        and scene.closed is None
        and multiplies(first)
        and multiplies(step)
        and len(scene.alike) < 2
        and step.kind == first.kind == "product"
        and (step.operands[0].value, step.operands[0].made_by) == (first.operands[0].value, first.operands[0].made_by)
        and step.operands[0].stack == first.operands[0].stack
        and step.role != Role.ROUTER != first.role
    )


def _joins(scene: Scene, step: Step, quiet: dict[str, Step]) -> bool:
    """Whether a step goes on from the result of a scene, on the same line."""
    last = scene.steps[-1]
    if scene.closed or scene.alike or len(last.results) != 1 or len(scene.steps) >= _MOST_STEPS:
        return False
    if step.role in _STARTS and not (last.role == Role.LATENT_DOWN and step.role == Role.QUERY):
        return False
    if step.role == Role.OUT_PROJ and last.role != Role.CONCAT_HEADS:
        return False
    makers = [_maker(operand, last, quiet) for operand in step.operands]
    if is_infix(step) and not multiplies(step):
        return len(step.operands) == 2 and last.id in makers
    if len(step.results) != 1 or (len(step.operands) > 1 and not multiplies(step)):
        return False
    return makers[0] == last.id and step.kind not in {"norm", "position"} and not _is_quiet(step)


def _maker(operand: Operand, last: Step, quiet: dict[str, Step]) -> str:
    """Who made an operand; what only scales it, and the norm of a low rank, are looked through."""
    step = quiet.get(operand.made_by)
    if step is None or not (step.kind == "pointwise" or last.role == Role.LATENT_DOWN):
        return operand.made_by
    return step.operands[0].made_by
