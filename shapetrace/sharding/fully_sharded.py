"""FSDP2: each rank keeps a part of all weights, and gathers those of a layer when it runs.

It takes no parameters on meta, but fake ones on the CPU: they have shapes and no memory. Inputs and masks are real.
"""

from collections import Counter
from collections.abc import Iterable, Iterator

import torch
from torch import nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.distributed.fsdp import fully_shard
from torch.utils._python_dispatch import _disable_current_modes

from shapetrace.errors import UsageError
from shapetrace.models.placing import n_parameters
from shapetrace.models.reference import GPT
from shapetrace.sharding.degrees import Degrees
from shapetrace.sharding.grouping import mesh

_MOST = 20_000_000_000
"""Parameters of a model that is traced in less than a minute or two."""


def shard_decoder(model: nn.Module, degrees: Degrees) -> nn.Module:
    """One rank's part of a reference model.

    Raises:
        UsageError: If its kind of model has no blocks, or it is too large.
    """
    if not isinstance(model, GPT):
        raise UsageError(f"--fsdp {degrees.fsdp}: decoders are gathered block by block; this model is none.")
    return shard(model, degrees, model.h)


def shard(model: nn.Module, degrees: Degrees, blocks: Iterable[nn.Module]) -> nn.Module:
    """One rank's part of a model on meta: each block is gathered by itself, the rest together.

    Raises:
        UsageError: If it is too large.
    """
    if n_parameters(model) > _MOST:
        raise UsageError(
            f"--fsdp {degrees.fsdp}: fake tensors of so large a model take minutes: give fewer layers, such as 4."
        )
    ranks = mesh(degrees)["fsdp"]
    fakes = FakeTensorMode(allow_non_fake_inputs=True)
    with _disable_current_modes(), fakes:  # those that keep everything on meta
        _without_memory(model)
        uses = Counter(map(id, _parameters(model)))
        for block in blocks:
            within = Counter(map(id, _parameters(block)))
            if any(uses[parameter] > n for parameter, n in within.items()):
                continue  # what is tied to others is gathered with the rest
            fully_shard(block, mesh=ranks)
        fully_shard(model, mesh=ranks, reshard_after_forward=True)
    return model


def _parameters(model: nn.Module) -> Iterator[nn.Parameter]:
    """Those of all modules, a shared one as often as it is held."""
    return (parameter for _, parameter in model.named_parameters(remove_duplicate=False))


def _without_memory(model: nn.Module) -> None:
    """Put a fake tensor on the CPU in the place of each parameter and buffer; what is shared stays shared."""
    known: dict[int, tuple[torch.Tensor, torch.Tensor]] = {}
    for module in model.modules():
        for held in (module._parameters, module._buffers):
            for name, tensor in list(held.items()):
                if tensor is not None:
                    if id(tensor) not in known:
                        known[id(tensor)] = (tensor, _fake(tensor))
                    held[name] = known[id(tensor)][1]  # type: ignore[assignment]


def _fake(tensor: torch.Tensor) -> torch.Tensor:
    made = torch.empty_strided(tensor.shape, tensor.stride(), dtype=tensor.dtype, device="cpu")
    return nn.Parameter(made, tensor.requires_grad) if isinstance(tensor, nn.Parameter) else made
