"""Traces that several files of tests look at: each is made once, and nobody changes it."""

from functools import lru_cache

from shapetrace.api import Trace
from shapetrace.obtaining import obtain
from shapetrace.request import Request
from shapetrace.sharding.degrees import Degrees


@lru_cache(maxsize=48)
def obtained(
    model: str = "", *, text: str = "", entries: tuple[str, ...] = (), ranks: Degrees | None = None, **shape: object
) -> Trace:
    """A pass of a preset, or of a model of transformers, as commands trace it; it remembers its outline."""
    return obtain(Request(model=model, text=text, shape=shape, hf_set=entries, ranks=ranks), print)
