"""Attention whose queries, keys, values and mask do not fit each other."""

from shapetrace.failing.broadcasting import first_clash, fits
from shapetrace.failing.cases import Case, Finding, Shape, choices, unequal
from shapetrace.failing.structure import written

_NAMES = ("the queries", "the keys", "the values", "the mask")


def attention(case: Case) -> Finding | None:
    """``scaled_dot_product_attention``: q (…, T, d), k (…, S, d), v (…, S, dv), mask (…, T, S)."""
    if len(case.shapes) < 3 or any(len(shape) < 2 for shape in case.shapes[:3]):
        return None
    q, k, v = case.shapes[:3]
    pairs = (
        ((0, -1), (1, -1), "queries and keys are multiplied: their widths must be equal"),
        ((1, -2), (2, -2), "there must be as many values as keys"),
    )
    for (i, a), (j, b), rule in pairs:
        if case.shapes[i][a] != case.shapes[j][b]:
            return _differ(case, (i, a), (j, b), rule, ())
    for j, other in ((1, k), (2, v)):
        clash = first_clash([q[:-2], other[:-2]])
        if clash is not None:
            return _differ(case, (0, clash[1][0]), (j, clash[1][1]), "heads and batch must be equal", _groups(q, other))
    return _mask(case, (*q[:-1], k[-2])) if len(case.shapes) > 3 else None


def _groups(q: Shape, k: Shape) -> tuple[str, ...]:
    """Fewer heads of keys than of queries: groups."""
    if len(q) > 2 and len(k) == len(q) and q[-3] != k[-3] and k[-3] and q[-3] % k[-3] == 0:
        n = q[-3] // k[-3]
        return (
            "enable_gqa=True, if each head of the keys serves " + f"{n} of the queries",
            f".repeat_interleave({n}, -3) on keys and values",
        )
    return ()


def _differ(case: Case, left: tuple[int, int], right: tuple[int, int], rule: str, ways: tuple[str, ...]) -> Finding:
    (i, a), (j, b) = left, right
    a, b = a % len(case.shapes[i]), b % len(case.shapes[j])
    sizes = case.shapes[i][a], case.shapes[j][b]
    return Finding(
        f"{rule}, but axis {a} of {_NAMES[i]} is {sizes[0]} and axis {b} of {_NAMES[j]} is {sizes[1]}",
        ways,
        unequal(*sizes),
        {i: (a,), j: (b,)},
    )


def _mask(case: Case, scores: Shape) -> Finding | None:
    mask = case.shapes[3]
    clash = first_clash([mask, scores])
    if clash is None and fits(mask, scores):
        return None
    widened = [(*mask[:place], 1, *mask[place:]) for place in range(len(mask))]
    ways = [f"the mask with an axis for heads, .unsqueeze({shape_place}): {written(shape)}"
            for shape_place, shape in enumerate(widened) if fits(shape, scores)]  # fmt: skip
    if clash is None:
        return Finding(
            f"the mask {written(mask)} has more axes than the scores {written(scores)}", choices(*ways), marks={3: (0,)}
        )
    (got, expected), (axis, _) = clash
    return Finding(
        f"the mask {written(mask)} has {got} where the scores {written(scores)} have {expected}: it must broadcast",
        choices(*ways[:1], f"a mask {written(scores[-2:])}, or {written(scores)}"),
        unequal(got, expected),
        {3: (axis,)},
    )
