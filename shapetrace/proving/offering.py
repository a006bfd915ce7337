"""What can be varied of a model, and how."""

from collections.abc import Sequence
from dataclasses import dataclass

from shapetrace.sizing.variables import Variable
from shapetrace.sizing.varying import Attempt


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
