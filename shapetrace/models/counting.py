"""Exact parameter counts of presets: the model is built on meta, without memory, and its weights are counted."""

from dataclasses import dataclass, replace

from shapetrace.models import building
from shapetrace.models.presets import Preset

_NEAR = 0.05
"""A label such as 774M is met if the count is no further from it than this share: labels are rounded freely."""

_UNITS = {"K": 1_000, "M": 1_000_000, "B": 1_000_000_000, "T": 1_000_000_000_000}


@dataclass(frozen=True, slots=True)
class Count:
    """What a preset's model holds.

    Attributes:
        parameters: Elements of all parameters, tied weights once, buffers apart.
        active: Those that one token uses: all but the routed experts not chosen for it; table and head whole.
        buffers: Elements of all buffers.
    """

    parameters: int
    active: int
    buffers: int


def count(preset: Preset) -> Count:
    """Build a preset's model on meta and count."""
    model = building.build(replace(preset.settings, device="meta"))
    return Count(
        sum(parameter.numel() for parameter in model.parameters()),
        building.active_parameters(model),
        sum(buffer.numel() for buffer in model.buffers()),
    )


def verdict(preset: Preset, counted: Count) -> str:
    """How the count meets what was published: ✓, or by how much it differs and why."""
    if preset.published is not None and preset.exact:
        difference = preset.published - counted.parameters
        if difference == 0:
            return "✓"
        because = preset.cause if difference == preset.difference else "cause not established"
        return f"{difference:+,}: {because}"
    stated = preset.published or _size(preset.label)
    if stated is None:
        return "undisclosed"
    close = abs(counted.parameters - stated) <= _NEAR * stated
    share = 100 * (stated - counted.parameters) / counted.parameters
    return "✓ rounded" if close and not preset.cause else f"{share:+.1f} %: {preset.cause or 'cause not established'}"


def _size(label: str) -> float | None:
    """``774M`` as a number."""
    number, unit = label[:-1], label[-1:]
    try:
        return float(number) * _UNITS[unit]
    except (KeyError, ValueError):
        return None
