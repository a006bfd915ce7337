"""Caches that people write themselves, in a loop of their own: each is found, its bytes are those that it holds."""

from collections.abc import Callable, Iterator

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

import shapetrace
from shapetrace.generations.decoding import Generation
from shapetrace.outlining.roles import Role

D, HEADS, KV, WIDTH, LAYERS, ROWS, BLOCK, WINDOW = 32, 4, 2, 8, 2, 16, 4, 6
Pair = tuple[Tensor, Tensor]


class Kept:
    """What all layers keep; ``held`` are the tensors that it holds."""

    def __init__(self) -> None:
        self.held: dict[tuple[object, ...], Tensor] = {}

    def buffer(self, name: tuple[object, ...], *shape: int, dtype: torch.dtype = torch.float32) -> Tensor:
        return self.held.setdefault(name, torch.zeros(shape, dtype=dtype))

    def grown(self, name: tuple[object, ...], new: Tensor) -> Tensor:
        self.held[name] = torch.cat([self.held[name], new], 2) if name in self.held else new
        return self.held[name]


def chunk_by_chunk(kept: Kept, layer: int, pair: Pair, place: Tensor) -> Iterator[Tensor]:
    for part, new in enumerate(pair):
        kept.held[layer, part, len(kept.held)] = new
        yield torch.cat([rows for key, rows in kept.held.items() if key[:2] == (layer, part)], 2)


def one_tensor_for_all_layers(kept: Kept, layer: int, pair: Pair, place: Tensor) -> Iterator[Tensor]:
    end = int(place[-1]) + 1
    for part, new in enumerate(pair):
        rows = kept.buffer((part,), LAYERS, 3, KV, ROWS, WIDTH)  # of which the batch is not all
        rows[layer, :1, :, int(place[0]) : end] = new
        yield rows[layer, :1, :, :end]


def through_a_view(kept: Kept, layer: int, pair: Pair, place: Tensor) -> Iterator[Tensor]:
    for part, new in enumerate(pair):
        rows = kept.buffer((layer, part), 1, ROWS, KV, WIDTH)
        rows.narrow(1, int(place[0]), len(place)).copy_(new.transpose(1, 2))
        yield rows.transpose(1, 2)[:, :, : int(place[-1]) + 1]


