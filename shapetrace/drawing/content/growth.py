"""What a longer input costs, in a sentence."""

from shapetrace.drawing.wording import Words
from shapetrace.outlining.lengthening import flops_by_power
from shapetrace.outlining.running import running_axes
from shapetrace.outlining.structure import Outline

_RAISED = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


def growth_text(outline: Outline, words: Words) -> str:
    """How FLOPs, cache and parameters grow with the length of the input.

    "" where none do, where not all FLOPs can be told, and of a pass that ended early.
    """
    powers = flops_by_power(outline)
    if powers is None or not any(powers) or outline.failure:
        return ""
    said: list[str] = []
    for power, flops in sorted(powers.items(), key=lambda entry: -entry[1]):
        phrase = "{n} % as {power}" if said else "{n} % of the FLOPs grow as {power}"
        phrase = phrase if power else "{n} % of the FLOPs not at all"
        term = "T" if power == 1 else f"T{str(power).translate(_RAISED)}"
        said.append(words.say(phrase, n=f"{100 * flops / sum(powers.values()):.1f}", power=term))
    cache = outline.cache
    if cache is not None and all(group.window is None and group.tokens_per_row == 1 for group in cache.layers):
        said.append(words.say("the cache by {n} bytes a token", n=f"{cache.bytes_per_token():,}"))
    told = "As the input gets longer, T: {grown}; parameters not at all."
    if len(running_axes(outline)) > 1:
        told = "As both inputs get longer, T: {grown}; parameters not at all."
    return words.say(told, grown=words.listed(tuple(said)))
