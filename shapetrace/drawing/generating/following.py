"""One row followed through the passes of a generation: where it is in each, and what is said of it there."""

from collections.abc import Iterator, Sequence

from shapetrace.drawing.content.following import told
from shapetrace.drawing.generating.content import Attended, PassColumn, is_before
from shapetrace.drawing.wording import Words
from shapetrace.errors import UsageError
from shapetrace.outlining.following import Followed, followed, seen_by_row
from shapetrace.outlining.lanes import UNKNOWN


def followed_in(columns: Sequence[PassColumn], asked: str) -> tuple[Followed, ...]:
    """The row that is asked for, as each pass counts its rows: its number, from 1 on, or its word.

    A row that a pass does not read has a position below 0, kept from before, or behind its last one, not there yet.

    Raises:
        UsageError: If no pass reads such a row, its word is unknown or there twice, or rows are counted apart.
    """
    if any(each.source or is_before(each, columns) for each in columns):
        raise UsageError("an encoder and a decoder count their rows apart: follow one in a figure of one pass")
    first, last = columns[0].outline, columns[-1]
    total = last.n_before + last.outline.positions.size
    if not asked.isdecimal() or not first.positions.size:
        number = followed(first, asked).number
    elif 1 <= int(asked) <= total:
        number = int(asked)
    else:
        raise UsageError(f"no position {asked} to follow: there are {total}, 1 to {total}")
    labels = first.positions.labels
    label = labels[number - 1] if number <= len(labels) else ""
    return tuple(Followed(each.outline.positions, number - 1 - each.n_before, label) for each in columns)


def is_chosen(column: PassColumn, follow: Followed | None) -> bool:
    """Whether the id that a pass chooses is that of the row that is followed."""
    return follow is not None and follow.position == column.n_tokens


def said(attended: Attended, follow: Followed | None, words: Words) -> str:
    """What a row sees and who sees it; of one that was kept, whether the new row does."""
    if follow is None:
        return ""
    scores = attended.scores.results[0]
    if follow.index(scores, -2) is None and len(scores.shape) > 1 and scores.shape[-2] == 1:
        return words.say(next(_of_kept(attended, follow), ""))
    return told([attended.scores], follow, words)


def _of_kept(attended: Attended, follow: Followed) -> Iterator[str]:
    scores = attended.scores.results[0]
    column = follow.index(scores, -1)
    if column is not None:
        seen = seen_by_row(scores, 0)
        if seen is not None:
            is_seen = any(start <= column < stop for start, stop in seen)
            yield "the new row looks at it" if is_seen else "the new row does not see it"
        return
    number = scores.axes[-1] if scores.axes else UNKNOWN
    lane = follow.positions.lanes.get(number)
    if lane is not None and follow.position < lane.start:
        yield "no longer kept"
