"""The weights of a box in a line: what they are called, the modules that hold them, and the shapes that are stored."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from math import prod

from shapetrace.drawing.layout.names import name_spans
from shapetrace.drawing.metrics import clean, shortened, width_px
from shapetrace.drawing.primitives import Span
from shapetrace.ir import Parameter, Trace
from shapetrace.outlining.structure import Operand, Step

WEIGHTS_PX = 16.0
"""Height of the line."""
_INK = "note"
_BIAS = " + bias"
_BIASES = " + biases"


def weight_note(weight: Operand, trace: Trace | None, room_px: float) -> str:
    """``wte.weight [50257, 768]``, with as much of the name as there is room for beside the shape.

    The shape is the stored one, with ᵀ where the weight is read turned; that which is read if it is not at hand. A
    scalar has none.
    """
    stored = None if trace is None else _parameters(trace).get(weight.source)
    is_turned = stored is not None and stored.shape != weight.shape == stored.shape[::-1]
    shape = _shape(weight.shape if stored is None else stored.shape) + ("ᵀ" if is_turned else "")
    parts = clean(weight.source).split(".")
    named = (f"{'.'.join(parts[-n:])} {shape}".rstrip() for n in (2, 1))
    return next((text for text in named if width_px(text, _INK) <= room_px), shape)


def weight_line(steps: Sequence[Step], trace: Trace | None, room_px: float) -> tuple[Span, ...]:
    """``W_Q, W_K, W_V: c_attn [2304, 768] + bias``, or, with less room, modules by their shapes; () without a trace."""
    held = () if trace is None else tuple(_held(steps, trace))
    if not held:
        return ()
    spans = _joined((*_listed(names), Span(f": {module} {shape}")) for names, module, shape in held)
    if width_px(spans, _INK) <= room_px:
        return spans
    modules: dict[str, list[str]] = {}
    for _, module, shape in held:
        modules.setdefault(shape, []).append(module)
    lines = [_by_shape(modules, str), _by_shape(modules, lambda shape: shape.removesuffix(_BIAS))]
    if all(shape.endswith(_BIAS) for shape in modules):
        lines[1] += _BIASES
    text = next((line for line in lines if width_px(line, _INK) <= room_px), lines[-1])
    shown = shortened(text, _INK, room_px)
    return (Span(shown, whole="" if shown == lines[0] else lines[0]),)


def _by_shape(modules: Mapping[str, Sequence[str]], written: Callable[[str], str]) -> str:
    """``q_proj, o_proj [4096, 4096] · k_proj, v_proj [1024, 4096]``."""
    return " · ".join(f"{', '.join(dict.fromkeys(each))} {written(shape)}" for shape, each in modules.items())


def _held(steps: Iterable[Step], trace: Trace) -> Iterable[tuple[tuple[str, ...], str, str]]:
    """For each parameter that products of a box read: the names of its parts, its module, its shape and bias."""
    known = _parameters(trace)
    read: dict[str, list[tuple[Step, Operand]]] = {}
    for step in steps:
        for operand in step.operands:
            if operand.role == "weight" and step.inner is not None and operand.source in known:
                read.setdefault(operand.source, []).append((step, operand))
    for source, uses in read.items():
        stored = known[source]
        counted = sum(step.parameters for step in {id(step): step for step, _ in uses}.values())
        bias = _BIAS if stored.shape and counted - prod(stored.shape) in stored.shape[-2:] else ""
        names = tuple(dict.fromkeys(operand.name for _, operand in uses if operand.name))
        yield names, _module(source), _shape(stored.shape) + bias


def _module(source: str) -> str:
    """What a parameter is held by, ``c_attn`` or ``mlp.0``; its own name where it is no weight of a module."""
    parts = clean(source.removesuffix(".weight")).split(".")
    return ".".join(parts[-2:] if parts[-1].isdigit() else parts[-1:])


def _parameters(trace: Trace) -> dict[str, Parameter]:
    return {parameter.name: parameter for parameter in trace.parameters}


def _listed(names: Sequence[str]) -> tuple[Span, ...]:
    spans = (span for name in names for span in (Span(", "), *name_spans(name, _INK, 80)))
    return tuple(spans)[1:]


def _joined(lists: Iterable[tuple[Span, ...]]) -> tuple[Span, ...]:
    return tuple(span for each in lists for span in (Span(" · "), *each))[1:]


def _shape(shape: Sequence[int]) -> str:
    return f"[{', '.join(map(str, shape))}]" if shape else ""
