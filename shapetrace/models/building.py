"""Settings to a model with weights, and to the inputs that fit it."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, TypeAlias

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from shapetrace.models.experts import MoE
from shapetrace.models.placing import check_room
from shapetrace.models.reference import GPT
from shapetrace.models.seq2seq import EncoderDecoder
from shapetrace.models.settings import Settings

Inputs: TypeAlias = tuple[tuple[Tensor, ...], dict[str, Tensor]]
"""Positional and keyword arguments of a forward pass."""


def device_of(settings: Settings) -> torch.device:
    """The device that the settings name; auto is meta: no memory, no arithmetic."""
    return torch.device("meta" if settings.device == "auto" else settings.device)


def build(settings: Settings) -> nn.Module:
    """A model in eval mode, on the settings' device and in its dtype.

    On meta nothing is allocated. Elsewhere weights are small random numbers, the same every time;
    torch's random state is left as it was.

    Raises:
        UsageError: If the settings do not fit together, or the weights take more memory than there is.
    """
    settings.validate()
    device = device_of(settings)
    if device.type == "cpu":
        check_room(build(replace(settings, device="meta", dtype="float32")))  # of which the dtype is made
    with torch.random.fork_rng(devices=[]), _building_on(device):
        torch.manual_seed(0)
        model: nn.Module = EncoderDecoder(settings) if settings.encoder_layers else GPT(settings)
        if device.type != "meta":
            initialise(model)
    return model.to(getattr(torch, settings.dtype)).eval()


def initialise(model: nn.Module) -> None:
    """Weights as GPT-2 draws them: N(0, 0.02), biases 0, gains 1."""
    for name, parameter in model.named_parameters():
        if parameter.dim() >= 2:
            nn.init.normal_(parameter, mean=0.0, std=0.02)
        elif name.endswith("bias"):
            nn.init.zeros_(parameter)


def inputs(settings: Settings) -> Inputs:
    """Ids for the model that ``build`` makes: (batch, seq), and (batch, target_seq) for a decoder with an encoder."""
    args = [ids(settings, settings.n_tokens)]
    if settings.encoder_layers:
        args.append(ids(settings, settings.n_target_tokens, given=False))
    return tuple(args), {}


def ids(settings: Settings, n: int, *, given: bool = True) -> Tensor:
    """Token ids (batch, n): the settings' own if they have some, else 0, 1, 2 ... around the vocabulary.

    For a model on meta the settings' own stay on the CPU, where their values are known; others have none.
    """
    device, own = device_of(settings), settings.tokens if given else ()
    if device.type == "meta" and not own:
        return torch.empty(settings.batch, n, dtype=torch.int64, device=device)
    device = torch.device("cpu") if device.type == "meta" else device
    row = own or tuple(i % settings.vocab for i in range(n))
    return torch.tensor([row] * settings.batch, dtype=torch.int64, device=device)


def active_parameters(model: nn.Module) -> int:
    """Parameters that one token uses: all but the routed experts that are not chosen for it.

    Tied weights count once; the token table and the head count whole.
    """
    total = sum(parameter.numel() for parameter in model.parameters())
    for module in model.modules():
        if isinstance(module, MoE):
            experts = module.gate.experts
            stacked = sum(parameter.numel() for parameter in module.experts.parameters())
            total -= stacked // experts.count * (experts.count - experts.per_token)
    return total


class _NoInitialisation(TorchFunctionMode):
    """Passes over ``torch.nn.init``: on meta it computes nothing, yet loads a compiler that takes a second."""

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: Sequence[Any] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        if getattr(func, "__module__", "") == "torch.nn.init":
            tensor = args[0] if args else kwargs.get("tensor")
            if isinstance(tensor, torch.Tensor) and tensor.is_meta:
                return tensor
        return func(*args, **kwargs)


@contextmanager
def _building_on(device: torch.device) -> Iterator[None]:
    """Modules made in the block live on ``device``; on meta their weights are not initialised."""
    with device:
        if device.type != "meta":
            yield
            return
        with _NoInitialisation():
            yield
