"""Sentences that say what the steps of a figure or table do, and why, each once."""

from collections.abc import Iterable

from shapetrace.drawing.wording import Words
from shapetrace.language import say
from shapetrace.outlining.sentences import sentence
from shapetrace.outlining.structure import Step


def sentences(steps: Iterable[Step], words: Words) -> list[tuple[str, str]]:
    """Titles of steps with what they do; equal ones once."""
    return list(dict.fromkeys((words.say(step.title), words.told(sentence(step))) for step in steps))


def caption(steps: Iterable[Step], words: Words) -> str:
    """The same as lines below a figure."""
    lines = (say("{title}: {sentence}", title=title, sentence=told) for title, told in sentences(steps, words))
    return "\n".join(map(words.told, lines))
