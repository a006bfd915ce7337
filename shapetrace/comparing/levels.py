"""Which differences count."""

from collections.abc import Iterable

from shapetrace.comparing.structure import ASPECTS
from shapetrace.errors import UsageError

IGNORABLE = tuple(aspect for aspect in ASPECTS if aspect != "products")
"""Products always count: they are what a trace is kept for."""

USUALLY = ("kernels",)
"""What is ignored if nothing is said: kernels change with the device and with versions of torch."""


def levels(names: Iterable[str]) -> frozenset[str]:
    """Check names of aspects that are to be ignored; ``none`` is no aspect.

    Raises:
        UsageError: If one is unknown, or cannot be ignored.
    """
    given = frozenset(name.strip() for name in names) - {"", "none"}
    if unknown := sorted(given - set(IGNORABLE)):
        raise UsageError(f"cannot ignore {', '.join(unknown)}: choose some of {', '.join(IGNORABLE)}, or none")
    return given
