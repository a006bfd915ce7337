import gc
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from shapetrace.capture import capture, known_kernels, known_values
from shapetrace.capture.known_calls import building, forward, knowing
from shapetrace.capture.known_values import KnownValues
from shapetrace.errors import UnknownValueError


@pytest.fixture
def known() -> Iterator[KnownValues]:
    """Everything in the test runs on meta, with known values."""
    values = KnownValues()
    with torch.device("meta"), knowing(values):
        yield values


def same(value: Tensor | None, expected: list[Any]) -> bool:
    return value is not None and value.tolist() == expected


def test_what_is_made_from_a_factory_has_a_value(known: KnownValues) -> None:
    n = (torch.arange(4) * 2)[3]
    assert n.is_meta
    assert (n.item(), int(n), bool(n), list(range(n))) == (6, 6, True, [0, 1, 2, 3, 4, 5])


@pytest.mark.parametrize(
    ("ask", "answer"),
    [
        (lambda x: x.tolist(), [3, 0, 3]),
        (lambda x: x.nonzero().tolist(), [[0], [2]]),
        (lambda x: torch.where(x)[0].tolist(), [0, 2]),
        (lambda x: x[x > 0].tolist(), [3, 3]),
        (lambda x: x.masked_select(x > 0).tolist(), [3, 3]),
        (lambda x: x.unique().tolist(), [0, 3]),
        (lambda x: torch.unique_consecutive(x).tolist(), [3, 0, 3]),
        (lambda x: x.bincount().tolist(), [1, 0, 0, 2]),
        (lambda x: x.repeat_interleave(x).tolist(), [3] * 6),
        (lambda x: torch.equal(x, x.flip(0)), True),
        (lambda x: bool((x == 3).all()), False),
        (lambda x: x.numpy().tolist(), [3, 0, 3]),
        (lambda x: np.asarray(x.cpu()).tolist(), [3, 0, 3]),
        (lambda x: x[[0, 1]].tolist(), [3, 0]),
        (lambda x: 3 in x[:, None][[0, -1]], True),
        (lambda x: nn.functional.one_hot(x).tolist(), [[0, 0, 0, 1], [1, 0, 0, 0], [0, 0, 0, 1]]),
        (lambda x: torch.tensor([x[0], 1.5]).tolist(), [3.0, 1.5]),
    ],
)
def test_whatever_needs_a_value_is_served(known: KnownValues, ask: Callable[[Tensor], object], answer: object) -> None:
    assert ask(torch.tensor([3, 0, 3])) == answer


def test_a_known_mask_selects_from_what_is_unknown(known: KnownValues) -> None:
    unknown, mask = torch.rand(3, 8), torch.tensor([True, False, True])
    assert unknown[mask].shape == (2, 8)
    assert unknown[:, :3].masked_select(mask).shape == (6,)
    assert known.value(unknown[mask]) is None


def test_random_and_uninitialised_are_unknown(known: KnownValues) -> None:
    for tensor in (torch.rand(3), torch.empty(3), torch.zeros(3).normal_(), torch.randint(0, 9, (3,))):
        assert known.value(tensor) is None


def test_memory_that_known_values_fill_becomes_known(known: KnownValues) -> None:
    assert same(known.value(torch.empty(3).copy_(torch.arange(3))), [0, 1, 2])
    half = torch.empty(4)
    half[:2] = 1
    assert known.value(half) is None


def test_a_shape_is_enough_for_zeros_like(known: KnownValues) -> None:
    assert torch.zeros_like(torch.rand(2)).tolist() == [0, 0]


def test_a_write_is_seen_through_every_view(known: KnownValues) -> None:
    whole = torch.zeros(2, 3)
    row = whole[1]
    row[2] = 7
    whole[0].add_(1)
    assert whole.tolist() == [[1, 1, 1], [0, 0, 7]]


def test_writing_something_unknown_poisons_every_view(known: KnownValues) -> None:
    whole = torch.zeros(2, 3)
    row, other = whole[1], torch.zeros(2, 3)
    row.copy_(torch.rand(3))
    assert known.value(whole) is None
    assert known.value(row) is None
    assert known.value(other) is not None
    assert known.value(whole + other) is None


def test_writing_to_several_tensors_at_once_poisons_all(known: KnownValues) -> None:
    several = [torch.zeros(2), torch.zeros(2)]
    torch._foreach_add_(several, [torch.ones(2), torch.ones(2)])
    assert several[1].tolist() == [1, 1]
    torch._foreach_add_(several, [torch.ones(2), torch.rand(2)])
    assert [known.value(tensor) for tensor in several] == [None, None]


def test_a_real_tensor_takes_known_values_alone(known: KnownValues) -> None:
    with known_values.apart():
        real = torch.from_numpy(np.zeros(2))
    real.copy_(torch.arange(2))
    assert real.tolist() == [0, 1]
    with pytest.raises(UnknownValueError, match="not on meta"):
        real.copy_(torch.rand(2))


