"""Attention whose queries, keys, values and mask do not fit each other."""

from shapetrace.failing.broadcasting import first_clash, fits
from shapetrace.failing.cases import Case, Finding, Shape, choices, unequal
from shapetrace.failing.structure import written
from shapetrace.language import Phrase, Text, say

_NAMES = (say("the queries"), say("the keys"), say("the values"), say("the mask"))
_WIDTHS = "queries and keys are multiplied, but axis {a} of {first} is {got} and axis {b} of {second} is {expected}"
_COUNTS = (
    "there must be as many values as keys, but axis {a} of {first} is {got} and axis {b} of {second} is {expected}"
)
_HEADS = "heads and batch must be equal, but axis {a} of {first} is {got} and axis {b} of {second} is {expected}"


def attention(case: Case) -> Finding | None:
    """``scaled_dot_product_attention``: q (…, T, d), k (…, S, d), v (…, S, dv), mask (…, T, S)."""
    if len(case.shapes) < 3 or any(len(shape) < 2 for shape in case.shapes[:3]):
        return None
    q, k, v = case.shapes[:3]
    for (i, a), (j, b), rule in (((0, -1), (1, -1), _WIDTHS), ((1, -2), (2, -2), _COUNTS)):
        if case.shapes[i][a] != case.shapes[j][b]:
            return _differ(case, (i, a), (j, b), rule, ())
    for j, other in ((1, k), (2, v)):
        clash = first_clash([q[:-2], other[:-2]])
        if clash is not None:
            return _differ(case, (0, clash[1][0]), (j, clash[1][1]), _HEADS, _groups(q, other))
    return _mask(case, (*q[:-1], k[-2])) if len(case.shapes) > 3 else None


def _groups(q: Shape, k: Shape) -> tuple[Phrase, ...]:
    """Fewer heads of keys than of queries: groups."""
    if len(q) > 2 and len(k) == len(q) and q[-3] != k[-3] and k[-3] and q[-3] % k[-3] == 0:
        n = q[-3] // k[-3]
        return (
            say("enable_gqa=True, if each head of the keys serves {n} of the queries", n=n),
            say(".repeat_interleave({n}, -3) on keys and values", n=n),
        )
    return ()


def _differ(case: Case, left: tuple[int, int], right: tuple[int, int], rule: str, ways: tuple[Text, ...]) -> Finding:
    (i, a), (j, b) = left, right
    a, b = a % len(case.shapes[i]), b % len(case.shapes[j])
    got, expected = case.shapes[i][a], case.shapes[j][b]
    return Finding(
        say(rule, a=a, first=_NAMES[i], got=got, b=b, second=_NAMES[j], expected=expected),
        ways or (say("sizes that are equal there: {got} or {expected} on both", got=got, expected=expected),),
        unequal(got, expected),
        {i: (a,), j: (b,)},
    )


def _mask(case: Case, scores: Shape) -> Finding | None:
    mask = case.shapes[3]
    clash = first_clash([mask, scores])
    if clash is None and fits(mask, scores):
        return None
    widened = [(place, (*mask[:place], 1, *mask[place:])) for place in range(len(mask))]
    ways = [
        say("the mask with an axis for heads, .unsqueeze({axis}): {shape}", axis=place, shape=written(shape))
        for place, shape in widened
        if fits(shape, scores)
    ]
    if clash is None:
        reason = "the mask {mask} has more axes than the scores {scores}"
        return Finding(say(reason, mask=written(mask), scores=written(scores)), choices(*ways), marks={3: (0,)})
    (got, expected), (axis, _) = clash
    return Finding(
        say(
            "the mask {mask} has {got} where the scores {scores} have {expected}: it must broadcast",
            mask=written(mask), got=got, scores=written(scores), expected=expected,
        ),
        choices(*ways[:1], say("a mask {first}, or {second}", first=written(scores[-2:]), second=written(scores))),
        unequal(got, expected),
        {3: (axis,)},
    )  # fmt: skip
