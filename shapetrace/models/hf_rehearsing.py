"""Which inputs run: forms are tried in order, and those that do not run are changed by what the error says."""

import heapq
import itertools
import re
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeAlias

import torch
from torch import Tensor
from torch.nn.modules.module import register_module_forward_pre_hook

from shapetrace.errors import UnknownValueError
from shapetrace.models.hf_fields import Ask
from shapetrace.models.hf_guesses import likeliest
from shapetrace.models.hf_repairs import Clash, Kwargs, repairs
from shapetrace.models.hf_tracebacks import before_raise

Rehearse: TypeAlias = Callable[[Kwargs], object]
"""Runs a pass with some inputs and raises if they do not fit."""

AXES = re.compile(r"values to unpack|input to conv\dd")
"""Errors that say which axes an input should have."""

MOST_RUNS = 10
"""Passes that are tried around one form."""

DEEPEST = 5
"""Changes of one form after another."""

NEVER = re.compile(r"^(labels|past_|output_|return_|use_|encoder_outputs$)|_outputs$|_labels$|cache")
"""Parameters that only a training step, a generation or a second half of a pass gives."""

MOST_SECONDS = 12.0
"""After this the form that came furthest is taken."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """Inputs that were tried.

    Attributes:
        kwargs: The inputs.
        runs: True if the pass ran, None if values that meta has not are needed to tell.
        reached: Modules that ran: how far it came.
        error: What it raised.
    """

    kwargs: Kwargs
    runs: bool | None
    reached: int
    error: Exception | None = None


def rehearsed(
    ask: Ask, candidates: Sequence[Kwargs], run: Rehearse, failed: Callable[[Exception], object] = str
) -> Kwargs:
    """The first inputs that run; if none does, those that came furthest.

    Args:
        ask: What inputs are asked for.
        candidates: Forms, likeliest first.
        run: Runs the model, raises if they do not fit.
        failed: Sees errors that no other form answers, and may raise something else.
    """
    search = _Search(ask, run, failed)
    for _, group in itertools.groupby(candidates, key=frozenset):
        forms = list(
            group
        )  # of the same inputs: each as it is, before any is changed; but code that names axes is right
        found = search.around(forms[0]) if search.is_told_axes(forms[0]) else None
        found = found or next((kwargs for kwargs in forms if search.runs(kwargs)), None)
        found = found or next((changed for kwargs in forms if (changed := search.around(kwargs))), None)
        if found is not None:
            return found
    return search.furthest() or (candidates[0] if candidates else {})


class _Search:
    """What was tried, so that nothing is tried twice."""

    def __init__(self, ask: Ask, run: Rehearse, failed: Callable[[Exception], object]) -> None:
        self._ask, self._run, self._failed = ask, run, failed
        self._deadline = time.monotonic() + MOST_SECONDS
        self._tried: dict[str, Attempt] = {}

    def runs(self, kwargs: Kwargs) -> bool:
        """Whether inputs run as they are."""
        return time.monotonic() < self._deadline and bool(self._attempt(kwargs).runs)

    def is_told_axes(self, kwargs: Kwargs) -> bool:
        """Whether the error of inputs says exactly which axes are wanted."""
        return not self.runs(kwargs) and AXES.search(str(self._attempt(kwargs).error)) is not None

    def around(self, kwargs: Kwargs) -> Kwargs | None:
        """Inputs that run, from these by what errors say; those that came furthest are changed first."""
        order = itertools.count()
        waiting: list[tuple[tuple[int, int], int, Kwargs]] = [((0, 0), next(order), kwargs)]
        n_tried = 0
        while waiting and n_tried < MOST_RUNS and time.monotonic() < self._deadline:
            (_, depth), _, kwargs = heapq.heappop(waiting)
            if depth and _written(kwargs) in self._tried:
                continue
            n_tried += 1
            attempt = self._attempt(kwargs)
            if attempt.runs:
                return kwargs
            if attempt.error is None or depth == DEEPEST:
                continue
            answers = list(_changed(self._ask, attempt))
            if not answers:
                self._failed(attempt.error)
            for changed in answers:
                heapq.heappush(waiting, ((-attempt.reached, depth + 1), next(order), changed))
        return None

    def _attempt(self, kwargs: Kwargs) -> Attempt:
        key = _written(kwargs)
        if key not in self._tried:
            self._tried[key] = _attempt(kwargs, self._run)
        return self._tried[key]

    def furthest(self) -> Kwargs | None:
        """Inputs that may run where there are values; else those that came furthest."""
        if not self._tried:
            return None
        return min(self._tried.values(), key=lambda attempt: (attempt.runs is not None, -attempt.reached)).kwargs


def _attempt(kwargs: Kwargs, run: Rehearse) -> Attempt:
    with _counting() as reached:
        try:
            with torch.no_grad():
                run(kwargs)
        except UnknownValueError:
            return Attempt(kwargs, None, reached[0])
        except Exception as error:  # noqa: BLE001 - whatever a model raises, this form does not fit
            return Attempt(kwargs, False, reached[0], error)
    return Attempt(kwargs, True, reached[0])


@contextmanager
def _counting() -> Iterator[list[int]]:
    """Count the modules that run in the block."""
    count = [0]

    def entered(_module: object, _args: object) -> None:
        count[0] += 1

    hook = register_module_forward_pre_hook(entered)
    try:
        yield count
    finally:
        hook.remove()


def _changed(ask: Ask, attempt: Attempt) -> Iterator[Kwargs]:
    """What to try next: with what is missing, or with another shape."""
    assert attempt.error is not None
    clash = Clash(ask, attempt.kwargs, attempt.error)
    missing = _missing(clash)
    if missing:
        yield attempt.kwargs | {name: likeliest(ask, name) for name in missing}
    yield from repairs(clash)


def _missing(clash: Clash) -> list[str]:
    """Parameters that were not given and that the error is about.

    Named by it, or by the statement that met None, or by the question before a ``raise``: ``if lang_ids is None:``.
    """
    absent = [name for name in clash.ask.needed if name not in clash.kwargs and not NEVER.search(name)]

    def named(text: str) -> list[str]:
        return [name for name in absent if re.search(rf"\b{re.escape(name)}\b", text)]

    if found := named(clash.message):
        return found
    questions = " ".join(re.findall(r"\b(\w+) is None", before_raise(clash.error)))
    if found := named(questions):
        return found
    if "None" not in clash.message:
        return []
    return next((found for _, statement in clash.frames if (found := named(statement))), [])


def _written(kwargs: Kwargs) -> str:
    """Inputs as text, to tell tried ones."""
    return ", ".join(f"{name}={_form(value)}" for name, value in sorted(kwargs.items()))


def _form(value: Any) -> str:
    if not isinstance(value, Tensor):
        return repr(value)
    first = value.flatten()[:1].tolist() if value.is_floating_point() and not value.is_meta else ""
    return f"{value.dtype}{list(value.shape)}{first}"
