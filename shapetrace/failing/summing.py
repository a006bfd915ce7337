"""einsum: letters that stand for two sizes, or for axes that are not there."""

from shapetrace.failing.cases import Case, Finding, unequal


def einsum(case: Case) -> Finding | None:
    """``einsum('bqd,bkd->bqk', x, y)``: one size a letter, one letter an axis."""
    equation = case.arg("equation", 0)
    if not isinstance(equation, str) or "..." in equation:
        return None
    terms = equation.replace(" ", "").partition("->")[0].split(",")
    if len(terms) != len(case.shapes):
        return Finding(
            f"'{equation}' names {len(terms)} operands, there are {len(case.shapes)}",
            clash=unequal(len(terms), len(case.shapes)),
        )
    seen: dict[str, tuple[int, int]] = {}
    for i, (term, shape) in enumerate(zip(terms, case.shapes, strict=True)):
        if len(term) != len(shape):
            return Finding(
                f"'{term}' has {len(term)} letters, {case.named(i)} has {len(shape)} axes",
                (f"{len(shape)} letters for it, or an operand of {len(term)} axes",),
                f"{unequal(len(shape), len(term))} axes",
                {i: tuple(range(len(shape)))},
            )
        for axis, letter in enumerate(term):
            j, other = seen.setdefault(letter, (i, axis))
            sizes = case.shapes[j][other], shape[axis]
            if sizes[0] != sizes[1] and 1 not in sizes:
                return Finding(
                    f"'{letter}' in '{equation}' is {sizes[0]} in {case.name(j)} and {sizes[1]} in {case.name(i)}",
                    (f"one size for '{letter}', or another letter if they are different axes",),
                    unequal(*sizes),
                    {j: (other,), i: (axis,)},
                )
    return None
