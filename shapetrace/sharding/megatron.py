"""The plan of Megatron-LM (arXiv 1909.08053) for our reference models, applied by DTensor.

Columns of Q, K, V, gate and up lie on different ranks, and rows of O and down, so that a block needs two sums. The
vocabulary is cut in the token table and in the head.
"""

from collections.abc import Iterator

from torch import nn
from torch.distributed.tensor import Placement, Replicate, Shard
from torch.distributed.tensor.parallel import (
    ColwiseParallel,
    ParallelStyle,
    PrepareModuleInput,
    RowwiseParallel,
    SequenceParallel,
    parallelize_module,
)
from torch.distributed.tensor.placement_types import _StridedShard

from shapetrace.errors import UsageError
from shapetrace.models.settings import Settings
from shapetrace.sharding.degrees import Degrees
from shapetrace.sharding.grouping import mesh
from shapetrace.sharding.local_parameters import LocalParameters
from shapetrace.sharding.stages import staged

_COLUMNS = frozenset({"q_proj", "k_proj", "v_proj", "gate_proj", "up_proj", "c_fc", "q_b_proj", "kv_b_proj"})
_ROWS = frozenset({"o_proj", "down_proj", "c_proj"})
_NORMS = frozenset({"ln_1", "ln_2", "ln_f"})


def shard(model: nn.Module, settings: Settings, degrees: Degrees) -> nn.Module:
    """One rank's part of a reference model.

    Raises:
        UsageError: If the plan has nothing for such a model.
    """
    _check(settings, degrees)
    model = staged(model, settings, degrees)
    plan = dict(_plan(model, rows=Shard(1) if degrees.sp else Replicate()))
    sharded = parallelize_module(model, mesh(degrees)["tp"], plan) if degrees.width > 1 or degrees.pp == 1 else model
    if settings.tie and degrees.pp == 1:
        sharded.get_submodule("lm_head").weight = sharded.get_submodule("wte").weight
    for module in sharded.modules():
        for name in ("n_head", "n_kv_head"):
            if hasattr(module, name):  # heads of this rank; where there are fewer than ranks, its view fails
                setattr(module, name, max(1, getattr(module, name) // degrees.tp))
    return sharded


def _plan(model: nn.Module, *, rows: Placement) -> Iterator[tuple[str, ParallelStyle]]:
    """A style for each module that has weights to share.

    Args:
        model: The model.
        rows: How the stream between the matrices lies: whole, or cut by rows.
    """
    if isinstance(model.get_submodule("wte"), nn.Embedding):
        yield "wte", RowwiseParallel(input_layouts=Replicate())
    if isinstance(model.get_submodule("lm_head"), nn.Linear):
        yield "lm_head", ColwiseParallel(input_layouts=rows, output_layouts=Replicate())
    for path, module in model.named_modules():
        style = _style(path.rpartition(".")[2], module, rows)
        if style is not None:
            yield path, style
    if rows != Replicate():
        yield "h.0", _entering(Replicate(), rows, others=_OTHERS["attn"])


def _style(name: str, module: nn.Module, rows: Placement) -> ParallelStyle | None:
    by_rows = rows != Replicate()
    if name in _COLUMNS:
        return ColwiseParallel()
    if name in _ROWS and isinstance(module, nn.Linear):
        return RowwiseParallel(output_layouts=rows)
    if name == "c_attn":
        pieces: Placement = _StridedShard(0, split_factor=3)
        return LocalParameters({"weight": pieces, "bias": pieces})
    if name == "experts":
        cut: dict[str, Placement] = {"gate_up_proj": _StridedShard(2, split_factor=2), "down_proj": Shard(1)}
        return LocalParameters(cut, sums=True)
    if by_rows and name in _NORMS:
        return SequenceParallel(use_local_output=True)
    return _entering(rows, Replicate(), others=_OTHERS[name]) if by_rows and name in _OTHERS else None


_OTHERS = {"attn": 3, "mlp": 0}
"""What a sublayer takes besides rows: mask, rope and what is kept, as the block that holds it does."""


def _entering(before: Placement, inside: Placement, *, others: int) -> ParallelStyle:
    """Rows that lie one way outside a module, and another inside."""
    nothing = (None,) * others
    return PrepareModuleInput(
        input_layouts=(before, *nothing), desired_input_layouts=(inside, *nothing), use_local_output=True
    )


def _check(settings: Settings, degrees: Degrees) -> None:
    attention = settings.attention
    if degrees.ep > 1:
        raise UsageError(
            f"--ep {degrees.ep}: presets share experts by their columns (--tp); for whole experts use hf:."
        )
    if attention.projections == "per-head":
        raise UsageError("--tp: heads that are modules of their own have no columns to share: use fused projections.")
    if attention.projections == "fused" and settings.n_kv_heads != settings.heads and attention.latent is None:
        raise UsageError("--tp: fused queries, keys and values of different widths are not cut: use other projections.")
    if degrees.sp and (
        settings.encoder_layers or settings.experts or settings.last_row or attention.latent is not None
    ):
        raise UsageError("--sp: rows are shared in dense decoders that give all rows back; leave it out here.")
