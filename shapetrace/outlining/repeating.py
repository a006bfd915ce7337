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
    numbers: dict[Hashable, int] = {}
    items = [numbers.setdefault(form, len(numbers)) for form in forms]
    equal = [_equal_from(items, period) for period in range(1, min(_LONGEST_PERIOD, len(items) // 2) + 1)]
    for start in range(len(items)):
        for period, ahead in enumerate(equal, 1):
            if start < len(ahead) and (count := ahead[start] // period):
                yield start, start + (count + 1) * period


def _equal_from(items: Sequence[int], period: int) -> list[int]:
    """For each item, how many from it on equal the one that stands a period behind it, without a gap."""
    found = [0] * (len(items) - period)
    run = 0
    for i in reversed(range(len(found))):
        run = run + 1 if items[i] == items[i + period] else 0
        found[i] = run
    return found


def _length(run: tuple[int, int]) -> int:
    return run[1] - run[0]
