"""Named sizes with a proof: a model is traced at other sizes, and every axis is solved for what was varied."""

from shapetrace.sizing.formulas import Formula
from shapetrace.sizing.parsing import parse

__all__ = ["Formula", "parse"]
