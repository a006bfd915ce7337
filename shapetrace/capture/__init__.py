"""The recorder of a forward pass: a real nn.Module and its inputs in, a Trace out."""

from shapetrace.capture.forward import capture
from shapetrace.capture.watching import watch

__all__ = ["capture", "watch"]
