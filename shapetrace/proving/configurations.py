"""Variations of a model of transformers: the numbers of its configuration, found generally, and its input."""

import json
import logging
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from shapetrace import ir
from shapetrace.api import Trace
from shapetrace.models.hf_facts import SENSES, inside, special_ids
from shapetrace.proving.offering import Offer
from shapetrace.request import Request
from shapetrace.sizing.symbols import ENTRIES, symbols_of
from shapetrace.sizing.variables import Variable

_FEWEST = 2
"""Layers that a model keeps, however alike they are."""
_INPUT = {"seq": "T", "batch": "B"}
_NO_SIZES = ("_id", "_ids", "_index", "_token", "layers", "layer", "depth", "depths", "seed", "version", "_freq",
             "interval", "_step", "n_layer")  # fmt: skip
"""Endings of entries that count layers, or are no sizes at all."""


_LAYERS = ("n_layer", "n_layers", "num_layers")


def offer(request: Request, trace: Trace) -> Offer:
    """What can be varied of a configuration, and of the input where nobody gave it."""
    from shapetrace.models import huggingface

    config = huggingface.config(request.model.removeprefix("hf:"), huggingface.parse_entries(request.hf_set))
    entries = dict(_numbers(config, ""))
    variables = [] if request.inputs or request.inputs_from else list(_inputs(trace, request))
    names = symbols_of(list(entries), {each.symbol for each in variables})
    ids = special_ids(config)
    variables += [
        Variable(path, names[path], value, "entry", least=1 + max([0, *(i for i in ids if i < value)]),
                 measured=_side(trace, value) if names[path] == "H_img" else None)
        for path, value in entries.items()
    ]  # fmt: skip
    device = "meta" if trace.model.device == "meta" else "auto"
    n_layers = _distinct_layers(trace)
    said: list[str] = []
    few = [f"{path}={n_layers}" for path, value in _layers(config, "") if value > n_layers]

    def attempt(values: Mapping[str, int], *, shallow: bool) -> ir.Trace:
        from shapetrace.obtaining import obtain

        changed = [f"{path}={json.dumps(value)}" for path, value in values.items() if path not in _INPUT]
        shape = {**request.shape, **{path: value for path, value in values.items() if path in _INPUT}}
        hf_set = (*request.hf_set, *(few if shallow else ()), *changed)
        asked = replace(request, hf_set=hf_set, shape={**shape, "device": device})
        logger = logging.getLogger("transformers")
        level = logger.level
        logger.setLevel(logging.ERROR)
        try:
            return obtain(asked, _silent if values else said.append, completes=bool(said) or not values)
        finally:
            logger.setLevel(level)

    return Offer(variables, attempt)


def _silent(_: str) -> None:
    """What was guessed was said before."""


def _inputs(trace: Trace, request: Request) -> Iterator[Variable]:
    """Examples, and tokens: the length of the ids that went in."""
    yield Variable("batch", "B", int(request.shape.get("batch", 1)), "input")
    inputs = [trace.tensors[i] for i in trace.inputs if trace.tensors[i].dtype in {"int64", "int32"}]
    for ids in [each for each in inputs if len(each.shape) == 2 and each.shape[1] > 1][:1]:
        yield Variable("seq", "T", ids.shape[1], "input", measured=(ids.name, 1))


def _side(trace: Trace, size: int) -> tuple[str, int] | None:
    """The axis of a square picture that has a size: a model that shrinks it often is given a larger one than asked."""
    pictures = [trace.tensors[value] for value in trace.inputs if len(trace.tensors[value].shape) > 3]
    return next(((each.name, len(each.shape) - 2) for each in pictures if each.shape[-2:] == (size, size)), None)


def _numbers(config: Any, prefix: str) -> Iterator[tuple[str, int]]:
    """Whole numbers of a configuration and of those nested in it that may be sizes."""
    known, defaults = {name for names in ENTRIES.values() for name in names}, type(config)()
    for name, value in vars(config).items():
        if _is_size(name, value) and (value > 1 or name in known) and hasattr(defaults, name):
            yield f"{prefix}{name}", value
    senses = [(any(sense in name for sense in SENSES), name, value) for name, value in inside(config)]
    for _, name, value in sorted(senses, key=lambda each: each[0]):  # what reads before what looks and listens
        yield from _numbers(value, f"{prefix}{name}.")


def _layers(config: Any, prefix: str) -> Iterator[tuple[str, int]]:
    """Entries that say how many layers there are."""
    inner = dict(inside(config))
    for name, value in vars(config).items():
        if name in inner:
            yield from _layers(value, f"{prefix}{name}.")
        elif isinstance(value, int) and (name in _LAYERS or name.endswith("hidden_layers")):
            yield f"{prefix}{name}", value


def _is_size(name: str, value: Any) -> bool:
    is_count = isinstance(value, int) and not isinstance(value, bool) and value > 0
    return is_count and not name.startswith("_") and not name.endswith(_NO_SIZES)


def _distinct_layers(trace: ir.Trace) -> int:
    """The fewest first layers among which there is one of every sort, by the operations that they run."""
    inside: dict[int, list[str | int]] = defaultdict(list)
    for op in trace.ops:
        inside[op.call].append(op.name)
    sorts: dict[tuple[str | int, ...], int] = {}
    firsts: dict[tuple[str, int], int] = {}
    for call in reversed(trace.calls):  # children come after their parents
        sort = sorts.setdefault(tuple(inside[call.id]), len(sorts))
        if call.parent is not None:
            inside[call.parent].append(sort)
        prefix, _, last = call.path.rpartition(".")
        if call.kind == "module" and last.isdigit():
            place = prefix, sort
            firsts[place] = min(int(last), firsts.get(place, int(last)))
    layers = [
        first + 1 for (prefix, _), first in firsts.items() if not any(part.isdigit() for part in prefix.split("."))
    ]
    return max([_FEWEST, *layers])
