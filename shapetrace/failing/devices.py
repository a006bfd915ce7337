"""Tensors on two devices, and devices that are not there."""

import re

from shapetrace.failing.cases import Case, Finding
from shapetrace.language import say

_TWO = re.compile(
    r"at least two devices, (?P<a>[^\s!]+) and (?P<b>[^\s!,]+)"
    r"|[Tt]ensor on device (?P<c>[^\s!]+) is not on the expected device (?P<d>[^\s!]+)"
    r"|is on (?P<e>[^\s,]+), (?:but|different from) .* on (?P<f>[^\s,.]+)"
)
_NO_CUDA = re.compile(r"not compiled with CUDA|No CUDA GPUs|Found no NVIDIA driver")


def devices(case: Case) -> Finding | None:
    """``Expected all tensors to be on the same device``."""
    if _NO_CUDA.search(case.failure.message):
        return Finding(
            say("no CUDA device can be used here"),
            (say("device = 'cuda' if torch.cuda.is_available() else 'cpu', and .to(device)"),),
            kind="other",
        )
    found = _TWO.search(case.failure.message)
    if found is None:
        return None
    first, second = (place for place in found.groups() if place)
    return Finding(
        say("one operand is on {first}, another on {second}", first=first, second=second),
        (say("model and inputs on one device, and tensors made in forward with device=x.device"),),
        kind="other",
    )
