"""Modules in a few words, from the shapes of their parameters."""

from shapetrace.ir import Call, Trace


def module_of(trace: Trace, call: int) -> int:
    """The module call that a call is, or is in."""
    while trace.calls and trace.calls[call].kind == "function":
        call = trace.calls[call].parent or 0
    return call


def describe(trace: Trace, call: int) -> str:
    """What a module is: ``Linear 512→10``, ``Conv2d 3→16, kernel 5×5``, ``LayerNorm 768``; its class otherwise."""
    found = trace.calls[call]
    return f"{found.type}{_sizes(found, weight_shape(trace, found.path))}"


def weight_shape(trace: Trace, path: str) -> tuple[int, ...] | None:
    """Shape of the parameter ``weight`` of a module, if it has one."""
    name = f"{path}.weight" if path else "weight"
    for parameter in trace.parameters:
        if parameter.name == name or name in parameter.aliases:
            return parameter.shape
    return None


def weights_in(trace: Trace, path: str) -> tuple[tuple[int, ...], ...]:
    """Shapes of the parameters right in a module."""
    prefix = f"{path}." if path else ""
    names = [(p.shape, p.name.removeprefix(prefix)) for p in trace.parameters if p.name.startswith(prefix)]
    return tuple(shape for shape, name in names if "." not in name and shape)


def _sizes(call: Call, shape: tuple[int, ...] | None) -> str:
    if not shape:
        return ""
    if call.type.endswith("Linear") and len(shape) == 2:
        return f" {shape[1]}→{shape[0]}"
    if "Conv" in call.type and len(shape) > 2:
        sizes = shape[:2] if "Transpose" in call.type else (shape[1], shape[0])
        return f" {sizes[0]}→{sizes[1]}, kernel {'×'.join(map(str, shape[2:]))}"
    if call.type == "Conv1D" and len(shape) == 2:  # of transformers: a Linear whose weight is [in, out]
        return f" {shape[0]}→{shape[1]}"
    if "Embedding" in call.type and len(shape) == 2:
        return f" {shape[0]}×{shape[1]}"
    return f" {'×'.join(map(str, shape))}" if "Norm" in call.type else ""
