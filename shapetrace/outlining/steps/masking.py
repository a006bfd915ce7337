"""What is said of masks: what they let through, by their values."""

from shapetrace.ir import Pattern
from shapetrace.language import Phrase
from shapetrace.outlining.recognise.masks import Mask
from shapetrace.outlining.structure import WINDOW

_MOST_BLOCKS = 4


def mask_notes(mask: Mask) -> list[Phrase]:
    """What a mask lets through, by its values; "masked" where these are unknown or have no name."""
    seen = mask.seen
    notes = _seen_notes(seen) if seen is not None else [Phrase("masked")] if mask.hides else []
    if mask.learned:
        notes.append(Phrase("plus a learned bias"))
    elif mask.biased:
        notes.append(Phrase("plus a bias"))
    return notes


def _seen_notes(seen: Pattern) -> list[Phrase]:
    notes = []
    if seen.kind == "prefix":
        notes.append(Phrase("causal mask"))
        notes.append(Phrase("the first {n} seen by all", {"n": seen.prefix or 0}))
    elif seen.kind == "blocks":
        few = len(seen.blocks) <= _MOST_BLOCKS
        sizes = ", ".join(map(str, seen.blocks)) if few else str(len(seen.blocks))
        notes += [Phrase("causal mask")] if seen.causal else []
        notes.append(Phrase("blocks of {sizes}" if few else "{sizes} blocks", {"sizes": sizes}))
    elif seen.kind == "dilated":
        notes += [Phrase("causal mask")] if seen.above == 0 else []
        notes.append(Phrase("one position in {n}", {"n": seen.step or 1}))
    elif _is_past(seen):
        notes.append(Phrase("sees only what comes before"))
    elif seen.kind == "window" and seen.below == 0 and (seen.above or 0) >= seen.size[-1] - 1:
        notes.append(Phrase("sees itself and what comes after"))
    elif seen.kind == "window" and seen.below is not None and seen.above is not None:
        notes += [Phrase("causal mask")] if seen.above <= 0 else []
        notes.append(Phrase(WINDOW, {"n": seen.below + seen.above + 1}))
    else:
        notes.append(Phrase(_SEEN.get(seen.kind, "masked")))
    if seen.kind not in _SEEN_ROWS and any(map(_is_padded, (seen, *seen.parts))):
        notes.append(Phrase("padding hidden"))
    return notes


def _is_padded(seen: Pattern) -> bool:
    """Whether columns or rows are off altogether, of one example or of all."""
    return seen.columns is not None or seen.rows is not None


def _is_past(seen: Pattern) -> bool:
    """Whether every row sees all that comes before it, and not itself."""
    return seen.kind == "window" and seen.above == -1 and (seen.below or 0) >= seen.size[-1] - 1


_SEEN_ROWS = frozenset({"columns", "rows", "other", "none"})
_SEEN = {
    "causal": "causal mask", "future": "sees only what comes after", "diagonal": "each sees itself alone",
    "off_diagonal": "all but itself", "columns": "padding hidden", "none": "all hidden",
}  # fmt: skip
