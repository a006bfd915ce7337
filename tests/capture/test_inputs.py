"""What goes into a model and comes out of it: keywords, mappings, dataclasses, caches, nothing."""

from collections import UserDict, namedtuple
from dataclasses import dataclass
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from shapetrace import ir
from shapetrace.capture import capture
from shapetrace.errors import TraceError

Two = namedtuple("Two", "left right")


@dataclass
class Batch:
    ids: Tensor
    mask: Tensor | None = None


class Takes(nn.Module):
    """Takes anything; works with ``x``."""

    def forward(self, x: Any = None, *rest: Any, y: Any = None, **more: Any) -> Any:  # noqa: ARG002
        return x.exp() if isinstance(x, Tensor) else torch.zeros(1)


def inputs(*args: Any, **kwargs: Any) -> list[str]:
    trace = capture(Takes(), args, kwargs)
    assert all(trace.tensors[i].role == "data" and trace.tensors[i].origin == "input" for i in trace.inputs)
    return [trace.tensors[i].name for i in trace.inputs]


def ones() -> Tensor:
    return torch.ones(2, 3)


@pytest.mark.parametrize(
    ("args", "kwargs", "expected"),
    [
        ((ones(),), {}, ["x"]),
        ((), {"x": ones()}, ["x"]),
        ((), {"y": ones(), "x": ones()}, ["y", "x"]),
        ((ones(), ones(), ones()), {"z": ones()}, ["x", "input[1]", "input[2]", "z"]),
        ((None, 3, "text", 1.5), {"y": None}, []),
        (((ones(), [ones(), None]),), {}, ["x[0]", "x[1][0]"]),
        (({"ids": ones(), "n": 3},), {}, ["x.ids"]),
        ((UserDict(ids=ones(), mask=ones()),), {}, ["x.ids", "x.mask"]),
        ((Batch(ones()),), {}, ["x.ids"]),
        ((Two(ones(), ones()),), {}, ["x[0]", "x[1]"]),
        ((torch.tensor(3.0),), {}, ["x"]),
    ],
)
def test_every_tensor_among_the_inputs_is_data_with_a_name(args: Any, kwargs: Any, expected: list[str]) -> None:
    assert inputs(*args, **kwargs) == expected


def test_an_input_that_refers_to_itself_is_looked_into_once() -> None:
    loop: list[Any] = [ones()]
    loop.append(loop)
    assert inputs(loop) == ["x[0]"]


def test_a_scalar_has_an_empty_shape() -> None:
    trace = capture(Takes(), (torch.tensor(3.0),))
    assert [trace.tensors[i].shape for i in (*trace.inputs, *trace.outputs)] == [(), ()]


def test_a_cache_given_to_the_model_is_data() -> None:
    transformers = pytest.importorskip("transformers")
    config = transformers.GPT2Config(n_layer=2, n_embd=16, n_head=2, vocab_size=11, n_positions=32)
    model = transformers.GPT2LMHeadModel(config).eval()
    cache = transformers.DynamicCache()
    ids = torch.zeros(1, 3, dtype=torch.int64)
    model(input_ids=ids, past_key_values=cache)
    trace = capture(model, (), {"input_ids": ids[:, :1], "past_key_values": cache})
    assert trace.failure is None
    names = [trace.tensors[i].name for i in trace.inputs]
    assert names[0] == "input_ids"
    assert [name for name in names if "layers[1].keys" in name]
    assert cache.get_seq_length() == 4


@dataclass
class Result:
    first: Tensor
    more: tuple[Tensor, ...]
    nothing: None = None


class Gives(nn.Module):
    def __init__(self, kind: str) -> None:
        super().__init__()
        self.kind = kind

    def forward(self, x: Tensor) -> Any:
        y, z = x.exp(), x.sum()
        return {
            "tensor": y, "tuple": (y, z), "dict": {"a": y, "b": [z, None]}, "dataclass": Result(y, (z,)),
            "named": Two(y, z), "none": None, "int": 3, "generator": (t for t in (y, z)),
        }[self.kind]  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "shapes"),
    [
        ("tensor", [(2, 3)]), ("tuple", [(2, 3), ()]), ("dict", [(2, 3), ()]), ("dataclass", [(2, 3), ()]),
        ("named", [(2, 3), ()]), ("none", []), ("int", []), ("generator", []),
    ],
)  # fmt: skip
def test_the_tensors_of_a_result_are_the_outputs(kind: str, shapes: list[tuple[int, ...]]) -> None:
    trace = capture(Gives(kind), (ones(),))
    assert [trace.tensors[i].shape for i in trace.outputs] == shapes
    assert [trace.tensors[i].shape for i in trace.calls[0].outputs] == shapes


def test_a_generator_that_a_model_gives_is_not_used_up() -> None:
    model, kept = Gives("generator"), []
    model.register_forward_hook(lambda _module, _args, out: kept.append(out))
    capture(model, (ones(),))
    assert len(list(kept[0])) == 2


def test_what_is_no_module_is_refused() -> None:
    with pytest.raises(TraceError, match=r"got function, expected a torch\.nn\.Module"):
        capture(ones, ())  # type: ignore[arg-type]


@pytest.mark.filterwarnings("ignore:The PyTorch API of nested tensors")
def test_a_kernel_that_nested_tensors_have_of_their_own_is_kept_whole() -> None:
    class Padded(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(4, 3)

        def forward(self, x: Tensor) -> Tensor:
            nested = torch.nested.nested_tensor([x[0], x[1][:2]])
            return torch.nested.to_padded_tensor(self.layer(nested), 0.0)

    trace = capture(Padded(), (torch.ones(2, 5, 4),))
    assert trace.tensors[trace.outputs[0]].shape == (2, 5, 3)


@pytest.mark.filterwarnings("ignore:Sparse invariant checks")
def test_a_sparse_matrix_is_made_on_meta_too() -> None:
    class Graph(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(4, 3)

        def forward(self, x: Tensor) -> Tensor:
            edges = torch.tensor([[0, 1, 2], [1, 2, 0]], device=x.device)
            adjacency = torch.sparse_coo_tensor(edges, torch.ones(3, device=x.device), (3, 3))
            return torch.sparse.mm(adjacency, self.layer(x))

    trace = capture(Graph().to("meta"), (torch.ones(3, 4),))
    assert trace.tensors[trace.outputs[0]].shape == (3, 3)


def test_a_nested_tensor_is_recorded() -> None:
    trace = capture(Takes(), (torch.nested.nested_tensor([torch.ones(2), torch.ones(3)], layout=torch.jagged),))
    assert isinstance(trace, ir.Trace) and trace.failure is None
