"""What is equal and what is not, in a few lines: the verdict first, what matters least last."""

from collections.abc import Iterator

from shapetrace.comparing.structure import Change, Comparison, Side, Total
from shapetrace.language import Phrase, say

_MOST_NAMES = 3
_MANY_TIMES = 10


def verdict(comparison: Comparison) -> Phrase:
    """Whether the products are equal."""
    n = comparison.n_in("products")
    n_equal = f"{comparison.n_products:,}"
    if comparison.products_equal:
        return say("the products are equal ({n} of {n})", n=n_equal)
    if not n:
        return say("the products are equal ({n} of {n}), the numbers of parameters are not", n=n_equal)
    return _counted("1 product or parameter differs", "{n} products or parameters differ", n)


def settings(comparison: Comparison) -> str:
    """``layers 12 → 24 · d_model 768 → 1,024``: often the cause of all the rest; empty if none differ."""
    return " · ".join(f"{name} {_plain(a)} → {_plain(b)}" for name, a, b in comparison.settings)


def totals(comparison: Comparison) -> tuple[Total, ...]:
    """Numbers of both sides, without those that are 0 on both."""
    return tuple(total for total in comparison.totals if total.left or total.right)


def growth(total: Total) -> str:
    """How much more or less the right has: ``+65.5 %``, ``×42.7``; empty if it is equal, or if there was nothing."""
    if total.left == total.right or not total.left:
        return ""
    if total.right >= _MANY_TIMES * total.left:
        return f"×{total.right / total.left:,.1f}"
    return f"{100 * (total.right - total.left) / total.left:+.1f} %".replace("-", "−")


def forms(comparison: Comparison, *, strict: bool = True) -> Iterator[Phrase]:
    """Differences that are not of products.

    Args:
        comparison: Two outlines, aligned.
        strict: Whether steps that differ because products do are listed.
    """
    if n_hidden := len(comparison.changes) - len(comparison.listed(strict=strict)):
        yield say("other steps whose shapes follow: {n} (--strict lists them)", n=f"{n_hidden:,}")
    elif n := comparison.n_in("steps"):
        yield _counted("1 other step differs", "{n} other steps differ", n)
    pairs = _renamed(comparison)
    if pairs:
        some = ", ".join(f"{left} → {right}" for left, right in pairs[:_MOST_NAMES])
        some += ", …" if len(pairs) > _MOST_NAMES else ""
        yield say("names that differ: {n} ({names})", n=f"{len(pairs):,}", names=some)
    if n := comparison.n_in("kernels"):
        yield _counted("kernels that differ: in 1 step", "kernels that differ: in {n} steps", n)
    if not comparison.differs(()):
        yield say("nothing differs")


def _counted(one: str, many: str, n: int) -> Phrase:
    return say(one) if n == 1 else say(many, n=f"{n:,}")


def _plain(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)


def _renamed(comparison: Comparison) -> list[tuple[str, str]]:
    """Names that differ, each once: there are many, and they matter least."""
    differ = [change for change in comparison.changes if "names" in change.aspects and change.left and change.right]
    return list(dict.fromkeys(_names(change) for change in differ))


def _names(change: Change) -> tuple[str, str]:
    left, right = change.left or Side("", ""), change.right or Side("", "")
    names = (left.path, right.path) if left.path != right.path else (left.title, right.title)
    return names[0] or "the model", names[1] or "the model"
