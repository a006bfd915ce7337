"""einsum: letters that stand for two sizes, or for axes that are not there."""

from shapetrace.failing.cases import Case, Finding, unequal, unequal_axes
from shapetrace.language import say

_DOTS = "..."


def einsum(case: Case) -> Finding | None:
    """``einsum('bqd,bkd->bqk', x, y)``: one size a letter, one letter an axis."""
    equation = case.arg("equation", 0)
    if not isinstance(equation, str):
        return None
    terms = equation.replace(" ", "").partition("->")[0].split(",")
    if len(terms) != len(case.shapes):
        return Finding(
            say("'{equation}' names {n} operands, there are {m}", equation=equation, n=len(terms), m=len(case.shapes)),
            (say("as many operands as terms"),),
            unequal(len(terms), len(case.shapes)),
        )
    return _numbers_of_axes(case, terms) or _sizes(case, equation, terms)


def _numbers_of_axes(case: Case, terms: list[str]) -> Finding | None:
    for i, (term, shape) in enumerate(zip(terms, case.shapes, strict=True)):
        n_letters = len(term.replace(_DOTS, ""))
        if n_letters == len(shape) or (_DOTS in term and n_letters < len(shape)):
            continue
        return Finding(
            say("'{term}' has {n} letters, {name} has {m} axes", term=term, n=n_letters, name=case.named(i),
                m=len(shape)),
            (say("{n} letters for it, or an operand of {m} axes", n=len(shape), m=n_letters),),
            unequal_axes(len(shape), n_letters),
            {i: tuple(range(len(shape)))},
        )  # fmt: skip
    return None


def _sizes(case: Case, equation: str, terms: list[str]) -> Finding | None:
    seen: dict[str, tuple[int, int]] = {}
    for i, (term, shape) in enumerate(zip(terms, case.shapes, strict=True)):
        for axis, letter in _letters(term, len(shape)):
            j, other = seen.setdefault(letter, (i, axis))
            sizes = case.shapes[j][other], shape[axis]
            if sizes[0] != sizes[1] and 1 not in sizes:
                return Finding(
                    say("'{letter}' in '{equation}' is {got} in {first} and {size} in {second}", letter=letter,
                        equation=equation, got=sizes[0], first=case.name(j), size=sizes[1], second=case.name(i)),
                    (say("one size for '{letter}', or another letter if they are different axes", letter=letter),),
                    unequal(*sizes),
                    {i: (other, axis)} if i == j else {j: (other,), i: (axis,)},
                )  # fmt: skip
    return None


def _letters(term: str, n_axes: int) -> list[tuple[int, str]]:
    """Axes with their letters; what ``...`` stands for has none."""
    before, dots, after = term.partition(_DOTS)
    if not dots:
        return list(enumerate(before))
    return [*enumerate(before), *((n_axes - len(after) + place, letter) for place, letter in enumerate(after))]
