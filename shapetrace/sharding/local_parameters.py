"""Modules whose code indexes or cuts its weights itself: it gets this rank's part of each, as a plain tensor."""

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn
from torch.distributed.tensor import DTensor, Partial, Replicate, distribute_tensor
from torch.distributed.tensor.parallel import ParallelStyle
from torch.distributed.tensor.placement_types import Placement


class LocalParameters(ParallelStyle):
    """Lays out a module's own parameters, and runs its code on the rank's parts.

    Attributes:
        placements: How each parameter lies, by its name; others are whole on every rank.
        sums: Whether each rank's result is a summand.
    """

    def __init__(self, placements: Mapping[str, Placement], *, sums: bool = False) -> None:
        super().__init__()
        self.placements = placements
        self.sums = sums

    def _apply(self, module: nn.Module, device_mesh: Any) -> nn.Module:
        for name, parameter in list(module.named_parameters(recurse=False)):
            placement = self.placements.get(name, Replicate())
            laid_out = distribute_tensor(parameter, device_mesh, [placement], src_data_rank=None)
            module.register_parameter(name, nn.Parameter(laid_out, requires_grad=parameter.requires_grad))
        held: dict[str, Any] = {}

        def before(module: nn.Module, _args: Any) -> None:
            held.update(module._parameters)
            parts: dict[str, Any] = {name: each.to_local() for name, each in held.items() if isinstance(each, DTensor)}
            module._parameters.update(parts)

        def after(module: nn.Module, _args: Any, output: Tensor | None) -> Tensor | None:
            module._parameters.update(held)
            if not self.sums or output is None:
                return output
            summand = DTensor.from_local(output, device_mesh, [Partial()], run_check=False)
            total: Tensor = summand.redistribute(placements=[Replicate()]).to_local()
            return total

        module.register_forward_pre_hook(before)
        module.register_forward_hook(after, always_call=True)
        return module
