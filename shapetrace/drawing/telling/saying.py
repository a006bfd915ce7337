"""What is said of a scene: its title, and beside it what was done before, what the step notes, what goes where."""

from collections.abc import Iterator

from shapetrace.drawing.compact.equations import multiplies
from shapetrace.drawing.content.rows import Row
from shapetrace.drawing.layout.captions import shared_with, title_of
from shapetrace.drawing.metrics import clean
from shapetrace.drawing.telling.scene_cells import Pick
from shapetrace.drawing.telling.scenes import Opened, Scene
from shapetrace.drawing.wording import Words
from shapetrace.outlining.roles import Part, Role
from shapetrace.outlining.structure import Operand, Step

_TITLES = {
    Role.LOOKUP_TOKENS: "Words to rows",
    Role.SCORES: "Who looks at whom",
    Role.CONCAT_HEADS: "Back into the row",
    Role.EXPAND: "Every row alone",
    Role.GATE: "Every row alone",
    Role.GATE_UP: "Every row alone",
    Role.ROUTER: "Which experts",
}
"""Titles of scenes by what their first step is for; others are called as their steps are."""


def scene_title(scene: Scene, pick: Pick, words: Words) -> str:
    """The title of a scene."""
    if scene.closed is not None:
        return title_of(Row(scene.steps, folded=scene.closed, repeat=scene.closed.repeat), words)
    if pick.ends(scene):
        return words.say("The next word")
    first = scene.steps[0]
    if first.role in _TITLES and not (first.role == Role.LOOKUP_TOKENS and first.operands[0].part != Part.IDS):
        return words.say(_TITLES[first.role])
    named = [step for step in scene.steps if multiplies(step) or step is first]
    if scene.alike:
        return words.listed(tuple(words.say(clean(step.title)) for step in (first, *scene.alike)))
    return " → ".join(dict.fromkeys(words.say(clean(step.title)) for step in named))


def scene_notes(scene: Scene, words: Words) -> Iterator[str]:
    """What else is said: functions before it, notes of its steps, where a weight is used too."""
    if scene.closed is not None:
        n_steps = len(scene.steps)
        yield words.several("{n} steps", n_steps)
        return
    for step in scene.before:
        yield words.say(clean(step.title))
    crossing = [operand for step in scene.told() for operand in step.operands if operand.part == Part.CONTEXT]
    if crossing:
        yield words.say("keys and values of {name}", name=crossing[0].name)
    beside = [[words.note(note) for note in step.notes] for step in (scene.steps[0], *scene.alike)]
    differ = any(notes != beside[0] for notes in beside)
    for step in scene.told():
        notes = [words.note(note) for note in step.notes if step.role != Role.WEIGHTED_SUM]
        name = step.results[0].name if differ and step.results else ""
        yield from (f"{name}: {note}" if name else note for note in notes)
        if step.tied_to:
            yield shared_with(step, words)


def block_note(opened: Opened, words: Words) -> str:
    """What a block that repeats gives to the next one: ``X_2 is X_0 of the next block``."""
    steps = list(opened.section.steps())
    own = {step.id for step in steps}
    read = next((o for step in steps for o in step.operands if o.role == "data" and o.made_by not in own), None)
    given = _given(steps)
    if opened.section.repeat < 2 or read is None or given is None or not read.name or not given.name:
        return ""
    return words.say("{given} goes into the next block as {read}", given=given.name, read=read.name)


def _given(steps: list[Step]) -> Operand | None:
    return steps[-1].results[0] if steps and steps[-1].results else None
