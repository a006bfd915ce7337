"""What the documentation of a ``forward`` says about its tensors: transformers writes dtypes and shapes there."""

import inspect
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

LINE = re.compile(
    r"^[ \t]*`?(?P<name>\w+)`?[ \t]*\([`'\"]*(?:torch\.)?(?P<kind>\w*Tensor|\w+)[^\n]*?"
    r"of shape[ \t]*[`'\"]?\((?P<shape>[^`'\"\n]*?)\)[`'\"]",
    re.MULTILINE,
)
KINDS = {"LongTensor": "int64", "IntTensor": "int32", "BoolTensor": "bool"}


@dataclass(frozen=True, slots=True)
class Documented:
    """A tensor as the documentation describes it.

    Attributes:
        dtype: torch's name; float32 stands for whatever the model computes in.
        dims: Sizes as they are written: ``batch_size``, ``num_channels * patch_size**2``, ``4``.
    """

    dtype: str
    dims: tuple[str, ...]


def documented(forward: Callable[..., Any]) -> dict[str, Documented]:
    """Parameter -> what its documentation says, for those with a shape."""
    text = inspect.getdoc(forward) or ""
    found: dict[str, Documented] = {}
    for line in LINE.finditer(text):
        shape = line["shape"].replace("{0}", "batch_size, sequence_length")  # a template that was left as it is
        dims = tuple(dim.strip() for dim in shape.split(",") if dim.strip())
        found.setdefault(line["name"], Documented(KINDS.get(line["kind"], "float32"), dims))
    return found


def evaluate(dim: str, size_of: Callable[[str], int | None]) -> int | None:
    """A written size as a number: names are looked up, products and powers worked out.

    Returns:
        None if a name is unknown, or the text is more than a product.
    """
    total = 1
    for factor in re.split(r"(?<!\*)\*(?!\*)|\sx\s", dim):
        base, _, power = (part.strip() for part in factor.partition("**"))
        value = int(base) if base.isdigit() else size_of(base) if re.fullmatch(r"\w+", base) else None
        if value is None or (power and not power.isdigit()):
            return None
        total *= value ** int(power or 1)
    return total