def test_what_the_cpu_refuses_to_compute_is_unknown(known: KnownValues) -> None:
    small = torch.ones(2).to(torch.float8_e4m3fn)
    assert known.value(small) is not None
    assert known.value(small + small) is None


def test_a_known_index_out_of_range_is_an_error_as_on_the_cpu(known: KnownValues) -> None:
    with pytest.raises(IndexError, match="index 7 is out of bounds"):
        torch.arange(3)[torch.tensor([7])]


@pytest.mark.parametrize(
    ("look", "where"),
    [
        (lambda table, index: nn.functional.embedding(index, table), "0 with size 5"),
        (lambda table, index: table[:, index], "1 with size 4"),
        (lambda table, index: table.gather(0, index[:, None]), "0 with size 5"),
        (lambda table, index: table.index_select(1, index), "1 with size 4"),
    ],
)  # fmt: skip
def test_a_known_index_into_something_unknown_is_checked_too(
    known: KnownValues, look: Callable[[Tensor, Tensor], Tensor], where: str
) -> None:
    table = torch.empty(5, 4, device="meta")
    assert look(table, torch.tensor([0, 3])).is_meta
    with pytest.raises(IndexError, match=f"index 7 is out of bounds for dimension {where}"):
        look(table, torch.tensor([0, 7]))


def test_negative_indices_and_masks_are_in_range(known: KnownValues) -> None:
    table = torch.empty(5, 4, device="meta")
    assert table[torch.tensor([-5, 4])].shape == (2, 4)
    assert table[torch.ones(5, dtype=torch.bool), torch.tensor([3])].shape == (5,)


def test_tuples_of_known_numbers_are_indices(known: KnownValues) -> None:
    keep = torch.ones(4, 4, dtype=torch.bool)
    rows, columns = zip(*torch.tensor([[0, 0], [1, 2], [3, 3]]), strict=True)
    keep[rows, columns] = False
    assert torch.empty(4, 4, device="meta")[keep].shape == (13,)


def test_a_known_mask_may_be_spread_over_more_elements_than_are_kept(known: KnownValues) -> None:
    mask = (torch.arange(1025) < 3).unsqueeze(-1).expand(1025, 4096)
    assert torch.empty(1025, 4096, device="meta")[mask].shape == (3 * 4096,)


def test_complex_and_reinterpreted_values_are_read_right(known: KnownValues) -> None:
    z = torch.complex(torch.ones(2), torch.arange(2.0)).conj()
    assert z.imag.tolist() == [0, -1]
    assert torch.view_as_real(z.resolve_conj()).tolist() == [[1, 0], [1, -1]]


def test_memory_that_was_given_is_kept_where_it_lies_alike_and_copied_elsewhere() -> None:
    values = KnownValues()
    made = torch.arange(6.0).view(2, 3)
    alike, turned = torch.empty(2, 3, device="meta"), torch.empty_strided((2, 3), (1, 2), device="meta")
    for tensor in (alike, turned):
        values.learn(tensor, made, made_of=())
    made.add_(1)
    assert same(values.value(alike), made.tolist())
    assert same(values.value(turned), [[0, 1, 2], [3, 4, 5]])


def test_what_a_kernel_gives_back_of_its_operand_is_a_value_of_its_own(known: KnownValues) -> None:
    x = torch.arange(3)
    kept = known.value(x)
    made = known_kernels._learned(known, torch.empty(3, dtype=torch.long, device="meta"), lambda: kept, [x])
    made.add_(1)
    assert same(known.value(made), [1, 2, 3])
    assert same(known.value(x), [0, 1, 2])


