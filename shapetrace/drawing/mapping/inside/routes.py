"""The products through which queries, keys and values come from what an attention reads."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from shapetrace.outlining.structure import Operand, Step

_MOST_PRODUCTS = 2
_JOINED = "concat"


@dataclass(frozen=True, slots=True)
class Route:
    """How a matrix was made.

    Attributes:
        source: What came from outside.
        products: The products on the way, the first first.
        reads: What each of them multiplies.
        sides: What was joined to it besides, each taken from the result of one of the products.
        passed: The other steps on the way.
    """

    source: Operand
    products: tuple[Step, ...] = ()
    reads: tuple[Operand, ...] = ()
    sides: tuple[Operand, ...] = ()
    passed: tuple[Step, ...] = field(default=(), repr=False)


def routes(operands: Sequence[Operand], steps: Sequence[Step]) -> tuple[Route, ...]:
    """The route of each of several matrices; () if one is no chain of one or two products with weights."""
    own = {step.id: step for step in steps}
    found = [_route(operand, own) for operand in operands]
    kept = tuple(route for route in found if route is not None and 0 < len(route.products) <= _MOST_PRODUCTS)
    return kept if len(kept) == len(operands) else ()


def _route(operand: Operand, own: Mapping[str, Step]) -> Route | None:
    step = own.get(operand.made_by)
    if step is None:
        return Route(operand)
    data = [each for each in step.operands if each.role == "data"]
    if step.kind == _JOINED and len(data) > 1:
        return _joined(step, data, own)
    if len(data) != 1 or step.also_reads:
        return None
    before = _route(data[0], own)
    if before is None:
        return None
    if step.inner is None:
        return replace(before, passed=(*before.passed, step))
    if not any(each.role == "weight" for each in step.operands):
        return None
    return replace(before, products=(*before.products, step), reads=(*before.reads, data[0]))


def _joined(step: Step, data: Sequence[Operand], own: Mapping[str, Step]) -> Route | None:
    """Of pieces side by side, the longest route; the others are taken from what one of its products made."""
    found = [_route(each, own) for each in data]
    known = [route for route in found if route is not None]
    if len(known) < len(data):
        return None
    longest = max(known, key=lambda route: len(route.products))
    sides: list[Operand] = []
    passed = [*longest.passed, step]
    for route, operand in zip(known, data, strict=True):
        if route is longest:
            continue
        if not route.products or route.products != longest.products[: len(route.products)] or route.sides:
            return None
        sides.append(operand)
        passed += [each for each in route.passed if each not in passed]
    return replace(longest, sides=(*longest.sides, *sides), passed=tuple(passed))
