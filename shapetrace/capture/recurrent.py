"""Recurrent layers, which loop inside one call: taken down as their products, in as many kernels for any length.

What all steps do at once (the products with the input, the gates) is taken down at once. The product with the state
before, which the steps make one after another, is taken down once, with how often it ran.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import groupby
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.utils._pytree import tree_map_only

from shapetrace.capture import known_kernels
from shapetrace.capture.known_values import KnownValues, apart
from shapetrace.capture.plain import tensors_in
from shapetrace.capture.recorder import Recorder

States = tuple[Tensor, ...]
"""What one step hands to the next: (B, h), and for an LSTM its cells too."""


def run(
    recorder: Recorder, values: KnownValues | None, func: Callable[..., Any], args: Sequence[Any], kwargs: Any
) -> Any:
    """Run a recurrent layer. On meta, what is taken down is also what gives the result.

    Args:
        recorder: Takes the kernels down.
        values: What is known on meta; None elsewhere.
        func: ``torch.lstm`` or one like it: a key of ``CELLS``.
        args: What it was called with: input, sizes of the steps if it is packed, states, weights, settings.
        kwargs: The same by name.
    """
    given = [*args, *kwargs.values()]
    if given[0].is_meta:
        return _Layers(recorder, CELLS[func], given, _sizes(values, given)).run()
    with recorder.paused():
        result = func(*args, **kwargs)
    recorder.registry.forget_passed()
    twins = tree_map_only(Tensor, lambda tensor: _twin(recorder, tensor), given)
    recorder.twins = KnownValues()
    try:
        made = _Layers(recorder, CELLS[func], twins, _sizes(None, given)).run()
    finally:
        recorder.twins = None
    for real, twin in zip(tensors_in(result), tensors_in(made), strict=True):
        recorder.registry.stand_for(real, twin)
    return result


def _sizes(values: KnownValues | None, given: Sequence[Any]) -> list[int] | None:
    """How many sequences each step of packed ones has; None if they are not packed."""
    if not isinstance(given[3], list):
        return None
    known = given[1] if values is None else values.value(given[1])
    if known is None:
        assert values is not None
        raise known_kernels.unknown(values, "a packed sequence")
    with apart():
        return list(known.tolist())


def _twin(recorder: Recorder, tensor: Tensor) -> Tensor:
    with apart():
        twin = torch.empty_strided(tensor.size(), tensor.stride(), dtype=tensor.dtype, device="meta")
    recorder.registry.stand_for(twin, tensor)
    return twin


class _Layers:
    """All layers and directions of one call."""

    def __init__(self, recorder: Recorder, cell: "Cell", given: list[Any], sizes: Sequence[int] | None) -> None:
        self._recorder, self._cell, self._sizes = recorder, cell, sizes
        self._data, states, self._weights, self._biased, _n, _dropout, _train, self._both, *first = (
            given[:1] + given[1 if sizes is None else 2 :]
        )
        self._states: States = (states,) if isinstance(states, Tensor) else tuple(states)
        self._batch_first = first == [True]

    def run(self) -> tuple[Tensor, ...]:
        """(T, B, k) -> (T, B, h), and the last states, stacked."""
        data = self._data.transpose(0, 1) if self._batch_first else self._data
        before = list(zip(*(state.unbind(0) for state in self._states), strict=True))
        n = len(self._weights) // len(before)
        last: list[States] = []
        for place in range(0, len(before), 1 + self._both):
            outs = []
            for way in range(place, place + 1 + self._both):
                layer = _Layer(self._recorder, self._cell, self._weights[way * n : (way + 1) * n], self._biased)
                made = layer.whole if self._sizes is None else partial(layer.packed, sizes=self._sizes)
                out, ends = made(data, before[way], reverse=way > place)
                outs.append(out)
                last.append(ends)
            data = torch.cat(outs, -1) if self._both else outs[0]
        data = data.transpose(0, 1) if self._batch_first else data
        return (data, *(torch.stack(each, 0) for each in zip(*last, strict=True)))


class _Layer:
    """One direction of one layer."""

    def __init__(self, recorder: Recorder, cell: "Cell", weights: Sequence[Tensor], biased: bool) -> None:
        self._recorder, self._cell = recorder, cell
        self._input, self._hidden = weights[:2]
        self._biases = weights[2:4] if biased else (None, None)
        self._output = weights[-1] if len(weights) % 2 else None

    def whole(self, data: Tensor, states: States, *, reverse: bool) -> tuple[Tensor, States]:
        """Sequences of one length: (T, B, k) -> (T, B, h), and the last states."""
        gates = F.linear(data, self._input, self._biases[0])
        results = self._steps(gates.flip(0) if reverse else gates, states)
        return results[0].flip(0) if reverse else results[0], tuple(result[-1] for result in results)

    def packed(self, data: Tensor, states: States, *, sizes: Sequence[int], reverse: bool) -> tuple[Tensor, States]:
        """Packed sequences: (rows of all steps, k) -> (rows of all steps, h); steps with as many rows go together."""
        gates = F.linear(data, self._input, self._biases[0])
        pieces, ends, at = [], [], 0
        for rows, steps in _runs(sizes):
            part = gates.narrow(0, at, rows * steps).view(steps, rows, gates.size(-1))
            results = self._steps(part, tuple(state.narrow(0, 0, rows) for state in states))
            pieces.append(results[0].flatten(0, 1))
            ends.append(tuple(result[-1] for result in results))
            at += rows * steps
        if reverse:  # the last step is the first, which all sequences have
            return torch.cat(pieces), ends[0]
        shorter = [*(rows for rows, _ in _runs(sizes)), 0][1:]
        each = [[end[rows:] for end in found] for rows, found in zip(shorter, ends, strict=True)]
        return torch.cat(pieces), tuple(torch.cat(parts) for parts in zip(*each[::-1], strict=True))

    def _steps(self, gates: Tensor, states: States) -> States:
        """All steps, (T, B, gates) -> (T, B, h); their products with the state before are one that ran T times."""
        with self._recorder.repeating(gates.size(0)):
            turned = F.linear(states[0], self._hidden, self._biases[1])
        out, *rest = self._cell(gates, turned, states)
        return (out if self._output is None else F.linear(out, self._output), *rest)


def _runs(sizes: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Equal sizes that follow each other, as (size, how often)."""
    return ((size, len(list(group))) for size, group in groupby(sizes))


def _lstm(gates: Tensor, turned: Tensor, states: States) -> States:
    read, forget, new, write = (gates + turned).chunk(4, -1)
    cells = forget.sigmoid() * states[1] + read.sigmoid() * new.tanh()
    return write.sigmoid() * cells.tanh(), cells


def _gru(gates: Tensor, turned: Tensor, states: States) -> States:
    (reset, keep, new), (past_reset, past_keep, past_new) = gates.chunk(3, -1), turned.chunk(3, -1)
    fresh = (new + (reset + past_reset).sigmoid() * past_new).tanh()
    return ((states[0] - fresh) * (keep + past_keep).sigmoid() + fresh,)


def _tanh(gates: Tensor, turned: Tensor, _: States) -> States:
    return ((gates + turned).tanh(),)


def _relu(gates: Tensor, turned: Tensor, _: States) -> States:
    return ((gates + turned).relu(),)


Cell = Callable[[Tensor, Tensor, States], States]

CELLS: dict[Any, Cell] = {torch.lstm: _lstm, torch.gru: _gru, torch.rnn_tanh: _tanh, torch.rnn_relu: _relu}
"""Recurrent layers, with what a step makes of its gates."""
