"""What is said of masks: what they let through, by their values."""

from shapetrace.ir import Pattern
from shapetrace.language import Phrase
from shapetrace.outlining.recognise.masks import Mask
from shapetrace.outlining.structure import WINDOW

_MOST_BLOCKS = 4


def mask_notes(mask: Mask, queries: int = 0) -> list[Phrase]:
    """What a mask lets through, by its values; "masked" where these are unknown or have no name.

    Args:
        mask: The mask.
        queries: Rows that ask, if that is known: what a single one does not see may be padding, or still to come.
    """
    seen = mask.seen
    if seen is not None and queries == 1 and seen.kind == "columns" and not seen.differs and _n_first(seen):
        notes = [Phrase("the first {n} seen by all", {"n": _n_first(seen)})]
    else:
        notes = _seen_notes(seen) if seen is not None else [Phrase("masked")] if mask.hides else []
    if mask.learned:
        notes.append(Phrase("plus a learned bias"))
    elif mask.biased:
        notes.append(Phrase("plus a bias"))
    return notes


def _n_first(seen: Pattern) -> int:
    """How many columns are seen, if these are the first ones; else 0."""
    (start, stop), *others = seen.columns or ((0, 0),)
    return 0 if start or others else stop


def _seen_notes(seen: Pattern) -> list[Phrase]:
    notes = []
    if seen.kind == "prefix":
        notes.append(Phrase("causal mask"))
        notes.append(Phrase("the first {n} seen by all", {"n": seen.prefix or 0}))
    elif seen.kind == "blocks":
        few = 0 < len(seen.blocks) <= _MOST_BLOCKS
        sizes = ", ".join(map(str, seen.blocks)) if few else str(len(seen.blocks))
        notes += [Phrase("causal mask")] if seen.causal else []
        told = "blocks of {sizes}" if few else "{sizes} blocks" if seen.blocks else "blocks"
        notes.append(Phrase(told, {"sizes": sizes} if seen.blocks else {}))
    elif seen.kind == "dilated":
        notes += [Phrase("causal mask")] if seen.above == 0 else []
        notes.append(Phrase("one position in {n}", {"n": seen.step or 1}))
    elif _is_past(seen) and seen.size[0] < seen.size[1]:
        notes.append(Phrase("causal mask"))  # in a cache with places for rows to come
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
    """Whether every row sees all that comes before some place, and not the row at this place."""
    return seen.kind == "window" and (seen.above or 0) < 0 and (seen.below or 0) >= seen.size[-1] - 1


_SEEN_ROWS = frozenset({"columns", "rows", "other", "none"})
_SEEN = {
    "causal": "causal mask", "future": "sees only what comes after", "diagonal": "each sees itself alone",
    "off_diagonal": "all but itself", "columns": "padding hidden", "none": "all hidden",
}  # fmt: skip
