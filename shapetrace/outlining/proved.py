"""Formulas of the sizes of every operand: of a matrix as it is drawn, of its stack, and of what is 1 before it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice, takewhile

from shapetrace.ops.atoms import Axis
from shapetrace.outlining.axis_ids import axis_groups
from shapetrace.outlining.axis_roles import AxisRoles
from shapetrace.outlining.drafts import Draft, Ref
from shapetrace.outlining.flow import Flow
from shapetrace.outlining.proof import Formulas, Proof
from shapetrace.outlining.roles import Part
from shapetrace.outlining.sections import Node
from shapetrace.outlining.symbol_rules import Symbol
from shapetrace.outlining.symbols import Place
from shapetrace.sizing.formulas import Formula, product

_SWEEPS = 2
"""What is found out where a value is read last says what it is where it was made, and what made it."""

_MOST_VIEWS = 40
"""Views of one value that are looked at."""


@dataclass(frozen=True, slots=True)
class Proved:
    """Formulas of one operand.

    Attributes:
        shape: Of the sizes of one matrix; None where there is none.
        stack: Of the sizes of its stack.
        lead: Of axes of size 1 that are left out: examples of a batch of one.
    """

    shape: Formulas
    stack: Formulas = ()
    lead: tuple[Formula, ...] = ()

    @property
    def is_whole(self) -> bool:
        """Whether nothing is unknown."""
        return None not in self.shape and None not in self.stack

    @property
    def elements(self) -> Formula | None:
        """How many elements all its matrices have."""
        sizes = [each for each in (*self.lead, *self.stack, *self.shape) if each is not None]
        return product(sizes) if self.is_whole else None

    def turned(self, really: bool) -> "Proved":
        """With its axes the other way round."""
        return replace(self, shape=self.shape[::-1]) if really else self

    def known(self, axis: int, formula: Formula | None) -> "Proved":
        """With one size known that may not have been."""
        shape = list(self.shape)
        shape[axis] = shape[axis] or formula
        return replace(self, shape=tuple(shape))


def proved(
    flow: Flow, axis_roles: AxisRoles, folded: Node, symbols: Mapping[Place, Symbol], proof: Proof | None
) -> Mapping[Place, Proved]:
    """Formulas of the sizes of every operand; nothing without a proof."""
    if proof is None:
        return {}
    reading, found, refs = _Reading(flow, proof), dict[Place, Proved](), dict[Place, Ref]()
    for draft in folded.drafts():
        groups = axis_groups(flow, axis_roles, draft)
        for is_result, some in ((False, draft.operands), (True, draft.results)):
            for i, ref in enumerate(some):
                place = draft.key, is_result, i
                refs[place] = ref
                found[place] = reading.of(draft, ref, groups[is_result, i], is_result=is_result)
    found = {place: reading.by_views(refs[place], each) for place, each in _shared(found, refs, symbols).items()}
    for _ in range(_SWEEPS):
        for draft in folded.drafts():
            _meet(draft, found)
        found = _shared(found, refs, symbols)
    return found


def _shared(
    found: Mapping[Place, Proved], refs: Mapping[Place, Ref], symbols: Mapping[Place, Symbol]
) -> dict[Place, Proved]:
    """What is known of an operand where it is read is known of it where it is made, and the other way round."""
    known: dict[tuple[object, ...], set[Proved]] = {}
    for place, each in found.items():
        if each.is_whole:
            known.setdefault(_identity(refs[place], symbols.get(place)), set()).add(each.turned(refs[place].transposed))
    filled = {}
    for place, each in found.items():
        others = known.get(_identity(refs[place], symbols.get(place)), set())
        filled[place] = each if each.is_whole or len(others) != 1 else next(iter(others)).turned(refs[place].transposed)
    return filled


def _identity(ref: Ref, symbol: Symbol | None) -> tuple[object, ...]:
    shape = ref.shape[::-1] if ref.transposed else ref.shape
    part = symbol.part if symbol else Part.OTHER
    role = symbol.role if symbol and part is Part.WEIGHT else None  # columns of one weight for keys, others for values
    return ref.value, shape, ref.stack_axes, part, role


def _meet(draft: Draft, found: dict[Place, Proved]) -> None:
    """The operands of a product have its inner axis in common, and its columns with the result."""
    places = [(draft.key, False, 0), (draft.key, False, 1), (draft.key, True, 0)]
    if draft.inner is None or len(draft.operands) != 2 or not draft.results:
        return
    left, right, result = (found[place] for place in places)
    if draft.kind in {"scores", "weighted_sum"}:
        left, right, result = _attended(draft, left, right, result)
    i, j = draft.inner
    inner = left.shape[i] or right.shape[j]
    left, right = left.known(i, inner), right.known(j, inner)
    sizes = draft.operands[1].shape, draft.results[0].shape
    if j == 0 and len(sizes[0]) == 2 and sizes[0][-1] == sizes[1][-1]:
        columns = right.shape[-1] or result.shape[-1]
        right, result = right.known(1, columns), result.known(len(sizes[1]) - 1, columns)
    if draft.operands[1].stack_axes == draft.results[0].stack_axes and None in right.stack:
        right = replace(right, stack=result.stack)
    found.update(zip(places, (left, right, result), strict=True))


def _attended(draft: Draft, left: Proved, right: Proved, result: Proved) -> tuple[Proved, Proved, Proved]:
    """Rows of queries are rows of scores, and keys their columns; heads are those of the queries."""
    if draft.kind == "scores" and len(left.shape) == len(right.shape) == len(result.shape) == 2:
        result = result.known(0, left.shape[0]).known(1, right.shape[1])
        if None in result.stack and draft.operands[0].stack_axes == draft.results[0].stack_axes:
            result = replace(result, stack=left.stack, lead=result.lead or left.lead)
    elif len(left.shape) == len(right.shape) == len(result.shape) == 2:
        left = left.known(0, result.shape[0]).known(1, right.shape[0])
        if None in left.stack and draft.operands[0].stack_axes == draft.results[0].stack_axes:
            left = replace(left, stack=result.stack, lead=left.lead or result.lead)
    return left, right, result


class _Reading:
    """Reads formulas of operands from those of values and atoms."""

    def __init__(self, flow: Flow, proof: Proof) -> None:
        self._flow, self._proof = flow, proof
        self._seen: dict[int, Mapping[int, frozenset[Formula]]] = {}

    def of(self, draft: Draft, ref: Ref, groups: Sequence[tuple[int, ...]], *, is_result: bool) -> Proved:
        """Those of one operand: by the values that it is, else by the atoms of its axes."""
        by_atoms = Proved(tuple(map(self._proof.of_axis, groups)), self._stack(ref, groups), self._lead(ref))
        by_atoms = self._completed(ref, by_atoms)
        if ref.origin == "weight":  # it may be stored turned: what it meets says which axis is which
            other = self._as_value(ref, ref.value, groups) if len(set(ref.shape)) == len(ref.shape) else None
            return replace(self._checked(ref, by_atoms, other), lead=())
        own = self._as_value(ref, ref.value, groups)
        values = self._values(draft, ref, is_result=is_result) if own is None and ref.value >= 0 else ()
        others = {each for each in (self._as_value(ref, value, groups) for value in values) if each is not None}
        whole = own or (next(iter(others)) if len(others) == 1 else None)  # values that disagree prove nothing
        return self._checked(ref, whole, by_atoms) if whole else self._checked(ref, by_atoms, None)

    def _completed(self, ref: Ref, found: Proved) -> Proved:
        """With sizes of the input that are 1 in this pass among its rows, where the value has them: B·T rows."""
        exact = self._proof.elements(ref.value)
        known = [each for each in (*found.lead, *found.stack, *found.shape) if each is not None]
        if exact is None or not found.shape or found.shape[0] is None:
            return found
        counted = frozenset[str]().union(*(each.symbols for each in known))
        missing = tuple(Formula.of(name) for name in sorted(exact.factors & self._proof.ones - counted))
        if ref.stack_axes or ref.transposed:
            return replace(found, lead=(*found.lead, *missing))
        return replace(found, shape=(product([*missing, found.shape[0]]), *found.shape[1:]))

    def _values(self, draft: Draft, ref: Ref, *, is_result: bool) -> Iterator[int]:
        """What a step's operations read of an operand, or give."""
        root = self._flow.root(ref.value)
        for op in draft.ops:
            recorded = self._flow.trace.ops[op]
            values = recorded.outputs if is_result else recorded.inputs
            yield from (v for v in values if self._flow.is_data(v) and (is_result or self._flow.root(v) == root))

    def _checked(self, ref: Ref, first: Proved, second: Proved | None) -> Proved:
        """The first formula of each size that gives it."""
        other = second or Proved((None,) * len(ref.shape), (None,) * len(ref.stack_axes))
        holds = self._proof.holds
        shape = [holds(a, size) or holds(b, size)
                 for a, b, size in zip(first.shape, other.shape, ref.shape, strict=True)]  # fmt: skip
        stack = [holds(a, size) or holds(b, size)
                 for a, b, size in zip(first.stack, other.stack, ref.stack_axes, strict=True)]  # fmt: skip
        return self._led(Proved(tuple(shape), tuple(stack), first.lead))

    def by_views(self, ref: Ref, found: Proved) -> Proved:
        """With what is unknown read from the views of its value, where one axis alone is left that has such a size."""
        if found.is_whole or ref.value < 0 or ref.origin != "data":
            return found
        known, used = self._views(ref.value), {*found.shape, *found.stack, *found.lead}

        def only(size: int) -> Formula | None:
            left = known.get(size, frozenset()) - used
            return next(iter(left)) if len(left) == 1 else None

        shape = [each or only(size) for each, size in zip(found.shape, ref.shape, strict=True)]
        stack = [each or only(size) for each, size in zip(found.stack, ref.stack_axes, strict=True)]
        return replace(found, shape=tuple(shape), stack=tuple(stack))

    def _views(self, value: int) -> Mapping[int, frozenset[Formula]]:
        """Formulas by size of the axes of all views of a value; none where one view has one twice."""
        if value not in self._seen:
            sizes: dict[int, set[Formula]] = {}
            family = [value]
            for member in islice(family, _MOST_VIEWS):  # grows on the way
                shape = self._flow.facts.tensor(member).shape
                own = [each for each in zip(shape, self._proof.of_value(member), strict=True) if each[0] > 1]
                if len(set(own)) < len(own):
                    self._seen[value] = {}
                    return {}
                for size, formula in own:
                    if formula is not None:
                        sizes.setdefault(size, set()).add(formula)
                family += [made for op in self._flow.facts.users.get(member, ()) if self._flow.kinds[op] == "layout"
                           for made in self._flow.trace.ops[op].outputs if made not in family]  # fmt: skip
            self._seen[value] = {size: frozenset(each) for size, each in sizes.items()}
        return self._seen[value]

    def _led(self, found: Proved) -> Proved:
        """With sizes of the input that are 1 in this pass before the stack, not in it: B, and h for B·h."""
        lead, stack = list(found.lead), []
        for each in found.stack:
            ones = [Formula.of(name) for name in sorted(each.factors & self._proof.ones)] if each else []
            lead += ones
            stack.append(each and each.over(product(ones)))
        return replace(found, lead=tuple(lead), stack=tuple(stack))

    def _as_value(self, ref: Ref, value: int, groups: Sequence[tuple[int, ...]]) -> Proved | None:
        """Formulas of a value's own axes, if they are those of a matrix with its stack, but for axes of size 1."""
        if value < 0:
            return None
        leaves = self._flow.facts.atoms.leaves
        names = zip(self._proof.of_value(value), map(leaves, self._flow.facts.axes_of(value)), strict=True)
        rest = list(zip(self._flow.facts.tensor(value).shape, names, strict=True))
        lead = []
        while len(rest) > len(ref.stack_axes) + len(ref.shape) and rest[0][0] == 1:
            lead.append(rest.pop(0)[1][0])
        if len(rest) != len(ref.stack_axes) + len(ref.shape):
            return None
        drawn = _drawn([own for _, (_, own) in rest], ref, [leaves(group) for group in groups])
        stack = [each for place, each in enumerate(rest) if place not in drawn]
        matrix = [rest[place] for place in drawn]
        if (*(size for size, _ in stack), *(size for size, _ in matrix)) != (*ref.stack_axes, *ref.shape):
            return None
        shape, over = (tuple(formula for _, (formula, _) in each) for each in (matrix, stack))
        return Proved(shape, over, _growing(lead))

    def _lead(self, ref: Ref) -> tuple[Formula, ...]:
        shape = self._flow.facts.tensor(ref.value).shape if ref.value >= 0 else ()
        ones = takewhile(lambda each: each[0] == 1, zip(shape, self._proof.of_value(ref.value), strict=True))
        return _growing([formula for _, formula in ones])

    def _stack(self, ref: Ref, groups: Sequence[tuple[int, ...]]) -> Formulas:
        """Formulas of the axes over which a matrix repeats, by the atoms that are none of the matrix."""
        if not ref.stack_axes or ref.value < 0:
            return (None,) * len(ref.stack_axes)
        atoms = self._flow.facts.atoms
        drawn = {leaf for group in groups for leaf in atoms.leaves(group)}
        rest = [leaf for leaf in atoms.flat(self._flow.facts.axes_of(ref.value)) if leaf not in drawn]
        found: list[Formula | None] = []
        for size in reversed(ref.stack_axes):
            axis: tuple[int, ...] = ()
            while rest and atoms.size(axis) < size:
                axis = (rest.pop(), *axis)
            found.append(self._proof.of_axis(axis))
        return tuple(reversed(found))


def _drawn(own: Sequence[Axis], ref: Ref, groups: Sequence[Axis]) -> list[int]:
    """Which axes of a value are those of a matrix as it is drawn: by atoms, where each is told from all others."""
    if all(group and own.count(group) == 1 for group in groups):
        return [own.index(group) for group in groups]
    last = list(range(len(own) - len(ref.shape), len(own)))
    return last[::-1] if ref.transposed else last


def _growing(formulas: Sequence[Formula | None]) -> tuple[Formula, ...]:
    """Those of axes of size 1 that are larger for other inputs."""
    return tuple(formula for formula in formulas if formula is not None and not formula.is_constant)
