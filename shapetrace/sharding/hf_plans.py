"""The plans that transformers has for its models, applied by transformers."""

from typing import Any

from torch import nn
from torch.distributed.device_mesh import init_device_mesh

from shapetrace.errors import UsageError
from shapetrace.sharding import fully_sharded
from shapetrace.sharding.degrees import Degrees
from shapetrace.sharding.grouping import mesh
from shapetrace.sharding.stages import check


def shard(model: nn.Module, degrees: Degrees) -> nn.Module:
    """One rank's part of a model of transformers, by the model's own plan.

    Raises:
        UsageError: If it has none, or the plan cannot do what is asked.
    """
    if degrees.fsdp > 1:
        return _gathered(model, degrees)
    _check(model, degrees)
    from transformers.distributed.configuration_utils import DistributedConfig
    from transformers.distributed.utils import TransformersDeviceMesh

    names, sizes = zip(*degrees.mesh, strict=True)
    experts = init_device_mesh(
        "cpu", (*sizes[:2], sizes[2] * sizes[3] // degrees.ep, degrees.ep), mesh_dim_names=(*names[:2], "efsdp", "ep")
    )
    only_experts = degrees.ep > 1 and degrees.tp == 1
    try:
        config = DistributedConfig(
            tp_size=degrees.width, ep_size=degrees.ep, fsdp_size=1, pp_size=1, tp_plan={} if only_experts else None
        )
        meshes = TransformersDeviceMesh(mesh(degrees), experts)
        sharded = _distributed(model, config, meshes, only_experts)
        return _stage(sharded, meshes.get_mesh("pp")) if degrees.pp > 1 else sharded
    except (ValueError, AttributeError, NotImplementedError) as error:
        raise UsageError(_told(model, degrees, error)) from error


def _gathered(model: Any, degrees: Degrees) -> nn.Module:
    """The layers that transformers says are never cut, each gathered by itself."""
    kinds = getattr(model, "_no_split_modules", None) or ()
    blocks = [module for module in model.modules() if type(module).__name__ in kinds]
    if not blocks:
        raise UsageError(f"--fsdp {degrees.fsdp}: transformers names no layers of {type(model).__name__} to gather.")
    return fully_sharded.shard(model, degrees, blocks)


def _distributed(model: Any, config: Any, meshes: Any, only_experts: bool) -> nn.Module:
    if only_experts:  # transformers takes an empty plan for none at all
        from transformers.distributed.expert_parallel import apply_expert_parallelism

        _, plan, _ = model._resolve_parallel_plans(
            type(config)(tp_size=1, ep_size=config.ep_size, fsdp_size=config.ep_size)
        )
        made: nn.Module = apply_expert_parallelism(model, meshes.get_mesh("ep"), meshes.get_mesh("tp"), plan)
        return made
    sharded: nn.Module = model.maybe_distribute_model(model, config, meshes)
    return sharded


def _stage(model: Any, pipeline: Any) -> nn.Module:
    """A stage, after its matrices were shared: the other way round, plans name layers that are not there.

    It goes without the logits of the last one, which transformers sends to all for its ``generate``: their shape is a
    value that another rank has. See ``broadcast_from_last`` of its ``PipelineStage``.
    """
    from transformers.distributed.pipeline_parallel import apply_pipeline_parallelism

    staged: Any = apply_pipeline_parallelism(model, pipeline)
    staged._pp_stage.broadcast_from_last = lambda logits, **_: logits
    found: nn.Module = staged
    return found


def _check(model: Any, degrees: Degrees) -> None:
    name = type(model).__name__
    if degrees.pp > 1:
        layers = getattr(getattr(model, model.base_model_prefix, None), "layers", None)
        if layers is None or getattr(model, "lm_head", None) is None:
            raise UsageError(f"--pp {degrees.pp}: transformers cuts decoders with a head in stages, not {name}.")
        if degrees.ep > 1 and degrees.tp == 1:
            raise UsageError(f"--pp {degrees.pp} and --ep {degrees.ep}: give --tp {degrees.ep} too.")
        check(len(layers), degrees)
    if degrees.sp:
        raise UsageError(
            f"--sp: transformers shares no rows between matrices yet; its presets here do, {name} does not."
        )
    for option, plan in (("tp", "tp_plan"), ("ep", "ep_plan")):
        if getattr(degrees, option) > 1 and not getattr(model, plan, None):
            said = {"tp": "tensor", "ep": "expert"}[option]
            raise UsageError(
                f"--{option} {getattr(degrees, option)}: transformers has no {said}-parallel plan for {name}."
            )


def _told(model: nn.Module, degrees: Degrees, error: Exception) -> str:
    asked = " ".join(f"--{name} {getattr(degrees, name)}" for name in ("tp", "ep") if getattr(degrees, name) > 1)
    return f"{asked}: {type(model).__name__} cannot be shared out so: {' '.join(str(error).split())}"
