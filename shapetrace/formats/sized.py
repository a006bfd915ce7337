"""What stands below a table whose sizes are names: their values, formulas of the costs, what could not be varied."""

from collections.abc import Iterator

from shapetrace.drawing.wording import ENGLISH, Words
from shapetrace.formats.equations import Dims
from shapetrace.formats.numbers import exact
from shapetrace.ir import Range, Sizes
from shapetrace.outlining.structure import Outline

_COSTS = (
    ("parameters", "parameters"), ("flops", "FLOPs"), ("activation_bytes", "bytes of activations"),
    ("sent_bytes", "bytes that a rank sends"),
    ("cache_bytes", "bytes of the KV cache"),
)  # fmt: skip
_MOST_REFUSED = 6


def notes(outline: Outline, words: Words = ENGLISH, dims: Dims = "names") -> list[str]:
    """Lines about names; none where sizes are numbers."""
    if dims == "numbers":
        return []
    sizes = sizes_of(outline)
    if sizes is None:
        named = any(any(operand.dims) for step in outline.steps() for operand in (*step.operands, *step.results))
        return [words.say("names are recognised, not proved: the model did not run at other sizes")] if named else []
    values = ", ".join(f"{name} = {exact(value)}" for name, value in sizes.symbols.items())
    others = max(0, len(sizes.samples) - 1)
    lines = [words.say("sizes: {values}; proved at {n} other sizes", values=values, n=others)] if values else []
    costs = ((title, getattr(outline.formulas, key, None)) for key, title in _COSTS)
    lines += [f"{words.say(title)} = {formula}" for title, formula in costs if formula is not None and formula.terms]
    lines += [line for each in sizes.ranges for line in _range(each, words)]
    refused = [words.say("not varied: {symbol} ({entry}): {reason}", symbol=each.symbol, entry=each.entry,
                         reason=each.reason) for each in sizes.refused]  # fmt: skip
    more = len(refused) - _MOST_REFUSED
    return lines + refused[:_MOST_REFUSED] + ([words.say("{n} more were not varied", n=more)] if more > 0 else [])


def _range(found: Range, words: Words) -> Iterator[str]:
    """``holds for T ≤ 512: IndexError: ...``."""
    for size, sign, reason in ((found.least, "≥", found.below), (found.most, "≤", found.beyond)):
        if size is not None:
            bound = f"{found.symbol} {sign} {exact(size)}"
            yield words.say("holds for {bound}; beyond: {reason}", bound=bound, reason=reason)


def sizes_of(outline: Outline) -> Sizes | None:
    """The names of sizes of the pass that an outline was read from."""
    return None if outline.trace is None else outline.trace.sizes
