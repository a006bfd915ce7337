"""Python functions of torch that are made of several calls, opened up.

``F.multi_head_attention_forward`` asks first whether anyone overrides it, and runs its body with
the override off: what it calls would be hidden. A copy of the function whose namespace answers "nobody"
runs the same code with the recorder still on. The original is not touched.
"""

import functools
from types import FunctionType
from typing import Any

_QUESTIONS = ("has_torch_function", "has_torch_function_unary", "has_torch_function_variadic")


def is_composite(function: Any) -> bool:
    """Whether a function that reached the recorder is Python code that may call further functions."""
    return isinstance(function, FunctionType) and any(name in function.__globals__ for name in _QUESTIONS)


@functools.cache
def opened(function: FunctionType) -> FunctionType:
    """A copy of a composite function that goes straight to its body."""
    namespace = dict(function.__globals__)
    for name in _QUESTIONS:
        if name in namespace:
            namespace[name] = _nobody
    copy = FunctionType(function.__code__, namespace, function.__name__, function.__defaults__, function.__closure__)
    copy.__kwdefaults__ = function.__kwdefaults__
    return copy


def _nobody(*_arguments: Any) -> bool:
    return False
