"""Presets as a grid: what they are made of and what their publishers say of their size."""

from shapetrace.models import presets
from shapetrace.models.presets import Preset
from shapetrace.renderers.grid import Cell, Column, Grid

_COLUMNS = (
    Column("name", "preset"),
    Column("title", "model", spare=3),
    Column("family", "family", spare=4),
    Column("layers", "layers", "right"),
    Column("d_model", "d_model", "right"),
    Column("heads", "heads", "right"),
    Column("kv_heads", "kv heads", "right", spare=1),
    Column("d_head", "d_head", "right", spare=2),
    Column("d_ff", "d_ff", "right", spare=1),
    Column("vocab", "vocab", "right", spare=1),
    Column("context", "context", "right", spare=2),
    Column("experts", "experts", "right", spare=1),
    Column("published", "published", "right"),
)


def listed(name: str = "", family: str = "") -> Grid:
    """All presets, one family, or one of them.

    Raises:
        UsageError: If there is no such preset or family.
    """
    if name:
        chosen = [presets.preset(name)]
    elif family:
        chosen = presets.family(family)
    else:
        chosen = [presets.preset(entry) for entry in presets.names()]
    rows = tuple(_row(preset) for preset in chosen)
    return Grid(_COLUMNS, rows, notes=("published: as its publisher counts; shapetrace run NAME counts exactly",))


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
        preset.context,
        settings.experts.count if settings.experts else None,
        preset.published if preset.published is not None else preset.label,
    )
