"""Vary and solve: run the model at other sizes, align the passes, and solve every axis for what was varied."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from shapetrace.ir import Op, Refusal, Sizes, Tensor, Trace
from shapetrace.sizing.aligning import Alignment, align, aligned, numberless
from shapetrace.sizing.deriving import convolved, regrouped
from shapetrace.sizing.formulas import Formula
from shapetrace.sizing.ranging import ranges
from shapetrace.sizing.searching import Attempt, Search, ending, taken
from shapetrace.sizing.solving import Solver, Vector
from shapetrace.sizing.variables import Variable

_SPARE = 2
"""Further draws, for those that make the model take another branch."""

_SEARCH = 2
_LEAST_SEARCH = 8000
"""Operations that may be spent on what can be varied, in passes of the model; of small models, this many."""


def sizes(trace: Trace, variables: Sequence[Variable], attempt: Attempt, *, shallow_layers: bool = True) -> Sizes:
    """Names of all sizes of a pass.

    A variation that the model refuses, or an entry that gives other operations, is left out, and said.
    """
    search = Search(attempt, variables, shallow_layers, max(_LEAST_SEARCH, _SEARCH * len(trace.ops)),
                    ending(trace))  # fmt: skip
    varied = taken(search)
    compared = _Compared(trace)
    while varied and not compared.others:
        compared, reason = _passes(varied, search, trace)
        if reason:
            dropped = [each for each in varied if each.kind == "entry"] or varied
            search.refused |= {each.key: reason for each in dropped}
            varied = [each for each in varied if each not in dropped]
    still = [each for each in varied if all(values[each] == each.base for values in compared.values)]
    search.refused |= {each.key: "no other value was drawn that fits the others" for each in still if compared.values}
    return _solved(search, [each for each in varied if each not in still], compared)


@dataclass(frozen=True)
class _Compared:
    """The pass that is named, and the model at other sizes.

    Attributes:
        trace: The pass.
        values: What was varied in each of the others.
        others: They.
    """

    trace: Trace
    values: Sequence[Mapping[Variable, int]] = ()
    others: Sequence[Trace] = ()

    @cached_property
    def alignments(self) -> Sequence[Alignment]:
        """What is the same in each of the others."""
        return aligned(self.trace, self.others)

    @cached_property
    def parameters(self) -> Sequence[Sequence[tuple[int, ...] | None]]:
        """Shapes of all parameters in each of the others."""
        return [_parameters(self.trace, other) for other in self.others]

    @property
    def stand_for_all(self) -> bool:
        """Whether each layer of the pass, and each parameter, has one that is the same in all of the others."""
        known = (shape is not None for shapes in self.parameters for shape in shapes)
        return not any(found.missing for found in self.alignments) and all(known)


def _passes(varied: Sequence[Variable], search: Search, trace: Trace) -> tuple[_Compared, str]:
    """The model at other sizes, or why it refuses them: with few layers, where those stand for all of them."""
    found, reason = _run(varied, search, trace, shallow=search.has_shallow)
    if search.has_shallow and (reason or not found.stand_for_all):
        found, reason = _run(varied, search, trace, shallow=False)
    return found, reason


def _run(varied: Sequence[Variable], search: Search, trace: Trace, *, shallow: bool) -> tuple[_Compared, str]:
    drawn = search.draws(varied)
    spare = search.draws(varied, more=_SPARE)[len(drawn) :]
    values, others = list[Mapping[Variable, int]](), list[Trace]()
    for each in drawn:
        other = search.run(each, shallow=shallow)
        while spare and others and not isinstance(other, str) and _is_another(trace, others[0], other):
            each = spare.pop(0)  # noqa: PLW2901 - a draw in the place of one that took another branch
            other = search.run(each, shallow=shallow)
        if isinstance(other, str):
            return _Compared(trace), other
        values.append(each)
        others.append(other)
    return _Compared(trace, values, others), ""


def _is_another(trace: Trace, first: Trace, other: Trace) -> bool:
    """Whether a pass runs other operations than the first at other sizes, in modules where that is as the named one.

    The width of a head above which a library takes another way.
    """
    apart = align(first, other).apart.keys()
    return bool(apart) and bool(apart - align(trace, first).apart.keys())


def _parameters(trace: Trace, other: Trace) -> list[tuple[int, ...] | None]:
    """Shapes in another pass of all parameters; of a layer that it has not, those of one that is the same."""
    shapes = {p.name: p.shape for p in other.parameters}
    alike: dict[object, set[tuple[int, ...]]] = {}
    for each in trace.parameters:
        if each.name in shapes:
            alike.setdefault((numberless(each.name), each.shape), set()).add(shapes[each.name])
    found = (alike.get((numberless(each.name), each.shape), set()) for each in trace.parameters)
    return [
        shapes.get(each.name) or (next(iter(same)) if len(same) == 1 else None)
        for each, same in zip(trace.parameters, found, strict=True)
    ]


def _solved(search: Search, varied: Sequence[Variable], compared: _Compared) -> Sizes:
    trace, others = compared.trace, compared.others
    samples = [{each.symbol: _measured(each, each.base, trace) for each in varied}]
    samples += [{each.symbol: _measured(each, values[each], other) for each in varied}
                for values, other in zip(compared.values, others, strict=True)]  # fmt: skip
    entries = {each.symbol: ", ".join(each.keys) for each in varied}
    _derive(samples, entries, [trace, *others])
    formulas = _Axes(compared, Solver(samples))
    places: dict[int, int] = {}
    texts: dict[str, int] = {}

    def positions(found: Sequence[Formula | None]) -> tuple[int, ...]:
        for each in found:
            if each is not None and id(each) not in places:
                places[id(each)] = texts.setdefault(str(each), len(texts))
        return tuple(-1 if each is None else places[id(each)] for each in found)

    axes = tuple(positions(formulas.of_tensor(tensor)) for tensor in trace.tensors)
    parameters = tuple(positions(found) for found in formulas.of_parameters())
    refused = [Refusal(each.symbol, each.key, search.refused[each.key])
               for each in search.variables if each.key in search.refused]  # fmt: skip
    refused += _depending(search, varied) if formulas.is_apart else []
    inputs = tuple(each.symbol for each in varied if each.kind == "input")
    found = Sizes(samples[0], entries, tuple(texts), axes, parameters, tuple(refused), tuple(samples), inputs,
                  formulas.is_counted)  # fmt: skip
    return found if trace.failure else replace(found, ranges=ranges(search, varied, trace, found))


def _measured(variable: Variable, asked: int, trace: Trace) -> int:
    """What a variable really is in a pass."""
    if variable.measured is None:
        return asked
    name, axis = variable.measured
    return next((trace.tensors[i].shape[axis] for i in trace.inputs if trace.tensors[i].name == name), asked)


def _derive(samples: Sequence[dict[str, int]], entries: dict[str, str], passes: Sequence[Trace]) -> None:
    """The width of a head, where it is no entry of its own and some axis has it."""
    if "d_head" in samples[0] or not {"d_model", "h"} <= samples[0].keys():
        return
    widths = [divmod(sample["d_model"], sample["h"]) for sample in samples]
    occurs = (any(width in t.shape for t in each.tensors) for (width, _), each in zip(widths, passes, strict=True))
    if not any(rest for _, rest in widths) and all(occurs):
        for sample, (width, _) in zip(samples, widths, strict=True):
            sample["d_head"] = width
        entries["d_head"] = "d_model/h"


def _depending(search: Search, varied: Sequence[Variable]) -> list[Refusal]:
    """The inputs whose size decides which operations run."""
    found = []
    plain = search.run({})
    for each in varied:
        values = search.draws([each])[0] if each.kind == "input" else {}
        other = search.run(values)
        apart = {} if isinstance(plain, str) or isinstance(other, str) else align(plain, other).apart
        places = ", ".join(path or "the model itself" for path in list(apart)[:2])
        if apart:
            found.append(Refusal(each.symbol, each.key, f"the pass itself depends on {each.symbol}, in {places}"))
    return found


class _Axes:
    """Formulas of the axes of a pass, from the same axes of others.

    Attributes:
        is_apart: Whether the pass has operations that some other has not.
        is_counted: Whether no pass has data that another has not.
    """

    def __init__(self, compared: _Compared, solver: Solver) -> None:
        trace = compared.trace
        self._trace, self._others, self._solver = trace, compared.others, solver
        self._alignments, self._parameters = compared.alignments, compared.parameters
        self.is_counted = not any(_makes_data(*each) for found in self._alignments for each in found.alone)
        self._copies = {k.outputs[0]: k.inputs[0] for op in trace.ops for k in op.kernels
                        if k.name == "aten.clone.default"}  # fmt: skip
        self.is_apart = any(each.missing for each in self._alignments)
        vectors = {v for tensor in trace.tensors for v in self._vectors(tensor.shape, self._shapes(tensor)) if v}
        for vector in sorted(vectors):
            solver.of(vector)
        for _ in range(2):  # what slides over a size that is a sum, or a quotient, knows it the second time
            self._follow()
            for vector in sorted(vectors):
                solver.of_sums(vector)

    def _follow(self) -> None:
        """Take the formulas that follow from what kernels do."""
        for kernel in (kernel for op in self._trace.ops for kernel in op.kernels):
            for follow in (convolved, regrouped):
                for formula in follow(kernel, self._trace.tensors, self._of):
                    self._solver.know(formula)

    def of_tensor(self, tensor: Tensor) -> list[Formula | None]:
        """Formulas of a tensor's axes."""
        return self._formulas(tensor.shape, self._shapes(tensor))

    def of_parameters(self) -> list[list[Formula | None]]:
        """Formulas of all parameters' axes."""
        return [
            self._formulas(each.shape, [shapes[place] for shapes in self._parameters])
            for place, each in enumerate(self._trace.parameters)
        ]

    def _of(self, value: int) -> list[Formula | None]:
        return self.of_tensor(self._trace.tensors[value])

    def _shapes(self, tensor: Tensor) -> list[tuple[int, ...] | None]:
        return [_shape(other, alignment, self._copies.get(tensor.id, tensor.id), tensor.id)
                for other, alignment in zip(self._others, self._alignments, strict=True)]  # fmt: skip

    def _formulas(self, shape: tuple[int, ...], others: Sequence[tuple[int, ...] | None]) -> list[Formula | None]:
        return [None if vector is None else self._solver.of(vector) for vector in self._vectors(shape, others)]

    @staticmethod
    def _vectors(shape: tuple[int, ...], others: Sequence[tuple[int, ...] | None]) -> list[Vector | None]:
        if not others or any(other is None or len(other) != len(shape) for other in others):
            return [None] * len(shape)
        return list(zip(shape, *(other for other in others if other is not None), strict=True))


def _makes_data(trace: Trace, op: Op) -> bool:
    """Whether an operation makes data that is no view of other data."""
    made = [trace.tensors[value] for value in op.outputs if value not in op.inputs]
    return any(t.role == "data" and t.alias_of is None and t.dtype.startswith(("float", "bfloat")) for t in made)


def _shape(other: Trace, alignment: Alignment, source: int, tensor: int) -> tuple[int, ...] | None:
    """The shape of the same value in another pass; of a copy that it does not make, that of what was copied."""
    found: Mapping[int, int] = alignment.tensors
    place = found.get(tensor, found.get(source))
    return None if place is None else other.tensors[place].shape
