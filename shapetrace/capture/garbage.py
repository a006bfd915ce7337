"""Python's search for cycles, which a pass without memory has no use for."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def uncollected() -> Iterator[None]:
    """No search in the block: on meta there is no memory to give back, and nearly all that is made is kept.

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
