"""Trace → Outline: what the operations mean. One pass a file, each a function from value to value."""

from shapetrace.outlining.assembling import outline

__all__ = ["outline"]
