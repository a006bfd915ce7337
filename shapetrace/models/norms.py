"""The two normalisations."""

from torch import nn

from shapetrace.models.settings import Settings


def norm(settings: Settings, size: int | None = None) -> nn.Module:
    """A LayerNorm or RMSNorm over the last axis; d_model wide unless a size is given."""
    size = settings.d_model if size is None else size
    if settings.norm == "rmsnorm":
        return nn.RMSNorm(size, eps=settings.norm_eps)
    return nn.LayerNorm(size, eps=settings.norm_eps, bias=settings.bias)
