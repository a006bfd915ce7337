"""From two traces to their comparison."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

from shapetrace.comparing.aligning import PRODUCTS, pairs, signature
from shapetrace.comparing.structure import Aspect, Change, Comparison, Quantity, Side, Status, Total
from shapetrace.comparing.unfolding import Item
from shapetrace.ir import Plain, Trace
from shapetrace.outlining import outline
from shapetrace.outlining.running import running_axes
from shapetrace.outlining.structure import Outline, Section, Step


def compare(left: Trace, right: Trace, *, names: tuple[str, str] = ("", "")) -> Comparison:
    """Align the steps of two traces by structure and say what differs.

    Args:
        left: The one before.
        right: The one after.
        names: What to call them; the names of their models if empty.
    """
    return _compared(_outline(left), _outline(right), names, (left, right))


def compare_outlines(left: Outline, right: Outline, *, names: tuple[str, str] = ("", "")) -> Comparison:
    """The same for two outlines, of which nobody knows what PyTorch executed."""
    return _compared(left, right, names, None)


def _compared(left: Outline, right: Outline, names: tuple[str, str], traces: tuple[Trace, Trace] | None) -> Comparison:
    changes = tuple(_Pairing(traces).rows(left.root, right.root, 0))
    equal = [c for c in changes if not c.section and c.status != "added" and "products" not in c.aspects]
    n_products = sum(1 for change in equal if (step := change.steps[0]) and step.kind in PRODUCTS)
    return Comparison(
        names[0] or left.model.name,
        names[1] or right.model.name,
        _totals(left, right),
        changes,
        n_products,
        _settings(left.model.settings, right.model.settings),
        (running_axes(left), running_axes(right)),
    )


def _outline(trace: Trace) -> Outline:
    """What a trace means; one that has been read is not read again."""
    read = getattr(trace, "outline", None)
    return read() if callable(read) else outline(trace)


def _settings(left: dict[str, Plain], right: dict[str, Plain]) -> tuple[tuple[str, Plain, Plain], ...]:
    return tuple((name, left[name], right[name]) for name in left if name in right and left[name] != right[name])


def _totals(left: Outline, right: Outline) -> tuple[Total, ...]:
    a, b = left.totals, right.totals
    return (
        Total(Quantity.PARAMETERS, a.parameters, b.parameters),
        Total(Quantity.FLOPS, a.matmul_flops, b.matmul_flops),
        Total(Quantity.BUFFERS, a.buffers, b.buffers),
        Total(Quantity.ACTIVATION_BYTES, a.activation_bytes, b.activation_bytes),
        Total(Quantity.OPERATIONS, left.coverage.operations, right.coverage.operations),
    )


class _Pairing:
    """Rows of two trees, side by side."""

    def __init__(self, traces: tuple[Trace, Trace] | None) -> None:
        self._traces = traces

    def rows(self, left: Section, right: Section, depth: int) -> Iterator[Change]:
        """What is in two sections that belong together."""
        for a, b in pairs(left.items, right.items):
            yield self._row(a, b, depth)
            if isinstance(a, Section) and isinstance(b, Section):
                yield from self.rows(a, b, depth + 1)
            elif (alone := a or b) is not None and isinstance(alone, Section):
                yield from self._alone(alone, depth + 1, added=a is None)

    def _alone(self, section: Section, depth: int, *, added: bool) -> Iterator[Change]:
        for item in section.items:
            yield replace(self._row(None if added else item, item if added else None, depth), inside=True)
            if isinstance(item, Section):
                yield from self._alone(item, depth + 1, added=added)

    def _row(self, a: Item | None, b: Item | None, depth: int) -> Change:
        item = a or b
        section = isinstance(item, Section)
        if a is None or b is None:
            status: Status = "added" if a is None else "removed"
            aspects: tuple[Aspect, ...] = () if section else ("products" if _multiplies(a or b) else "steps",)
            return Change(
                status, depth, section, _side(a) if a else None, _side(b) if b else None, aspects,
                steps=_steps(a, b), sections=_sections(a, b),
            )  # fmt: skip
        aspects, notes = self._differences(a, b)
        sides = _side(a), _side(b)
        if isinstance(a, Step) and isinstance(b, Step) and (numbers := _parameters(a, b)) is not None:
            sides = replace(sides[0], parameters=numbers[0]), replace(sides[1], parameters=numbers[1])
        return Change(
            "changed" if aspects else "same", depth, section, *sides, aspects, notes,
            steps=_steps(a, b), sections=_sections(a, b),
        )  # fmt: skip

    def _differences(self, a: Item, b: Item) -> tuple[tuple[Aspect, ...], tuple[str, ...]]:
        found: dict[Aspect, list[str]] = {}
        own: Aspect = "products" if _multiplies(a) or _multiplies(b) or isinstance(a, Section) else "steps"
        if isinstance(a, Step) and isinstance(b, Step):
            if signature(a) != signature(b):
                found.setdefault(own, []).append("shapes" if (a.kind, a.function) == (b.kind, b.function) else "kind")
            kernels = self._kernels(a, 0), self._kernels(b, 1)
            if kernels[0] != kernels[1]:
                found.setdefault("kernels", []).append("kernels")
            if (numbers := _parameters(a, b)) is not None:
                found.setdefault("products", []).append(f"parameters {numbers[0]:,} → {numbers[1]:,}")
        elif a.repeat != b.repeat:
            found.setdefault("products", []).append(f"repeat {a.repeat} → {b.repeat}")
        if a.path != b.path or (isinstance(a, Step) and isinstance(b, Step) and a.role != b.role):
            found.setdefault("names", [])
        return tuple(found), tuple(note for notes in found.values() for note in notes)

    def _kernels(self, step: Step, side: int) -> Counter[str]:
        if self._traces is None:
            return Counter()
        trace = self._traces[side]
        return Counter(kernel.name for op in step.ops for kernel in trace.ops[op].kernels)


def _parameters(a: Step, b: Step) -> tuple[int, int] | None:
    """How many parameters two steps have, if not as many: of one layer, or of all, where layers share them.

    How often a step runs is told by the section that repeats it.
    """
    if a.parameters != b.parameters:
        return a.parameters, b.parameters
    is_shared = a.shared_parameters != 0 or b.shared_parameters != 0
    in_all = a.parameters_in_all, b.parameters_in_all
    return in_all if is_shared and in_all[0] != in_all[1] else None


def _multiplies(item: Item | None) -> bool:
    return isinstance(item, Step) and (item.kind in PRODUCTS or item.parameters > 0)


def _steps(a: Item | None, b: Item | None) -> tuple[Step | None, Step | None]:
    return (a if isinstance(a, Step) else None, b if isinstance(b, Step) else None)


def _sections(a: Item | None, b: Item | None) -> tuple[Section | None, Section | None]:
    return (a if isinstance(a, Section) else None, b if isinstance(b, Section) else None)


def _side(item: Item) -> Side:
    if isinstance(item, Section):
        return Side(item.title, item.path, repeat=item.repeat, parameters=item.parameters, place=item.module)
    stack = max((operand.stack for operand in (*item.operands, *item.results)), default=1)
    return Side(item.title, item.path, item.equation, stack, item.repeat, item.parameters, item.flops, item.path)
