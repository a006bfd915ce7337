"""What can be varied of a model, and how."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from shapetrace.api import Trace
from shapetrace.sizing.searching import Attempt
from shapetrace.sizing.variables import Variable
from shapetrace.sizing.varying import sizes


@dataclass(frozen=True, slots=True)
class Offer:
    """Sizes that can be chosen.

    Attributes:
        variables: What they are.
        attempt: Runs the model with some of them changed.
        shallow: Whether it can run with few layers.
    """

    variables: Sequence[Variable]
    attempt: Attempt
    shallow: bool = True


def with_offer(trace: Trace, offer: Offer) -> Trace:
    """The same pass with ``sizes``, by what can be varied of it."""
    found = sizes(trace, offer.variables, offer.attempt, shallow_layers=offer.shallow)
    return Trace.of(replace(trace, sizes=found))
