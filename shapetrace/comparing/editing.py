"""The cheapest way to make one sequence of another: which items stay, change, come and go."""

from collections.abc import Callable, Sequence
from typing import TypeVar

T = TypeVar("T")

_ALONE = 1.0
"""What an item costs that has no partner."""


def cheapest(left: Sequence[T], right: Sequence[T], cost: Callable[[T, T], float]) -> list[tuple[T | None, T | None]]:
    """Align two sequences.

    Args:
        left: The one before.
        right: The one after.
        cost: What it costs to put two items side by side: 0 if they are equal; 2 or more never is.

    Returns:
        Pairs in order; None where an item has no partner.
    """
    best = [[_ALONE * j for j in range(len(right) + 1)]]
    for i, a in enumerate(left, start=1):
        row = [_ALONE * i]
        for j, b in enumerate(right, start=1):
            row.append(min(best[i - 1][j - 1] + cost(a, b), best[i - 1][j] + _ALONE, row[j - 1] + _ALONE))
        best.append(row)
    found: list[tuple[T | None, T | None]] = []
    i, j = len(left), len(right)
    while i or j:
        if i and j and best[i][j] == best[i - 1][j - 1] + cost(left[i - 1], right[j - 1]):
            i, j = i - 1, j - 1
            found.append((left[i], right[j]))
        elif i and best[i][j] == best[i - 1][j] + _ALONE:
            i -= 1
            found.append((left[i], None))
        else:
            j -= 1
            found.append((None, right[j]))
    return found[::-1]
