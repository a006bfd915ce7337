"""Inputs as people type them: ``ids=1x1024:int64``. Read without torch, so that a typo costs no time."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from shapetrace.errors import UsageError

DTYPES = {
    "bool": "bool", "uint8": "uint8", "int8": "int8", "int16": "int16", "int32": "int32", "int": "int32",
    "int64": "int64", "long": "int64", "float16": "float16", "half": "float16", "bfloat16": "bfloat16",
    "float32": "float32", "float": "float32", "float64": "float64", "double": "float64",
    "complex64": "complex64", "complex128": "complex128",
}  # fmt: skip
"""What people write -> torch's name."""

SPEC = re.compile(
    r"(?:(?P<name>[A-Za-z_]\w*)\s*=\s*)?(?P<shape>\d+(?:\s*[x\u00d7,]\s*\d+)*|\(\))(?:\s*:\s*(?P<dtype>\w+))?"
)


@dataclass(frozen=True, slots=True)
class InputSpec:
    """One tensor to make.

    Attributes:
        shape: Sizes, outermost first; () for a scalar.
        dtype: torch's name without the prefix.
        name: Keyword of ``forward``; empty if it goes by position.
    """

    shape: tuple[int, ...]
    dtype: str = "float32"
    name: str = ""


def parse(text: str) -> InputSpec:
    """Read ``name=1x1024:int64``, ``1x1024:int64`` or ``1x16x768``.

    Raises:
        UsageError: If it is none of these, or the dtype is unknown.
    """
    found = SPEC.fullmatch(text.strip())
    if found is None:
        raise UsageError(f"The input {text!r} is no shape: write name=1x1024:int64, or 1x16x768 for float32.")
    dtype = found["dtype"] or "float32"
    if dtype not in DTYPES:
        raise UsageError(f"The input {text!r} has the unknown dtype {dtype!r}: choose one of {', '.join(DTYPES)}.")
    shape = tuple(int(size) for size in re.findall(r"\d+", found["shape"]))
    return InputSpec(shape, DTYPES[dtype], found["name"] or "")


def parse_all(texts: Sequence[str]) -> list[InputSpec]:
    """Read several inputs.

    Raises:
        UsageError: If one cannot be read, or one name is given twice, or a position follows a name.
    """
    specs = [parse(text) for text in texts]
    names = [spec.name for spec in specs if spec.name]
    for name in names:
        if names.count(name) > 1:
            raise UsageError(f"The input {name!r} is given {names.count(name)} times: give each shape once.")
    if any(not after.name and before.name for before, after in pairwise(specs)):
        raise UsageError("An input without a name follows one with a name: put those without names first.")
    return specs