def test_too_large_a_tensor_is_not_kept(known: KnownValues) -> None:
    ones = torch.ones(known_values.MOST_BYTES // 4 + 1)
    assert known.value(ones) is None
    assert known.value(ones[:2].expand(known_values.MOST_BYTES, 2)) is None
    assert known.value(torch.ones(known_values.MOST_ELEMENTS, dtype=torch.complex128)) is not None
    assert len(known) == 0


def test_no_tensor_is_kept_alive(known: KnownValues) -> None:
    kept = [torch.arange(1000) for _ in range(5)]
    assert len(known) == 5
    kept.pop()
    assert len(known) == 4


def test_everything_that_a_pass_makes_is_on_meta(known: KnownValues) -> None:
    mixed = torch.arange(3, device="cpu") + torch.from_numpy(np.arange(3)) + torch.rand(3)
    assert mixed.is_meta
    assert torch.rand(3).cpu().is_meta


@pytest.mark.skipif(not hasattr(torch, "_grouped_mm"), reason="this PyTorch has no grouped products")
def test_grouped_products_have_shapes_in_every_dtype(known: KnownValues) -> None:
    ends = torch.tensor([1, 5], dtype=torch.int32)
    assert torch._grouped_mm(torch.rand(5, 6), torch.rand(2, 6, 7), offs=ends).shape == (5, 7)
    assert torch._grouped_mm(torch.rand(6, 5), torch.rand(5, 7), offs=ends).shape == (2, 6, 7)


def test_a_kernel_without_a_meta_kernel_is_rehearsed(known: KnownValues) -> None:
    assert torch.histc(torch.rand(8), bins=5).shape == (5,)


def test_the_error_of_a_real_mistake_comes_through(known: KnownValues) -> None:
    with pytest.raises(RuntimeError, match="reduction dim"):
        torch.rand(2, 3) @ torch.rand(2, 3)


@pytest.mark.filterwarnings("ignore:TF32 acceleration")
@pytest.mark.parametrize("layer", [nn.LSTM, nn.GRU])
def test_packed_sequences_run_on_meta(layer: type[nn.Module]) -> None:
    class Packing(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = layer(8, 4)

        def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
            packed = nn.utils.rnn.pack_padded_sequence(x, lengths, enforce_sorted=False)
            return nn.utils.rnn.pad_packed_sequence(self.layer(packed)[0])[0]

    x, lengths = torch.zeros(5, 3, 8), torch.tensor([2, 4, 3])
    assert forward(built(Packing), (x, lengths)).shape == Packing()(x, lengths).shape


def test_lengths_of_a_split_are_known(known: KnownValues) -> None:
    assert [part.shape for part in torch.tensor_split(torch.rand(5, 2), torch.tensor([1, 4]))] == [
        (1, 2),
        (3, 2),
        (1, 2),
    ]


class Counting(nn.Module):
    """Looks at its input, at a buffer, and writes to that buffer."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(4, 4)
        self.register_buffer("seen", torch.tensor([2]))
        self.scale = nn.Parameter(torch.ones(()))

    def forward(self, ids: Tensor) -> Tensor:
        count = int((ids > 1).sum()) + int(self.seen)
        self.seen += 1
        ids += 1
        return self.linear(torch.ones(count, 4))


class Choosing(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.gate = nn.Linear(4, 2)

    def forward(self, x: Tensor) -> Tensor:
        return x if self.gate(x).sum() > 0 else -x


def built(make: Callable[[], nn.Module]) -> nn.Module:
    with torch.device("meta"), building():
        return make().eval()


def test_real_inputs_of_a_model_on_meta_are_known_and_stay_as_they_are() -> None:
    model, ids = built(Counting), torch.tensor([1, 2, 3])
    trace = capture(model, (ids,))
    assert trace.tensors[trace.outputs[0]].shape == (4, 4)
    assert ids.tolist() == [1, 2, 3]
    assert trace.tensors[trace.inputs[0]].name == "ids"


def test_an_input_on_meta_may_refer_to_itself() -> None:
    class Taking(nn.Module):
        def forward(self, items: list[Any]) -> Tensor:
            return items[0] + 1

    items: list[Any] = [torch.empty(2, device="meta")]
    items.append(items)
    assert len(capture(Taking(), (items,)).ops) == 1


def test_the_same_pass_again_knows_the_same() -> None:
    model = built(Counting)
    assert capture(model, (torch.arange(3),)) == capture(model, (torch.arange(3),))


def test_no_kernel_of_the_real_computation_is_recorded() -> None:
    def kernels(model: nn.Module) -> list[str]:
        return [kernel.name for op in capture(model, (torch.arange(3),)).ops for kernel in op.kernels]

    assert kernels(built(Counting)) == kernels(Counting().eval())


def test_weights_are_unknown_whatever_they_were_filled_with() -> None:
    class Scaled(Counting):
        def forward(self, ids: Tensor) -> Tensor:
            return ids * self.scale.item()

    with pytest.raises(UnknownValueError):
        capture(built(Scaled), (torch.arange(3),))


def test_an_unknown_value_is_told_in_one_line() -> None:
    class Outer(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = Choosing()

        def forward(self, x: Tensor) -> Tensor:
            return self.inner(x)

    with pytest.raises(UnknownValueError) as caught:
        capture(built(Outer), (torch.zeros(4),))
    message = str(caught.value)
    assert "in inner" in message
    assert "test_known_values.py" in message
    assert "Choosing.forward" in message
    assert "\n" not in message


def test_a_pass_that_fails_leaves_nothing_behind() -> None:
    model = built(Choosing)
    gc.collect()
    before = len(known_values.BUILT)
    with pytest.raises(UnknownValueError):
        capture(model, (torch.zeros(4),))
    assert len(known_values.BUILT) == before
    with pytest.raises(RuntimeError):
        torch.arange(3, device="meta").tolist()


@pytest.mark.parametrize("mode", [torch.enable_grad, torch.no_grad, torch.inference_mode])
def test_every_grad_mode_knows_the_same(mode: Callable[[], Any]) -> None:
    with mode():
        assert forward(built(Counting), (torch.arange(4),)).shape == (4, 4)


def test_a_pass_on_the_cpu_is_left_alone() -> None:
    assert known_values.of_pass(Choosing(), ()) is None
    result = forward(Choosing(), (torch.zeros(4),))
    assert result.device.type == "cpu"
