"""Two models side by side in step: what belongs together has one number, as `diff` aligns it."""

from dataclasses import dataclass, field, replace

from shapetrace.comparing import compare_outlines
from shapetrace.comparing.structure import Change, Comparison
from shapetrace.comparing.summarising import settings, verdict
from shapetrace.comparing.unfolding import moved
from shapetrace.drawing.wording import Words
from shapetrace.exploring.laying import Laid
from shapetrace.exploring.recording import Layers
from shapetrace.language import say
from shapetrace.outlining.structure import Operand, Outline, Section, Step


@dataclass(frozen=True, slots=True)
class Paired:
    """Two outlines with the same numbers.

    Attributes:
        sides: The left and the right one.
        comparison: What they have in common, and what not.
        marks: Of each section and of each step: how it differs, and in what.
    """

    sides: tuple[Laid, Laid]
    comparison: Comparison
    marks: dict[str, list[list[str]]]


@dataclass(slots=True)
class _Slot:
    """A place in both trees: a section or step of either, with what is in it."""

    change: Change | None
    inside: list["_Slot"] = field(default_factory=list)

    def side(self, place: int, root: Section) -> Section | Step | None:
        """What one of the two has there."""
        if self.change is None:
            return root
        return self.change.sections[place] or self.change.steps[place]


def paired(left: Outline, right: Outline) -> Paired:
    """Align two outlines. Folded layers of which one differs are taken apart on both sides."""
    comparison = compare_outlines(left, right)
    sections, steps = _slots(comparison)
    numbers = {id(slot): ("s", n) for n, slot in enumerate(sections)}
    numbers |= {id(slot): ("t", n) for n, slot in enumerate(steps)}
    items = [[numbers[id(inner)] for inner in slot.inside] for slot in sections]
    sides = []
    for place, outline in enumerate((left, right)):
        side = _Side(outline, place)
        root = side.rebuilt(sections[0])
        assert isinstance(root, Section)
        sides.append(
            Laid(
                replace(outline, root=root),
                [part if isinstance(part := side.made[id(slot)], Section) else None for slot in sections],
                [part if isinstance(part := side.made[id(slot)], Step) else None for slot in steps],
                items,
                side.originals,
            )
        )
    marks = {"sections": [_mark(slot.change) for slot in sections], "steps": [_mark(slot.change) for slot in steps]}
    return Paired((sides[0], sides[1]), comparison, marks)


def told(comparison: Comparison, words: Words) -> list[str]:
    """Whether the products are equal, and what is set otherwise, in words."""
    cause = settings(comparison)
    lines = [verdict(comparison), *([say("settings that differ: {settings}", settings=cause)] if cause else [])]
    return [words.told(line) for line in lines]


def _slots(comparison: Comparison) -> tuple[list[_Slot], list[_Slot]]:
    """All sections, the models first, and all steps; what stands behind the head of a section and deeper is in it."""
    sections: list[_Slot] = [_Slot(None)]
    steps: list[_Slot] = []
    around = [sections[0]]
    for change in comparison.changes:
        del around[change.depth + 1 :]
        slot = _Slot(change)
        around[-1].inside.append(slot)
        (sections if change.section else steps).append(slot)
        if change.section:
            around.append(slot)
    return sections, steps


def _mark(change: Change | None) -> list[str]:
    """How it differs, and in what; () for what is equal but for names."""
    if change is None or not change.differs:
        return []
    return ["follows" if change.follows else change.status, *(note.partition(" ")[0] for note in change.notes)]


class _Side:
    """One of two outlines, with its parts as they stand beside the other's.

    Attributes:
        made: What stands in each slot, by `id`.
        originals: What steps of some of several folded layers are called in the whole of them.
    """

    def __init__(self, outline: Outline, place: int) -> None:
        self.made: dict[int, Section | Step | None] = {}
        self.originals: dict[str, str] = {}
        self._outline = outline
        self._place = place
        self._wholes = {member: section for section in outline.root.sections() for member in section.members}
        self._layers = Layers(outline.trace) if outline.trace else None

    def rebuilt(self, slot: _Slot, layer: "_Layer | None" = None) -> Section | Step | None:
        """What stands in a slot, with what is in it; None if nothing does."""
        part = slot.side(self._place, self._outline.root)
        if isinstance(part, Step):
            made: Section | Step | None = self._in_layer(part, layer) if layer else part
        else:
            layer = (self._layer(part) if part else None) or layer
            inner = [each for below in slot.inside if (each := self.rebuilt(below, layer)) is not None]
            made = replace(part, items=tuple(inner)) if part else None
        self.made[id(slot)] = made
        return made

    def _layer(self, part: Section) -> "_Layer | None":
        """Where a part of folded layers begins, if it is not with the first of them."""
        whole = self._wholes.get(part.path)
        if whole is None or whole.repeat < 2 or whole.members[0] == part.path:
            return None
        starts = self._layers.starts(whole) if self._layers else ()
        shift = starts[whole.members.index(part.path)] - starts[0] if starts else None
        return _Layer(part.path, whole.members[0], shift)

    def _in_layer(self, step: Step, layer: "_Layer") -> Step:
        """A step of a later layer: its operations are its own, and not those of the first."""
        self.originals[step.id] = moved(step.id, layer.path, layer.first)
        ops = () if layer.shift is None else tuple(op + layer.shift for op in step.ops)
        return replace(step, ops=ops, operands=tuple(_own(operand, layer) for operand in step.operands))


def _own(operand: Operand, layer: "_Layer") -> Operand:
    """A weight of a later layer is another one than that of the first."""
    source = moved(operand.source, layer.first, layer.path)
    return operand if source == operand.source else replace(operand, source=source, value=-1)


@dataclass(frozen=True, slots=True)
class _Layer:
    """A layer that is not the first one of those folded with it.

    Attributes:
        path: Its path.
        first: That of the first.
        shift: How many operations ran between the beginnings of the two; None if that is not known.
    """

    path: str
    first: str
    shift: int | None
