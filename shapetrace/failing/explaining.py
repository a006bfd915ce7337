"""From a trace that failed to its explanation."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace

from shapetrace.errors import CONTRADICTIONS
from shapetrace.failing.arranging import turned, views
from shapetrace.failing.case import Case, Operation
from shapetrace.failing.changes import casts, expanded, padded, repeated, sliced, types
from shapetrace.failing.checkpoints import checkpoint
from shapetrace.failing.constraints import Constraint, Place, merged
from shapetrace.failing.creating import created
from shapetrace.failing.finding import Finding
from shapetrace.failing.likening import as_others, shifted, split
from shapetrace.failing.mends import Mend, sound
from shapetrace.failing.messages import message
from shapetrace.failing.modules import module_of
from shapetrace.failing.no_tensors import no_tensors
from shapetrace.failing.remaking import remade
from shapetrace.failing.rules import broken, rule_of
from shapetrace.failing.settings import arguments, indices, layers
from shapetrace.failing.structure import Explanation, FailureKind, Part, written
from shapetrace.failing.unpacking import unpacked
from shapetrace.failing.widening import trimmed, widened
from shapetrace.ir import Failure, Trace
from shapetrace.language import Text, joined, say

_TYPES = re.compile(
    r"dtype|scalar type|same type|data type|to be bool|type .{1,60} should be the same|not implemented for '"
    r"|only supports boolean|can't be cast",
    re.IGNORECASE,
)


_SIZES_DIFFER = re.compile(r"target size \(.* (?:same as|different to) (?:the )?input size", re.IGNORECASE)


def explained(trace: Trace) -> Explanation:
    """Explain why a pass ended early; where a rule cannot read the call, the error is told as what it is."""
    try:
        case = case_of(trace)
        return _written(case, finding(case))
    except CONTRADICTIONS:
        return _written(Case(trace, trace.failure or Failure("", "", 0)), Finding("other"))


def case_of(trace: Trace) -> Case:
    """The failure as the call that the author wrote: what torch calls inside of a function is torch's own."""
    failure = trace.failure or Failure("", "", 0)
    inner, call = Case(trace, failure), trace.calls[failure.call] if trace.calls else None
    if call is not None and call.kind == "function" and rule_of(failure.op) is rule_of(""):
        while trace.calls[call.parent or 0].kind == "function":  # the outermost is the author's
            call = trace.calls[call.parent or 0]
    known = call is None or not (rule_of(call.type).alike == "positions" or rule_of(failure.op) is rule_of(""))
    if call is not None and call.kind == "function" and call.inputs and not known:
        failure = replace(failure, op=call.type, inputs=call.inputs, attrs={}, call=call.parent or 0)
    outer = Case(trace, _unturned(inner, failure) if rule_of(failure.op).alike == "positions" else failure)
    return outer if any(each.says for each in broken(outer.operation)) else inner


def _unturned(inner: Case, failure: Failure) -> Failure:
    """Attention with what its module was given, before the module itself put the positions first."""
    trace = inner.trace
    given = trace.calls[module_of(trace, failure.call)].inputs
    makers = [inner.origins.made_by(value) for value in failure.inputs[:3]]
    if all(op is not None and op.name == "transpose" and op.inputs[0] in given for op in makers):  # the module's own
        before = tuple(op.inputs[0] for op in makers if op is not None)
        failure = replace(failure, attrs={**failure.attrs, "batch_first": True},
                          inputs=(*before, *failure.inputs[3:]))  # fmt: skip
    around = {value for call in _around(trace, failure.call) for value in trace.calls[call].inputs}
    return replace(failure, inputs=tuple(inner.origins.before(value, around) for value in failure.inputs))


def _around(trace: Trace, call: int | None) -> Iterator[int]:
    while call is not None:
        yield call
        call = trace.calls[call].parent


def met(trace: Trace) -> set[tuple[int, int]]:
    """Axes of inputs, with their tensors, that the operation at which a pass failed takes as one of a parameter."""
    case = case_of(trace)
    pairs = {pair for each in rule_of(case.op).asks(case.operation) for one, other in each.pairs
             for pair in ((one, other), (other, one))}  # fmt: skip
    sources = case.identity.sources
    return {axis for one, other in pairs if sources(other, "parameter") for axis in sources(one, "input")}


def finding(case: Case) -> Finding:
    """What is wrong, and what would mend it."""
    for read in (no_tensors, checkpoint, unpacked):
        if (found := read(case)) is not None:
            return found
    wrong = _wrong(case)
    if wrong:
        return _found(case, wrong)
    return message(case) or Finding("other")


def _wrong(case: Case) -> list[Constraint]:
    """What does not hold and may be why: types where the exception speaks of types, shapes elsewhere."""
    rule = rule_of(case.op)
    if not case.failure.op or not case.tensors:
        return []
    wrong = [each for each in broken(case.operation) if each.says]
    types = [each for each in wrong if each.kind == "dtype"]
    of_sizes = _SIZES_DIFFER.search(case.failure.message)
    if types and (_TYPES.search(case.failure.message) or (len(types[0].of) == 1 and not of_sizes)):
        return types
    if rule.says is not None and not rule.says.search(case.failure.message):
        return []
    return [each for each in wrong if each.kind != "dtype"]


