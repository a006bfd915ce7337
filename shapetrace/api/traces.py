"""What the interface calls a trace and its outline, and what it says when a pass fails."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import fields, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from shapetrace import ir
from shapetrace.errors import UsageError

if TYPE_CHECKING:
    import torch

    from shapetrace.api.pages import Explorer
    from shapetrace.language import Tell
    from shapetrace.showing import Outline, Totals

__tracebackhide__ = True  # pytest shows the code of the test, not ours

_CONTRADICTIONS = (LookupError, TypeError, ValueError, ArithmeticError, AttributeError, AssertionError, RecursionError)
"""What reading the meaning of a trace may end with if its file was changed by hand."""


class Trace(ir.Trace):
    """One recorded forward pass. Prints as the table; in Jupyter it shows itself as a figure."""

    @classmethod
    def of(cls, recorded: ir.Trace) -> "Trace":
        """The same facts with these methods."""
        return cls(**{field.name: getattr(recorded, field.name) for field in fields(ir.Trace)})

    @cached_property
    def _outline(self) -> "Outline":
        return outline(self)

    @property
    def totals(self) -> "Totals":
        """Parameters, FLOPs and bytes of the whole pass."""
        totals: Totals = self._outline.totals  # type: ignore[assignment]  # `Outline.of` made them
        return totals

    def outline(self, *, fused: bool = False) -> "Outline":
        """What the pass means; see `shapetrace.outline`."""
        return outline(self, fused=True) if fused else self._outline

    def explore(self, **options: Any) -> "Explorer":
        """A page to walk through the pass; see `shapetrace.explore`."""
        from shapetrace.api.pages import explore

        return explore(self, **options)

    def with_tokens(self, tokens: Sequence[str]) -> "Trace":
        """The same pass with words to write beside its rows, one for each id: ``"The capital of France".split()``.

        Raises:
            UsageError: If the first input does not end in an axis of so many.
        """
        shape = self.tensors[self.inputs[0]].shape if self.inputs else ()
        if isinstance(tokens, str) or shape[-1:] != (len(tokens),):
            got = "one text" if isinstance(tokens, str) else f"{len(tokens)} words"
            expected = f"one a row of the first input, {list(shape)}" if shape else "a pass with ids"
            raise UsageError(f"got {got}, expected {expected}: a list of words, as a tokenizer cuts them")
        return Trace.of(replace(self, model=replace(self.model, tokens=tuple(map(str, tokens)))))

    def save(self, path: str | Path) -> None:
        """Write it to a JSON file, compressed if the name ends in ``.gz``.

        Raises:
            UsageError: If it cannot be written there.
        """
        from shapetrace.serialize import save

        save(self, Path(path))

    def __str__(self) -> str:
        return str(self._outline)

    def __repr__(self) -> str:
        from shapetrace.showing import summary

        return f"<Trace {summary(self._outline)}>"

    def _repr_html_(self) -> str:
        from shapetrace.api.figures import figure
        from shapetrace.formats.notebook import trace

        return trace(self._outline, figure(self._outline).drawing)


def trace(model: "torch.nn.Module", /, *args: Any, **kwargs: Any) -> Trace:
    """Run ``model(*args, **kwargs)`` once and record every operation with every shape.

    The model runs where it is and is left as it was. What it raises comes through unchanged, with a
    note that explains it (which sizes clash, where they come from), and with the partial trace as its
    attribute ``trace``.

    Raises:
        TraceError: If ``model`` is no ``torch.nn.Module``.
    """
    from shapetrace.capture import capture

    try:
        return Trace.of(capture(model, args, kwargs))
    except Exception as error:
        partial = getattr(error, "trace", None)
        if isinstance(partial, ir.Trace):
            note_why(error, partial)
        raise


@contextmanager
def explain(*, lang: str = "en", others: bool = True) -> Iterator[None]:
    """Explain the exception that a block of code raises, if one does: ``with shapetrace.explain(): model(x)``.

    Every operation in the block is recorded, whatever models run. The exception comes through unchanged, with
    the explanation as a note below its traceback and the partial trace as its attribute ``trace``. A block that
    raises nothing prints nothing. Also a decorator: ``@shapetrace.explain()``.

    Args:
        lang: Language of the note: ``en``, ``zh``.
        others: False to leave exceptions as they are that are not of PyTorch's operations.

    Raises:
        UsageError: If there is no such language.
    """
    from shapetrace.capture import watch
    from shapetrace.drawing.wording import words_in

    tell = words_in(lang).told if lang != "en" else str
    with watch(lambda error, partial: note_why(error, partial, tell, others=others)):
        yield


def note_why(error: Exception, partial: ir.Trace, tell: "Tell" = str, *, others: bool = True) -> None:
    """Leave the explanation and the partial trace on an exception, in place of the recorder's own short note."""
    from shapetrace.failing import explanation, report

    explained = explanation(partial)
    if explained is not None and explained.kind == "other" and not others:
        return
    notes: list[str] = getattr(error, "__notes__", [])
    if notes and notes[-1].startswith("while tracing "):
        notes.pop()
    if explained is not None:
        error.add_note(report(explained, tell))
    with suppress(AttributeError):  # an exception class with slots keeps nothing
        error.trace = Trace.of(partial)  # type: ignore[attr-defined]


def outline(recorded: ir.Trace, *, fused: bool = False) -> "Outline":
    """Read a trace: sections, and in them steps with named operands.

    Args:
        recorded: What `trace` or `load` gave.
        fused: True to show products as the code runs them, False to show one head's.
    """
    from shapetrace.outlining import outline as read
    from shapetrace.showing import Outline

    try:
        return Outline.of(read(recorded, fused=fused))
    except _CONTRADICTIONS as error:
        source = getattr(recorded, "_source", "")
        if not source:
            raise
        said = f"its operations do not fit each other ({type(error).__name__})"
        raise UsageError(f"{source} contradicts itself: {said}; trace the model again") from error
