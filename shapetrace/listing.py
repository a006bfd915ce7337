"""Presets as a grid: what they are made of and what their publishers say of their size."""

from shapetrace.formats.grid import Cell, Column, Grid
from shapetrace.formats.numbers import percent
from shapetrace.formats.summary import parameter_parts
from shapetrace.models import presets
from shapetrace.models.presets import Preset
from shapetrace.outlining.structure import Outline

_COLUMNS = (
    Column("name", "preset"),
    Column("title", "model", spare=4),
    Column("family", "family", spare=5),
    Column("layers", "layers", "right"),
    Column("d_model", "d_model", "right"),
    Column("heads", "heads", "right", spare=1),
    Column("kv_heads", "kv heads", "right", spare=2),
    Column("d_head", "d_head", "right", spare=3),
    Column("d_ff", "d_ff", "right", spare=2),
    Column("vocab", "vocab", "right", spare=2),
    Column("context", "context", "right", spare=3),
    Column("experts", "experts", "right", spare=2),
    Column("published", "published", "right"),
)
_COUNTED = (
    Column("parameters", "parameters", "right"),
    Column("active", "active", "right", spare=2),
    Column("check", "check"),
)
_PARTS = (
    Column("part", "part"),
    Column("parameters", "parameters", "right"),
    Column("share", "share", "right"),
    Column("bar", ""),
)
_BAR = 32
"""Characters of the longest bar."""

_PUBLISHED = "published: as its publisher counts; + in check: published minus computed"
_COMPUTED = "parameters: computed, tied weights once, buffers apart; active: without the experts not chosen for a token"


def listed(family: str = "") -> Grid:
    """All presets as published; or one family with its parameters counted.

    Raises:
        UsageError: If there is no such family.
    """
    chosen = presets.family(family) if family else [presets.preset(entry) for entry in presets.names()]
    rows = tuple(_row(preset) for preset in chosen)
    if not family:
        return Grid(_COLUMNS, rows, notes=(_PUBLISHED, "shapetrace models --family FAMILY counts the parameters"))
    counted = tuple((*row, *_counts(preset)) for row, preset in zip(rows, chosen, strict=True))
    return Grid((*_COLUMNS, *_COUNTED), counted, notes=(_PUBLISHED, _COMPUTED))


def parts(outline: Outline) -> Grid:
    """Where a model's parameters live: embedding, attention, MLP or experts, norms, head; with bars."""
    whole = outline.totals.parameters
    found = parameter_parts(outline)
    largest = max(found.values(), default=1)
    rows = tuple((name, n, percent(n, whole), "█" * max(1, round(_BAR * n / largest))) for name, n in found.items())
    return Grid(_PARTS, (*rows, ("total", whole, percent(whole, whole), "")), title=outline.model.name)


def _counts(preset: Preset) -> tuple[Cell, ...]:
    from shapetrace.models.counting import count, verdict

    counted = count(preset)
    active = counted.active if counted.active != counted.parameters else None
    return counted.parameters, active, verdict(preset, counted)


def _row(preset: Preset) -> tuple[Cell, ...]:
    settings, latent = preset.settings, preset.settings.attention.latent
    return (
        preset.name,
        preset.title,
        preset.family,
        settings.layers,
        settings.d_model,
        settings.heads,
        settings.n_kv_heads,
        settings.head_size if latent is None else latent.v_head_dim,
        settings.ff_size,
        settings.vocab,
        settings.context,
        settings.experts.count if settings.experts else None,
        preset.published if preset.published is not None else preset.label,
    )