def _found(case: Case, wrong: Sequence[Constraint]) -> Finding:
    rule, first = rule_of(case.op), merged(wrong)
    kind: FailureKind = "dtype" if first.kind == "dtype" else "index" if "what" in first.values else "shape"
    said = [each for each in wrong if each is wrong[0] or set(each.of) == set(first.of)]
    further = said[1:] if first.places != wrong[0].places else []
    told = [said[0], *(replace(each, says=each.again or each.says) for each in further)]
    texts = {str(text): text for text in (*(_said(case, each) for each in told), *_said_before(case))}
    as_product = kind == "shape" and set(first.of) <= set(rule.shown or first.of)
    return Finding(
        kind,
        joined(*texts.values(), by="{first}; {second}"),
        first.clash,
        _places(case, first, wrong),
        mends(case),
        tuple(i for i in sorted({*rule.shown, *first.of}) if i < len(case.tensors)) if rule.shown else None,
        rule.turned if as_product else None,
        rule.sign if as_product else "",
    )


def _said_before(case: Case) -> Iterator[Text]:
    """That examples met all others before, which nobody means."""
    found = (case.crossed(tensor.id) for tensor in case.tensors)
    for op in {op.id: op for op in found if op is not None}.values():
        first, second, shape = (written(case.trace.tensors[i].shape) for i in (*op.inputs, op.outputs[0]))
        told = "{op} before it met {first} with {second}, each with all: {shape}"
        yield say(told, op=op.name, first=first, second=second, shape=shape)


def _places(case: Case, first: Constraint, wrong: Sequence[Constraint]) -> tuple[Place, ...]:
    """Every axis that clashes: also with the same operands elsewhere, and of all that must be alike."""
    found = list(first.places)
    if first.kind in _SIZES:
        found += [
            place for each in wrong if each.kind in _SIZES and set(each.of) & set(first.of) for place in each.places
        ]
    if rule_of(case.op).alike in {"joined", "stacked"} and first.kind == "equal":
        n_axes = len(case.operation.shapes[0])
        alike = [i for i, shape in enumerate(case.operation.shapes) if len(shape) == n_axes]
        found += [(i, axis) for axis in dict.fromkeys(axis for _, axis in found) for i in alike]
    return tuple(place for place in dict.fromkeys(found) if place[0] < len(case.tensors))


_SIZES = frozenset({"equal", "broadcast"})
_WINDOW = frozenset({"stride", "padding", "ceil_mode"})
_OF_WHAT_CAME = (remade, created, as_others, split, shifted, trimmed)
_OF_THE_CALL = (views, turned, types, expanded, arguments, repeated, indices, casts, sliced, padded)


def mends(case: Case) -> tuple[Mend, ...]:
    """Those that are sure: of the call and of what it was given; else of the layer that runs."""
    if any(case.crossed(tensor.id) is not None for tensor in case.tensors):
        return ()  # what is wrong came before
    found = sound(case, _offered(case, (*_OF_THE_CALL, *_OF_WHAT_CAME)))
    if found and not all(map(_is_of_window, found)):
        return tuple(found)
    return (*sound(case, _offered(case, (layers, widened))), *found)[:2]  # a window may fit by chance


def _is_of_window(mend: Mend) -> bool:
    return mend.remade is not None and mend.operation.name == "linear" and bool({*mend.remade[1]} & _WINDOW)


def _offered(case: Case, sources: Iterable[Callable[[Case, Operation], Iterator[Mend]]]) -> Iterator[Mend]:
    """What every source has to offer; one that cannot read the call has nothing."""
    for source in sources:
        with suppress(*CONTRADICTIONS):
            yield from source(case, case.operation)


def _said(case: Case, constraint: Constraint) -> Text:
    """What a constraint says, with the names and shapes of its operands."""
    rule, values = rule_of(case.op), dict(constraint.values)
    for field, i in zip(("first", "second"), constraint.of, strict=False):
        if i < len(case.tensors):
            values[field] = rule.names[i] if i < len(rule.names) else case.name(i)
            values[f"{field}_shape"] = written(case.operation.shapes[i])
    values.setdefault("layer", case.path or say("the layer"))
    return say(constraint.says, **values)


def _written(case: Case, found: Finding) -> Explanation:
    failure = case.failure
    shown = tuple(i for i, t in enumerate(case.tensors) if i < 3 or t.role != "weight")
    shown = shown if rule_of(case.op).alike == "positions" else ()
    positions = found.shown or shown or tuple(range(len(case.tensors)))
    return Explanation(
        kind=found.kind,
        type=failure.type,
        message=failure.message,
        model=case.trace.model.name,
        op=case.op,
        operator=found.sign,
        parts=found.parts or tuple(_part(case, found, position) for position in positions),
        clash=found.clash,
        reason=found.reason,
        fits=tuple(mend.text for mend in found.mends),
        path=case.path,
        module=case.module,
        line=failure.line,
    )


def _part(case: Case, found: Finding, position: int) -> Part:
    tensor, turned = case.tensors[position], position == found.turned
    names = case.names(tensor)
    axes = sorted({axis for place, axis in found.places if place == position})
    told = case.origins.told(tensor.id)
    if turned:
        shape, axes = tensor.shape[::-1], sorted(len(tensor.shape) - 1 - axis for axis in axes)
        told, names = say("{origin}, turned", origin=told), names[::-1]
        return Part(case.name(position), tensor.role, shape, tensor.dtype, told, tuple(axes), names)
    return Part(case.name(position), tensor.role, tensor.shape, tensor.dtype, told, tuple(axes), names)
