"""What an operation means, keyed by the names of its kernels: axes, products, kinds. No torch."""

from shapetrace.ops import axis_layout, axis_products, axis_values

__all__ = ["axis_layout", "axis_products", "axis_values"]  # importing them registers their rules
