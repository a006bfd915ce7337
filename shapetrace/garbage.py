"""Python's search for cycles, of no use where little memory is in play and nearly all that is made is kept."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def uncollected() -> Iterator[None]:
    """No search in the block: a pass on meta has no memory to give back, and an outline is made of what is kept.

    It would go again and again through all that has been recorded.
    """
    was_on = gc.isenabled()
    try:
        gc.disable()
        yield
    finally:
        if was_on:
            if not gc.get_freeze_count():  # what somebody else froze stays so
                gc.freeze()
                gc.unfreeze()  # all is old now: else the search that was put off would come at once
            gc.enable()
