"""A prefill and decode steps of a model that a user names."""

from collections.abc import Callable, Iterator
from dataclasses import asdict, replace

from shapetrace.decoding import Generation, shown
from shapetrace.drawing.generating.content import PassColumn
from shapetrace.drawing.primitives import Figure
from shapetrace.errors import UsageError
from shapetrace.exploring import Explored, Tour
from shapetrace.formats.contract import Options
from shapetrace.request import Request


def generated(request: Request, say: Callable[[str], None], n_steps: int, *, cached: bool = True) -> Generation:
    """Trace a prefill and so many decode steps behind it.

    Args:
        request: What is asked for.
        say: Takes a sentence for what was filled in.
        n_steps: Decode steps behind the prefill.
        cached: False to compute all of the text again in each pass; the same with a cache is then `beside` it.

    Raises:
        UsageError: If the model has no loop that is known here, or the request is wrong.
    """
    from shapetrace import hf_obtaining, reference_generating

    if request.kind not in ("huggingface", "reference", "preset"):
        raise UsageError(
            "--generate runs the reference model, presets and hf:MODEL_TYPE. Any loop of yours is recorded in Python: "
            "with shapetrace.generation() as g: ..."
        )
    found = Generation(is_cached=cached, beside=None if cached else generated(request, say, n_steps))
    if request.kind == "huggingface":
        return hf_obtaining.generated(request, say, n_steps, found)
    return reference_generating.generated(request, n_steps, found)


def drawing(generation: Generation, options: Options) -> Figure:
    """Prefill, first and last decode step in columns of one figure.

    Args:
        generation: At least one pass.
        options: Theme, language and look.

    Raises:
        UsageError: If there is no pass, or no such theme or language.
    """
    from shapetrace.drawing.kinds.generation import generation_figure

    if not generation.passes:
        raise UsageError("no module was called: there is nothing to draw")
    numbers = shown(generation.passes)
    columns = [each for each in _columns(generation) if each.number in numbers]
    return generation_figure(columns, theme=options.theme, lang=options.lang, look=options.look)


def _columns(generation: Generation) -> Iterator[PassColumn]:
    n_before = 0
    for number, (each, bill) in enumerate(zip(generation.passes, generation.bills, strict=True)):
        yield (column := PassColumn(each.outline, number, n_before, bill, each.choice))
        n_before += column.n_tokens if column.logits else 0  # an encoder alone is no token before


def tour(generation: Generation, *, fused: bool = False) -> Tour:
    """All passes, to be walked through one after another.

    Args:
        generation: At least one pass.
        fused: Whether products as the code runs them are what is seen first.

    Raises:
        UsageError: If there is no pass.
    """
    if not generation.passes:
        raise UsageError("no module was called: there is nothing to explore")
    passes = zip(generation.passes, generation.bills, strict=True)
    return Tour(
        tuple(replace(Explored.of(each.outline), starts_fused=fused, bill=asdict(bill)) for each, bill in passes)
    )