def in_blocks(kept: Kept, layer: int, pair: Pair, place: Tensor) -> Iterator[Tensor]:
    table, n = torch.tensor([3, 0, 2, 1]), int(place[-1]) + 1
    for part, new in enumerate(pair):
        blocks = kept.buffer((layer, part), 4, BLOCK, KV, WIDTH)
        blocks[table[place // BLOCK], place % BLOCK] = new[0].transpose(0, 1)
        yield blocks[table[: -(-n // BLOCK)]].flatten(0, 1)[:n].transpose(0, 1)[None]


def in_slots(kept: Kept, layer: int, pair: Pair, place: Tensor) -> Iterator[Tensor]:
    for part, new in enumerate(pair):
        slots = kept.buffer((layer, part), ROWS, KV, WIDTH)
        slots.index_copy_(0, ROWS - 1 - place, new[0].transpose(0, 1))
        every = ROWS - 1 - torch.arange(int(place[-1]) + 1)
        yield slots.index_select(0, every).transpose(0, 1)[None]


def in_eight_bits(kept: Kept, layer: int, pair: Pair, place: Tensor) -> Iterator[Tensor]:
    for part, new in enumerate(pair):
        scale = new.abs().amax(-1, keepdim=True) / 127 + 1e-6
        codes = kept.grown((layer, part, "codes"), (new / scale).round().to(torch.int8))
        yield codes.float() * kept.grown((layer, part, "scales"), scale)


def in_half_precision(kept: Kept, layer: int, pair: Pair, place: Tensor) -> Iterator[Tensor]:
    for part, new in enumerate(pair):
        yield kept.grown((layer, part), new.bfloat16()).float()


def the_last_rows(kept: Kept, layer: int, pair: Pair, place: Tensor) -> Iterator[Tensor]:
    for part, new in enumerate(pair):
        rows = kept.grown((layer, part), new)
        kept.held[layer, part] = rows[:, :, -WINDOW:]
        yield rows


def blended_by_one_hot_rows(kept: Kept, layer: int, pair: Pair, place: Tensor) -> Iterator[Tensor]:
    for part, new in enumerate(pair):
        rows = kept.buffer((layer, part), 1, KV, ROWS, WIDTH)
        for n, here in enumerate(place):
            hot = F.one_hot(here, ROWS).to(new.dtype)[:, None]
            rows = rows * (1 - hot) + hot * new[:, :, n : n + 1]
        kept.held[layer, part] = rows
        yield rows[:, :, : int(place[-1]) + 1]


def chosen_where(kept: Kept, layer: int, pair: Pair, place: Tensor) -> Iterator[Tensor]:
    for part, new in enumerate(pair):
        rows = kept.buffer((layer, part), 1, KV, ROWS, WIDTH)
        for n, here in enumerate(place):
            rows = torch.where(torch.arange(ROWS)[:, None] == here, new[:, :, n : n + 1], rows)
        kept.held[layer, part] = rows
        yield rows


def token_by_token(kept: Kept, layer: int, pair: Pair, place: Tensor) -> Iterator[Tensor]:
    for part, new in enumerate(pair):
        for one in new.split(1, 2):
            kept.held[layer, part, len(kept.held)] = one[:, :, 0].clone()
        yield torch.stack([rows for key, rows in kept.held.items() if key[:2] == (layer, part)], 2)


def padded(kept: Kept, layer: int, pair: Pair, place: Tensor) -> Iterator[Tensor]:
    for part, new in enumerate(pair):
        if (layer, part) in kept.held:
            kept.held[layer, part] = F.pad(kept.held[layer, part], (0, 0, 0, len(place)))
            kept.held[layer, part][:, :, -len(place) :] = new
        else:
            kept.held[layer, part] = new
        yield kept.held[layer, part]


def doubled(kept: Kept, layer: int, pair: Pair, place: Tensor) -> Iterator[Tensor]:
    end = int(place[-1]) + 1
    for part, new in enumerate(pair):
        rows = kept.buffer((layer, part), 1, KV, 8, WIDTH)
        if rows.shape[2] < end:
            kept.held[layer, part] = new.new_zeros(1, KV, 16, WIDTH)
            kept.held[layer, part][:, :, :8] = rows
        kept.held[layer, part][:, :, end - len(place) : end] = new
        yield kept.held[layer, part][:, :, :end]


def row_by_row(kept: Kept, layer: int, pair: Pair, place: Tensor) -> Iterator[Tensor]:
    for part, new in enumerate(pair):
        rows = kept.buffer((layer, part), 1, KV, ROWS, WIDTH)
        for n, here in enumerate(place.tolist()):
            rows[:, :, here] = new[:, :, n]
        yield rows[:, :, : int(place[-1]) + 1]


def a_prefix_apart(kept: Kept, layer: int, pair: Pair, place: Tensor) -> Iterator[Tensor]:
    for part, new in enumerate(pair):
        is_prefix = (layer, part, "prefix") not in kept.held
        prefix = kept.buffer((layer, part, "prefix"), 1, KV, 0, WIDTH)
        if is_prefix:
            kept.held[layer, part, "prefix"] = new
        yield new if is_prefix else torch.cat([prefix, kept.grown((layer, part), new)], 2)


class Layer(nn.Module):
    """Grouped attention that hands its keys and values to whoever keeps them."""

    def __init__(self) -> None:
        super().__init__()
        self.q, self.k, self.v = (nn.Linear(D, n * WIDTH, bias=False) for n in (HEADS, KV, KV))
        self.o = nn.Linear(HEADS * WIDTH, D, bias=False)

    def forward(self, x: Tensor, keep: Callable[[Pair], Iterator[Tensor]]) -> Tensor:
        q, k, v = (layer(x).unflatten(-1, (-1, WIDTH)).transpose(1, 2) for layer in (self.q, self.k, self.v))
        k, v = (rows.repeat_interleave(HEADS // KV, 1) for rows in keep((k, v)))
        y: Tensor = self.o(F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2))
        return x + y


class Decoder(nn.Module):
    """Two layers of it."""

    def __init__(self, keep: Callable[..., Iterator[Tensor]]) -> None:
        super().__init__()
        self.keep, self.kept, self.layers = keep, Kept(), nn.ModuleList(Layer() for _ in range(LAYERS))

    def forward(self, x: Tensor, place: Tensor) -> Tensor:
        for number, layer in enumerate(self.layers):
            x = layer(x, lambda pair, number=number: self.keep(self.kept, number, pair, place))
        return x


def passes(keep: Callable[..., Iterator[Tensor]]) -> tuple[Generation, list[int]]:
    """A prefill of five rows and three more, and the bytes held after each."""
    model, held, at = Decoder(keep), list[int](), 0
    with shapetrace.generation() as found, torch.no_grad():
        for n in (5, 1, 2, 1, 1):
            model(torch.ones(1, n, D), torch.arange(at, at + n))
            held.append(sum(rows.nbytes for rows in model.kept.held.values()))
            at += n
    return found, held


WAYS = [
    chunk_by_chunk, through_a_view, in_blocks, in_slots, in_eight_bits, in_half_precision, the_last_rows,
    blended_by_one_hot_rows, chosen_where, token_by_token, padded, doubled, row_by_row, a_prefix_apart,
]  # fmt: skip


@pytest.mark.parametrize("keep", WAYS)
def test_a_pass_reads_the_bytes_that_the_ones_before_left(keep: Callable[..., Iterator[Tensor]]) -> None:
    found, held = passes(keep)
    assert [bill.cache_read for bill in found.bills[1:]] == held[:-1]
    assert found.cache_bytes == held[-1]


@pytest.mark.parametrize("keep", [*WAYS, one_tensor_for_all_layers])
def test_a_matrix_is_the_same_thing_in_each_pass(keep: Callable[..., Iterator[Tensor]]) -> None:
    found, _ = passes(keep)
    roles = [{s.path: s.role for s in each.outline.steps() if s.kind == "product"} for each in found.passes]
    assert set(roles[0].values()) == {Role.QUERY, Role.KEY, Role.VALUE, Role.OUT_PROJ}
    assert all(each.items() <= roles[0].items() for each in roles)  # layers that are alike in a pass are one
    assert all(set(each.values()) == set(roles[0].values()) for each in roles)
    assert [len(each.appends) > 0 for each in found.passes[1:]] == [True] * 4


def test_of_one_tensor_for_all_layers_each_reads_its_own_rows() -> None:
    found, held = passes(one_tensor_for_all_layers)
    row = LAYERS * 2 * KV * WIDTH * 4
    assert held[0] == 3 * ROWS * row
    assert [(bill.cache_read, bill.cache_written) for bill in found.bills[1:]] == [
        (ROWS * row, row), (ROWS * row, 2 * row), (ROWS * row, row), (ROWS * row, row),
    ]  # fmt: skip


class Given(nn.Module):
    """One layer that writes into a tensor that it is given, which has the rows of others too."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = Layer()

    def forward(self, x: Tensor, place: Tensor, keys: Tensor, values: Tensor) -> Tensor:
        def keep(pair: Pair) -> Iterator[Tensor]:
            for rows, new in zip((keys, values), pair, strict=True):
                rows[1, :1, :, int(place[0]) : int(place[-1]) + 1] = new
                yield rows[1, :1, :, : int(place[-1]) + 1]

        y: Tensor = self.layer(x, keep)
        return y


def test_what_rows_are_written_into_is_no_state() -> None:
    model, at = Given(), 0
    rows = [torch.zeros(LAYERS, 1, KV, ROWS, WIDTH) for _ in range(2)]
    with shapetrace.generation() as found, torch.no_grad():
        for n in (5, 1):
            model(torch.ones(1, n, D), torch.arange(at, at + n), *rows)
            at += n
    row = 2 * KV * WIDTH * 4
    assert (found.bills[1].cache_read, found.bills[1].cache_written) == (ROWS * row, row)


class Translator(nn.Module):
    """A decoder that keeps keys and values of another sequence from its first pass on, in itself."""

    def __init__(self, *, as_buffers: bool) -> None:
        super().__init__()
        self.own, self.as_buffers, self.kept = Layer(), as_buffers, dict[str, Tensor]()
        self.q, self.k, self.v, self.o = (nn.Linear(D, D, bias=False) for _ in range(4))

    def forward(self, x: Tensor, other: Tensor) -> Tensor:
        x = self.own(x, iter)  # whose rows nobody keeps
        if not self.kept:
            self.kept = {name: getattr(self, name)(other).unflatten(-1, (HEADS, -1)).transpose(1, 2) for name in "kv"}
            for name, rows in self.kept.items() if self.as_buffers else ():
                self.register_buffer(f"kept_{name}", rows)
        k, v = [*self.buffers()] if self.as_buffers else self.kept.values()
        q = self.q(x).unflatten(-1, (HEADS, -1)).transpose(1, 2)
        y: Tensor = self.o(F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2))
        return x + y


@pytest.mark.parametrize("as_buffers", [False, True])
def test_what_a_decoder_keeps_of_an_encoder_is_looked_at(as_buffers: bool) -> None:
    model, other = Translator(as_buffers=as_buffers), torch.ones(1, 7, D)
    with shapetrace.generation() as found, torch.no_grad():
        for n in (5, 1, 1):
            model(torch.ones(1, n, D), other)
    assert [bill.cache_read for bill in found.bills] == [0, 2 * 7 * D * 4, 2 * 7 * D * 4]
    scores = [[s.equation for s in each.outline.steps() if s.role is Role.SCORES] for each in found.passes]
    assert scores == [["[5,8]×[8,5]→[5,5]", "[5,8]×[8,7]→[5,7]"], *[["[1,8]×[8,1]→[1,1]", "[1,8]×[8,7]→[1,7]"]] * 2]
    roles = [{step.path: step.role for step in each.outline.steps()} for each in found.passes]
    assert {each["q"] for each in roles} == {Role.QUERY}
    assert {each["o"] for each in roles} == {Role.OUT_PROJ}


class Recurrent(nn.Module):
    """Two layers that shift by one token, convolve a window and keep a sum that fades."""

    def __init__(self, *, in_place: bool, given: bool) -> None:
        super().__init__()
        self.inner = nn.ModuleList(nn.Linear(D, D) for _ in range(2))
        self.fades, self.taps = (nn.ParameterList(torch.rand(n, D) for _ in range(2)) for n in (1, 3))
        self.in_place, self.given, self.states = in_place, given, list[Tensor]()

    def forward(self, x: Tensor, states: list[Tensor]) -> tuple[Tensor, list[Tensor]]:
        states, after = states if self.given else self.states, []
        for layer, fade, taps in zip(self.inner, self.fades, self.taps, strict=True):
            shift, window, total = states[:3] or (torch.zeros(1, D), torch.zeros(1, 3, D), torch.zeros(1, D))
            states, rows = states[3:], []
            for row in layer(x).unbind(1):
                mixed, shift = row + shift * fade, row
                new = torch.cat([window[:, 1:], mixed[:, None]], 1)
                faded = total * fade + (new * taps).sum(1)
                window, total = (window.copy_(new), total.copy_(faded)) if self.in_place else (new, faded)
                rows.append(total)
            after += [shift, window, total]
            x = x + torch.stack(rows, 1)
        self.states = after
        return x, after


@pytest.mark.parametrize("in_place", [False, True])
@pytest.mark.parametrize("given", [False, True])
def test_states_are_read_and_overwritten_by_whoever_keeps_them(in_place: bool, given: bool) -> None:
    model, states = Recurrent(in_place=in_place, given=given), list[Tensor]()
    with shapetrace.generation() as found, torch.no_grad():
        for n in (4, 1, 2, 1):
            _, states = model(torch.ones(1, n, D), states)
    held = 2 * (1 + 3 + 1) * D * 4
    assert [(bill.cache_read, bill.cache_written) for bill in found.bills[1:]] == [(held, held)] * 3
    assert found.cache_bytes == held


class Remembering(nn.Module):
    """Multiplies with what it was given once."""

    def __init__(self) -> None:
        super().__init__()
        self.inner, self.before = nn.Linear(D, D), list[Tensor]()

    def forward(self, x: Tensor) -> Tensor:
        self.before = self.before or [self.inner(x).mean(1)]
        y: Tensor = self.inner(x) * self.before[0]
        return y


def test_what_stays_as_it_is_is_no_state() -> None:
    model = Remembering()
    with shapetrace.generation() as found, torch.no_grad():
        for n in (4, 1, 1, 1):
            model(torch.ones(1, n, D))
    assert [len(each.trace.kept) for each in found.passes] == [0, 1, 1, 1]
    assert [each.spent for each in found.passes] == [frozenset()] * 4
    assert found.bills[-1].cache_written == 0


class Waiting(nn.Module):
    """Puts rows aside until there are eight, and mixes those."""

    def __init__(self) -> None:
        super().__init__()
        self.inner, self.kept = nn.Linear(D, D), torch.zeros(1, 0, D)

    def forward(self, x: Tensor) -> Tensor:
        rows = torch.cat([self.kept, self.inner(x)], 1)
        n = rows.shape[1] // 8 * 8
        self.kept = rows[:, n:]
        return x if n == 0 else x + rows[:, :n].softmax(1).sum(1, keepdim=True)


def test_rows_that_wait_are_kept_though_nothing_in_the_pass_reads_them() -> None:
    model = Waiting()
    with shapetrace.generation() as found, torch.no_grad():
        for n in (4, 1, 2):
            model(torch.ones(1, n, D))
    assert [(bill.cache_read, bill.cache_written) for bill in found.bills[1:]] == [(16 * D, 4 * D), (20 * D, 8 * D)]
    assert found.cache_bytes == 28 * D == model.kept.nbytes
