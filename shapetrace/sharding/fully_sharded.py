"""FSDP2: each rank keeps a part of all weights, and gathers those of a layer when it runs.

It takes no parameters on meta, but fake ones on the CPU: they have shapes and no memory. Inputs and masks are real.
"""

import torch
from torch import nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.distributed.fsdp import fully_shard

from shapetrace.errors import UsageError
from shapetrace.models.placing import n_parameters
from shapetrace.models.reference import GPT
from shapetrace.sharding.degrees import Degrees
from shapetrace.sharding.grouping import mesh

_MOST = 20_000_000_000
"""Parameters of a model that is traced in less than a minute or two."""


def shard(model: nn.Module, degrees: Degrees) -> nn.Module:
    """One rank's part of a reference model: each block is gathered by itself, the rest together.

    Raises:
        UsageError: If its kind of model has no such blocks.
    """
    if not isinstance(model, GPT):
        raise UsageError(f"--fsdp {degrees.fsdp}: decoders are gathered block by block; this model is none.")
    if n_parameters(model) > _MOST:
        raise UsageError(f"--fsdp {degrees.fsdp}: fake tensors of so large a model take minutes: give --layers 4.")
    ranks = mesh(degrees)["fsdp"]
    fakes = FakeTensorMode(allow_non_fake_inputs=True)
    _without_memory(model, fakes)
    with fakes:
        for block in model.h:
            fully_shard(block, mesh=ranks)
        fully_shard(model, mesh=ranks, reshard_after_forward=True)
    return model


def _without_memory(model: nn.Module, fakes: FakeTensorMode) -> None:
    """Put a fake tensor on the CPU in the place of each parameter and buffer; what is shared stays shared."""
    known: dict[int, tuple[torch.Tensor, torch.Tensor]] = {}
    for module in model.modules():
        for held in (module._parameters, module._buffers):
            for name, tensor in list(held.items()):
                if tensor is not None:
                    if id(tensor) not in known:
                        known[id(tensor)] = (tensor, _fake(tensor, fakes))
                    held[name] = known[id(tensor)][1]  # type: ignore[assignment]


def _fake(tensor: torch.Tensor, fakes: FakeTensorMode) -> torch.Tensor:
    with fakes:
        made = torch.empty_strided(tensor.shape, tensor.stride(), dtype=tensor.dtype, device="cpu")
        return nn.Parameter(made, tensor.requires_grad) if isinstance(tensor, nn.Parameter) else made
