"""A model that is sharded already is traced as it is: a rank's own products, and each collective."""

from collections.abc import Iterator

import pytest
import torch
from torch import distributed, nn
from torch._C._distributed_c10d import _get_work_registry_size
from torch.distributed.fsdp import fully_shard
from torch.distributed.tensor import DTensor, Replicate, Shard, distribute_tensor
from torch.distributed.tensor.debug import CommDebugMode
from torch.distributed.tensor.parallel import ColwiseParallel, RowwiseParallel, parallelize_module

from shapetrace.capture.sharded import finish
from shapetrace.errors import UsageError
from shapetrace.serialize import from_json, to_json
from shapetrace.sharding.degrees import Degrees
from shapetrace.sharding.grouping import mesh, simulated
from tests.sharding.small import Mlp, collectives, trace

RANKS = Degrees(tp=4, world=8)


@pytest.fixture
def world() -> Iterator[None]:
    with simulated(RANKS):
        yield


def sharded(device: str = "cpu") -> nn.Module:
    plan = {"up": ColwiseParallel(), "down": RowwiseParallel()}
    return parallelize_module(Mlp(16, 32, device), mesh(RANKS)["tp"], plan)


def test_products_are_those_of_one_rank(world: None) -> None:
    found = trace(sharded(), torch.ones(3, 16))
    products = [step.equation for step in found.outline().steps() if step.kind == "product"]
    assert products == ["[3,16]×[16,8]→[3,8] of 4", "[3,8]×[8,16]→[3,16] of 4"]


def test_a_collective_is_an_operation_with_its_ranks(world: None) -> None:
    (kernel,) = collectives(trace(sharded(), torch.ones(3, 16)))
    assert kernel.args == {"axes": ["tp"], "ranks": 4, "members": "0-3"}


def test_a_collective_is_a_step_with_the_bytes_that_a_ring_sends(world: None) -> None:
    (step,) = [step for step in trace(sharded(), torch.ones(3, 16)).outline().steps() if step.transfer]
    assert (step.title, step.equation) == ("All-reduce", "Σ 4·[3,16]")
    assert step.transfer is not None
    assert (step.transfer.payload, step.transfer.sent) == (3 * 16 * 4, 2 * 3 * 16 * 4 * 3 // 4)


def test_each_matrix_says_what_the_rank_has_of_it(world: None) -> None:
    up, down = (step for step in trace(sharded(), torch.ones(3, 16)).outline().steps() if step.kind == "product")
    assert [[share.placement for share in ref.shares] for ref in (*up.operands, *up.results)] == [
        [], ["Shard(1)"], ["Shard(1)"],
    ]  # fmt: skip
    assert [[share.placement for share in ref.shares] for ref in (*down.operands, *down.results)] == [
        ["Shard(1)"], ["Shard(0)"], ["Partial"],
    ]  # fmt: skip


@pytest.mark.filterwarnings("ignore")  # PyTorch's own, of hooks on views
def test_weights_that_fsdp_gathers_are_those_of_the_module(world: None) -> None:
    model = Mlp(16, 32)
    for part in (model.up, model.down, model):
        fully_shard(part, mesh=mesh(RANKS)["tp"])
    found = trace(model, torch.ones(3, 16))
    assert found.totals.unused_parameters == 0
    assert [step.parameters for step in found.outline().steps() if step.transfer] == [128, 128]


def test_meta_and_the_cpu_give_the_same_pass(world: None) -> None:
    def told(device: str) -> list[str]:
        steps = trace(sharded(device), torch.ones(3, 16, device=device)).outline().steps()
        return [f"{step.title} {step.equation}" for step in steps]

    assert told("meta") == told("cpu")


@pytest.mark.parametrize("grad", [True, False])
def test_collectives_are_those_that_pytorch_counts(world: None, grad: bool) -> None:
    model, counted = sharded(), CommDebugMode()
    with torch.set_grad_enabled(grad):
        with counted:
            finish([model(torch.ones(3, 16))])
        assert len(collectives(trace(model, torch.ones(3, 16)))) == counted.get_total_counts() == 1


def test_a_cold_engine_and_a_warm_one_write_the_same_bytes(world: None) -> None:
    weights = [nn.Parameter(distribute_tensor(torch.ones(9, 5), mesh(RANKS)["tp"], [Shard(1)])) for _ in range(2)]

    class Model(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.second = weights

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.tanh(x @ self.first) + torch.sin(x @ self.second)

    model, x = Model(), distribute_tensor(torch.ones(3, 9), mesh(RANKS)["tp"], [Replicate()])
    assert isinstance(x, DTensor)
    first, second = trace(model, x), trace(model, x)
    assert to_json(first) == to_json(second)
    assert "empty_strided" not in to_json(first).decode()  # what the engine asks of shapes is no part of the pass


def test_what_an_operation_needs_from_others_comes_before_it(world: None) -> None:
    class Model(nn.Module):
        def forward(self, x: torch.Tensor, w: torch.Tensor) -> torch.Tensor:
            return torch.relu(x @ w)

    ranks = mesh(RANKS)["tp"]
    x = distribute_tensor(torch.ones(8, 12), ranks, [Shard(1)])
    w = distribute_tensor(torch.ones(12, 6), ranks, [Shard(0)])
    names = [op.name for op in trace(Model(), x, w).ops]
    assert [name for name in names if name in ("matmul", "reduce_scatter_tensor", "all_reduce", "relu")] == [
        "matmul", "all_reduce", "relu",
    ]  # fmt: skip


def test_no_collective_is_left_unfinished_of_which_pytorch_warns(world: None) -> None:
    before = _get_work_registry_size()
    trace(sharded(), torch.ones(3, 16))
    assert _get_work_registry_size() == before


def test_a_trace_of_a_rank_is_read_back(world: None) -> None:
    found = trace(sharded(), torch.ones(3, 16))
    assert found.world is not None
    assert (found.world.rank, found.world.size) == (0, 8)
    assert dict(found.world.mesh) == {"pp": 1, "dp": 2, "fsdp": 1, "tp": 4}
    assert from_json(to_json(found)).world == found.world


def test_a_trace_of_one_machine_says_nothing_of_ranks() -> None:
    found = trace(Mlp(4, 8), torch.ones(2, 4))
    assert found.world is None
    assert b"world" not in to_json(found)


def test_nothing_of_the_simulation_stays() -> None:
    with simulated(RANKS):
        assert distributed.is_initialized()
    assert not distributed.is_initialized()


def test_a_running_group_is_left_alone(world: None) -> None:
    with pytest.raises(UsageError, match="running already"), simulated(RANKS):
        pass
    assert distributed.is_initialized()
