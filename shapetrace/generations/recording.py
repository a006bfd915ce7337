"""``with shapetrace.generation() as g:`` around any code that calls a model again and again."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from shapetrace.generations.decoding import Generation


@contextmanager
def generation() -> Iterator["Generation"]:
    """Record every call of a model in a block of code: ``with shapetrace.generation() as g: model.generate(ids)``.

    Each call of a module that no other module makes is one pass. Models compute what they compute untraced.
    ``print(g)`` shows the passes side by side.
    """
    from shapetrace.capture.generating import passes
    from shapetrace.generations.decoding import Generation

    found = Generation()
    with passes(found.add, found.chose):
        yield found
