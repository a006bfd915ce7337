"""A prefill and decode steps of a model that a user names."""

from collections.abc import Callable
from dataclasses import asdict, replace
from functools import partial

from shapetrace import ir
from shapetrace.drawing.generating.content import PassColumn
from shapetrace.drawing.primitives import Figure
from shapetrace.errors import UsageError
from shapetrace.exploring import Explored, Tour
from shapetrace.formats.contract import Options
from shapetrace.generations.decoding import Generation, shown
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
    from shapetrace import hf_obtaining
    from shapetrace.generations import reference

    if request.kind not in ("huggingface", "reference", "preset"):
        raise UsageError(
            "--generate runs the reference model, presets and hf:MODEL_TYPE. Any loop of yours is recorded in Python: "
            "with shapetrace.generation() as g: ..."
        )
    found = Generation(is_cached=cached, beside=None if cached else generated(request, say, n_steps))
    if request.kind == "huggingface":
        return hf_obtaining.generated(request, say, n_steps, found)
    return reference.generated(request, n_steps, found)


def drawing(generation: Generation, options: Options) -> Figure:
    """Prefill, first and last decode step in columns of one figure.

    Raises:
        UsageError: If there is no pass, or no such theme or language.
    """
    from shapetrace.drawing.kinds.generation import generation_figure
    from shapetrace.drawing.wording import words_in
    from shapetrace.generations.table import saving

    if not generation.passes:
        raise UsageError("no module was called: there is nothing to draw")
    words = words_in(options.lang, options.look.templates if options.look else None)
    return generation_figure(
        _columns(generation), theme=options.theme, lang=options.lang, look=options.look, notes=saving(generation, words)
    )


def _columns(generation: Generation) -> list[PassColumn]:
    """The passes that are drawn, each with how many tokens were read before it."""
    passes, counts = generation.passes, dict[tuple[tuple[int, ...], ...], int]()
    n_before, found = 0, []
    numbers = shown(passes)
    for number, each in enumerate(passes):
        if number in numbers:
            bill = generation.bill(number)
            found.append(PassColumn(each.outline, number, n_before, bill, each.choice, generation.is_cached))
        given = tuple(each.trace.tensors[value].shape for value in each.trace.inputs if _is_ids(each.trace, value))
        if given not in counts:  # a pass over inputs of the same shapes reads as many
            column = PassColumn(each.outline, number, n_before, generation.bill(number))
            counts[given] = column.n_tokens if column.logits else 0  # an encoder alone is no token before
        n_before += counts[given] if generation.is_cached else 0
    return found


def _is_ids(trace: ir.Trace, value: int) -> bool:
    return "int" in trace.tensors[value].dtype


def tour(generation: Generation, *, fused: bool = False) -> Tour:
    """All passes, to be walked through one after another.

    Args:
        generation: At least one pass.
        fused: Whether products as the code runs them are what is seen first.

    Raises:
        UsageError: If there is no pass.
    """
    from shapetrace.generations.table import saving

    if not generation.passes:
        raise UsageError("no module was called: there is nothing to explore")
    passes = zip(generation.passes, generation.bills, strict=True)
    subjects = (replace(Explored.of(each.outline), starts_fused=fused, bill=asdict(bill)) for each, bill in passes)
    return Tour(tuple(subjects), is_cached=generation.is_cached, told=partial(saving, generation))
