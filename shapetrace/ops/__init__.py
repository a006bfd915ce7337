"""What an operation means, keyed by the names of its kernels: axes, products, kinds. No torch."""

from shapetrace.ops import kernels

__all__ = ["kernels"]  # importing it fills the registry
