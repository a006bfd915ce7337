"""What a loop makes of a pass's output before the next one: softmax, argmax, sampling, as its own operations say."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch._ops import OpOverload
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.weak import WeakIdKeyDictionary

from shapetrace.capture.plain import tensors_in
from shapetrace.ops.choosing import said, takes, told

_Way = tuple[tuple[int, str], ...]
"""Numbers of kernels, in order, with the name of each."""


class Choosing(TorchDispatchMode):
    """Follows values from the output of a pass to the ids that the next one reads. It changes nothing.

    Attributes:
        is_paused: True while a pass runs: what happens in it is the pass's own.
    """

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """Do not wrap the handler against compilation, which loads the compiler."""
        return False

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.is_paused = True
        self._ways: Any = WeakIdKeyDictionary()
        self._last: _Way | None = None
        self._n_seen = 0

    def follow(self, output: Any) -> None:
        """A pass has given this: its floating tensors are what a loop chooses by."""
        self._ways = WeakIdKeyDictionary()
        self._ways.update({tensor: () for tensor in tensors_in(output) if tensor.is_floating_point()})
        self._last, self.is_paused = None, False

    def led_to(self, inputs: Any = None) -> tuple[str, ...]:
        """What was done to the followed values on their way to the ids of the next pass, in order.

        Args:
            inputs: What the next pass is given; None if there is none: then the last ids that were made count.
        """
        self.is_paused = True
        if inputs is None:
            return _words(self._last or ())
        ids = [t for t in tensors_in(inputs) if not t.is_floating_point() and self._ways.get(t)]
        return _words(self._ways[ids[0]]) if ids else ()

    def __torch_dispatch__(
        self, func: OpOverload, types: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        if not self.is_paused:
            self._n_seen += 1
            self._note(str(func), tree_leaves((args, kwargs)), tree_leaves(result))
        return result

    def _note(self, kernel: str, given: Sequence[Any], made: Sequence[Any]) -> None:
        read = [value for value in given if isinstance(value, torch.Tensor) and value in self._ways]
        if not read:
            return
        ways = [self._ways[value] for value in read]
        own = [(self._n_seen, kernel)] if said(kernel) and any(value.is_floating_point() for value in read) else []
        way = tuple(sorted({*(step for each in ways for step in each), *own}))
        for value in made:
            if isinstance(value, torch.Tensor):
                self._ways[value] = way
                if value.dtype == torch.int64 and any(takes(name) for _, name in way):
                    self._last = way


def _words(way: _Way) -> tuple[str, ...]:
    return told(name for _, name in way)
