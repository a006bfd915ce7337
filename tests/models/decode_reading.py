"""A prefill and the decode steps behind it, with a model's own cache: roles of matrices, and bytes that are kept.

Run as a program it reads model types from its standard input, one a line, and writes a line of JSON for each.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch.nn.modules.module import register_module_forward_hook

from shapetrace import ir
from shapetrace.generations.decoding import Generation
from shapetrace.hf_obtaining import generated
from shapetrace.models import huggingface
from shapetrace.request import Request
from tests.capture import corpus
from tests.models.role_names import Roles
from tests.models.role_reading import uses
from tests.models.shrinking import shrink

SEQ, STEPS = 12, 2
CACHES = ("past_key_values", "cache_params", "state", "mems")
"""What outputs of transformers call their cache."""


class Watched(Generation):
    """A generation that looks into the cache that the model itself gives back.

    Attributes:
        held: Bytes in it after each pass.
    """

    def __init__(self) -> None:
        super().__init__()
        self.held: list[int] = []
        self._output: Any = None

    def look(self, _module: torch.nn.Module, _args: Any, output: Any) -> None:
        """A module has given something: the last one is the model."""
        self._output = output

    def add(self, trace: ir.Trace, *, source: str = "") -> None:
        super().add(trace, source=source)
        fields = dict(self._output.items()) if hasattr(self._output, "items") else {}
        found = {id(each): each.nbytes for name in CACHES for each in tensors(fields.get(name))}
        self.held = [*self.held[: len(self.passes) - 1], sum(found.values())]

    def miscounted(self) -> str:
        """How the bytes of the bills are not those of the cache; "" if they are."""
        billed = [*(bill.cache_read for bill in self.bills[1:]), self.cache_bytes]
        return "" if billed == self.held else f"{billed} bytes, the cache holds {self.held}"


def tensors(kept: Any) -> Iterator[torch.Tensor]:
    """All tensors of real numbers in a cache, whatever it is."""
    if isinstance(kept, torch.Tensor):
        yield from [kept] if kept.is_floating_point() else []
    elif isinstance(kept, dict | list | tuple):
        for each in kept.values() if isinstance(kept, dict) else kept:
            yield from tensors(each)
    elif hasattr(kept, "__dict__"):
        yield from tensors({name: each for name, each in vars(kept).items() if not hasattr(each, "to_dict")})


def generation(model_type: str, *, widths: bool = True) -> Watched:
    """A prefill and two decode steps of an architecture of transformers, shrunk, on meta."""
    config, found = shrink(huggingface.config(model_type), widths=widths), Watched()
    hook = register_module_forward_hook(found.look)
    try:
        generated(Request(model=f"hf:{model_type}", shape={"seq": SEQ}), lambda _: None, STEPS, found, config=config)
    finally:
        hook.remove()
    return found


def changed(of: Generation) -> list[str]:
    """A line for each matrix that is something else in a decode step than in the prefill."""
    first, *others = map(_roles, of.passes)
    return list(dict.fromkeys(
        f"{name}: {_told(first[name])} in the prefill, then {_told(roles)}"
        for each in others for name, roles in each.items() if name in first and first[name] != roles
    ))  # fmt: skip


def _roles(of: Any) -> Mapping[str, Roles]:
    found = uses(of.trace, of.outline)
    return {name: frozenset[str]().union(*(roles for roles, _ in each)) for name, each in found.items()}


def _told(said: Roles) -> str:
    return " and ".join(sorted(said))


def measured(model_type: str) -> dict[str, Any]:
    """The comparison as JSON can hold it; ``cpu`` says why there is none."""
    try:
        found = generation(model_type, widths=False)
        if found.failure:
            return {"cpu": found.failure}
        n_matrices = len(_roles(found.passes[-1]))
        return {"cpu": "", "n_passes": len(found.passes), "matrices": n_matrices, "changed": changed(found),
                "miscounted": found.miscounted()}  # fmt: skip
    except Exception as error:  # noqa: BLE001 - whatever a model raises is the finding
        return {"cpu": f"{type(error).__name__}: {error}"}


if __name__ == "__main__":
    corpus.main(measured)
