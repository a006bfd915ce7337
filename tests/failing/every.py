"""Every model that fails, and the trace that its pass leaves."""

from collections.abc import Sequence
from typing import Any

from torch import nn

import shapetrace
from tests.failing.kinds import KINDS
from tests.failing.mistakes import MISTAKES
from tests.failing.models import FAILING, Fails
from tests.failing.reported import REPORTED

EVERY: dict[str, Fails] = {**FAILING, **REPORTED, **KINDS, **MISTAKES}


def failed(model: nn.Module, inputs: Sequence[Any]) -> shapetrace.Trace:
    """The trace of a pass that fails."""
    try:
        shapetrace.trace(model, *inputs)
    except Exception as error:  # noqa: BLE001 - each model has its own
        return error.trace  # type: ignore[attr-defined]
    raise AssertionError("it runs")


def failed_case(name: str) -> shapetrace.Trace:
    """The same of one of `EVERY`, by its name."""
    return failed(EVERY[name].model, EVERY[name].inputs)
