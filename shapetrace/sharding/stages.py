"""A stage of a model's layers: it gets rows from the stage before, and sends its own to the next one.

PyTorch's point-to-point operations do the sending. Layers are shared out as transformers does: as many for each stage,
the rest for the last one.
"""

from typing import Any

import torch
from torch import Tensor, distributed, nn

from shapetrace.errors import UsageError
from shapetrace.models.reference import GPT
from shapetrace.models.settings import Settings
from shapetrace.sharding.degrees import Degrees
from shapetrace.sharding.grouping import mesh


class Elsewhere(nn.Module):
    """In the place of a module that another stage has: rows go through."""

    def forward(self, x: Tensor, *_others: Any) -> Tensor:
        return x


class Sending(Elsewhere):
    """The end of a stage: its rows go to the next one."""

    def __init__(self, pipeline: Any) -> None:
        super().__init__()
        self._pipeline = pipeline

    def forward(self, x: Tensor, *_others: Any) -> Tensor:
        _talk(distributed.isend, x.contiguous(), self._pipeline, 1)
        return x


def check(n_layers: int, degrees: Degrees) -> None:
    """See that each stage has a layer.

    Raises:
        UsageError: If there are fewer layers than stages.
    """
    if degrees.pp > n_layers:
        raise UsageError(f"--pp {degrees.pp}: {n_layers} layers make at most {n_layers} stages.")


def layers_of(n_layers: int, stage: int, n_stages: int) -> range:
    """The layers of a stage."""
    each = n_layers // n_stages
    return range(stage * each, n_layers if stage == n_stages - 1 else (stage + 1) * each)


def staged(model: nn.Module, settings: Settings, degrees: Degrees) -> nn.Module:
    """A reference model with the layers of this rank's stage alone.

    Raises:
        UsageError: If it has none, or its kind of model is not cut in stages.
    """
    if degrees.pp == 1:
        return model
    if not isinstance(model, GPT) or degrees.sp:
        raise UsageError(f"--pp {degrees.pp}: stages are of decoders whose rows are not shared: leave --sp out.")
    check(settings.layers, degrees)
    pipeline = mesh(degrees)["pp"]
    stage = pipeline.get_local_rank()
    own = layers_of(settings.layers, stage, degrees.pp)
    for layer in range(settings.layers):
        if layer not in own:
            model.h[layer] = Elsewhere()
    if stage > 0:
        dtype, device = model.lm_head.weight.dtype, model.lm_head.weight.device
        for name, _ in list(model.named_children()):
            if name not in ("h", "ln_f", "lm_head"):
                setattr(model, name, Elsewhere())
        model.embed = _Receiving(pipeline, settings.d_model, dtype, device)  # type: ignore[method-assign, assignment]
    if stage < degrees.pp - 1:
        model.add_module("ln_f", Elsewhere())
        model.add_module("lm_head", Sending(pipeline))
    return model


class _Receiving:
    """The begin of a later stage: rows come from the one before."""

    def __init__(self, pipeline: Any, d_model: int, dtype: torch.dtype, device: torch.device) -> None:
        self._pipeline, self._d_model, self._dtype, self._device = pipeline, d_model, dtype, device

    def __call__(self, ids: Tensor, _past: int = 0) -> Tensor:
        x = torch.empty(*ids.shape, self._d_model, dtype=self._dtype, device=self._device)
        _talk(distributed.irecv, x, self._pipeline, -1)
        return x


def _talk(how: Any, x: Tensor, pipeline: Any, step: int) -> None:
    """Send to the next stage, or get from the one before."""
    group = pipeline.get_group()
    peer = distributed.get_global_rank(group, pipeline.get_local_rank() + step)
    for work in distributed.batch_isend_irecv([distributed.P2POp(how, x, peer, group=group)]):
        work.wait()
