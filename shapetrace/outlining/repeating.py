"""Where the layers of a model that keeps them in lists begin and end: loose steps around its sections repeat too."""

from collections.abc import Hashable, Iterator, Sequence

_LONGEST_PERIOD = 16
_MOST_ITEMS = 400


def layers(forms: Sequence[Hashable], first: int, last: int) -> tuple[int, int]:
    """The first item that belongs to the layers, and the one after the last.

    Args:
        forms: What must be equal in items that repeat.
        first: Position of the first section.
        last: Position of the last section.
    """
    if first == last or len(forms) > _MOST_ITEMS:
        return first, last + 1
    runs = list(_runs(forms))
    begins = max((run for run in runs if run[0] <= first < run[1]), key=_length, default=(first, first))
    ends = max((run for run in runs if run[0] <= last < run[1]), key=_length, default=(last, last + 1))
    return min(first, begins[0]), max(last + 1, ends[1])


def _runs(forms: Sequence[Hashable]) -> Iterator[tuple[int, int]]:
    """Start and end of everything that stands twice or more in a row, the earliest first."""
    for start in range(len(forms)):
        for period in range(1, min(_LONGEST_PERIOD, (len(forms) - start) // 2) + 1):
            end = start + period
            while end < len(forms) and forms[end] == forms[end - period]:
                end += 1
            count = (end - start) // period
            if count > 1:
                yield start, start + count * period


def _length(run: tuple[int, int]) -> int:
    return run[1] - run[0]
