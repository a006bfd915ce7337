"""Python functions of torch that are made of several calls, opened up.

``F.multi_head_attention_forward`` asks first whether anyone overrides it, and runs its body with
the override off: what it calls would be hidden. A copy of the function whose namespace answers "nobody"
runs the same code with the recorder still on. The original is not touched.

Operators that take functions (``torch.cond``, ``flex_attention``) are opened too: what PyTorch runs where nothing is
compiled is Python code that calls plain kernels.
"""

import functools
from types import FunctionType
from typing import Any

from torch._C import DispatchKey
from torch._ops import HigherOrderOperator

_QUESTIONS = ("has_torch_function", "has_torch_function_unary", "has_torch_function_variadic")
_ANSWERS = dict.fromkeys(_QUESTIONS, False) | {"_get_current_dispatch_mode": None}


def is_composite(function: Any) -> bool:
    """Whether a function that reached the recorder is Python code that may call further functions."""
    if isinstance(function, HigherOrderOperator):
        return isinstance(_uncompiled(function), FunctionType)
    return isinstance(function, FunctionType) and any(name in function.__globals__ for name in _QUESTIONS)


def _uncompiled(operator: HigherOrderOperator) -> Any:
    """The Python code of an operator that takes functions; None if it has none."""
    return operator.py_kernels.get(DispatchKey.CompositeExplicitAutograd)


@functools.cache
def opened(function: Any) -> FunctionType:
    """A copy of a composite function that goes straight to its body."""
    body: FunctionType = _uncompiled(function) if isinstance(function, HigherOrderOperator) else function
    answers = {name: _answering(answer) for name, answer in _ANSWERS.items() if name in body.__globals__}
    namespace = body.__globals__ | answers
    copy = FunctionType(body.__code__, namespace, body.__name__, body.__defaults__, body.__closure__)
    copy.__kwdefaults__ = body.__kwdefaults__
    return copy


def _answering(answer: Any) -> Any:
    return lambda *_arguments: answer
