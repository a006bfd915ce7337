"""States that a position changes and reads: what they are made of is what attention is made of, in any spelling."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from shapetrace.outlining.roles import Part, Role
from shapetrace.outlining.structure import Outline
from tests.outlining.reading import read, step, titles

D, H, K, V = 32, 2, 8, 16
Change = Callable[[Tensor, Tensor, Tensor, Tensor], Tensor]
Read = Callable[[Tensor, Tensor], Tensor]


def decayed(s: Tensor, k: Tensor, v: Tensor, g: Tensor) -> Tensor:
    return s * g[..., None, None] + k.unsqueeze(-1) * v.unsqueeze(-2)


def delta(s: Tensor, k: Tensor, v: Tensor, g: Tensor) -> Tensor:
    seen = (s * k[..., None]).sum(-2)
    return s + k[..., None] * ((v - seen) * g[..., None])[..., None, :]


def outer(s: Tensor, k: Tensor, v: Tensor, g: Tensor) -> Tensor:
    return torch.einsum("bhk,bhv->bhkv", k, v) + g[..., None, None] * s


def in_place(s: Tensor, k: Tensor, v: Tensor, g: Tensor) -> Tensor:
    return s.mul_(g[..., None, None]).add_(k[..., :, None] * v[..., None, :])


def fused(s: Tensor, k: Tensor, v: Tensor, g: Tensor) -> Tensor:
    return torch.addcmul(s * g[..., None, None], k.unsqueeze(-1), v.unsqueeze(-2))


def summed(s: Tensor, q: Tensor) -> Tensor:
    return (s * q.unsqueeze(-1)).sum(-2)


def multiplied(s: Tensor, q: Tensor) -> Tensor:
    return (q.unsqueeze(-2) @ s).squeeze(-2)


def contracted(s: Tensor, q: Tensor) -> Tensor:
    return torch.einsum("bhk,bhkv->bhv", q, s)


class Mixer(nn.Module):
    """Rows of any length, one after another; the state of those before is given, or begins with zeros."""

    def __init__(self, change: Change, ask: Read, *, gated: bool = False) -> None:
        super().__init__()
        self.change, self.ask, self.norm = change, ask, nn.LayerNorm(D)
        self.e = nn.Linear(D, H * V) if gated else None
        self.a, self.b, self.c = nn.Linear(D, H * K), nn.Linear(D, H * K), nn.Linear(D, H * V)
        self.g, self.d = nn.Linear(D, H), nn.Linear(H * V, D)

    def forward(self, x: Tensor, state: Tensor | None = None) -> Tensor:
        y = self.norm(x)
        q, k, v = (layer(y).unflatten(-1, (H, -1)) for layer in (self.a, self.b, self.c))
        g = self.g(y).sigmoid()
        state = torch.zeros(len(x), H, K, V) if state is None else state
        read = []
        for t in range(x.shape[1]):
            state = self.change(state, k[:, t], v[:, t], g[:, t])
            read.append(self.ask(state, q[:, t]))
        seen = torch.stack(read, 1).flatten(2)
        out: Tensor = x + self.d(seen if self.e is None else F.silu(self.e(y)) * seen)
        return out


def roles(found: Outline) -> dict[str, Role]:
    return {step.path: step.role for step in found.steps() if step.kind == "product" and step.path}


@pytest.mark.parametrize("n", [1, 3])
@pytest.mark.parametrize("ask", [summed, multiplied, contracted])
@pytest.mark.parametrize("change", [decayed, delta, outer, in_place, fused])
def test_queries_keys_and_values_of_a_state_are_told_in_any_pass(change: Change, ask: Read, n: int) -> None:
    told = {"a": Role.QUERY, "b": Role.KEY, "c": Role.VALUE, "d": Role.OUT_PROJ}
    one = read(Mixer(change, ask), torch.randn(2, 1, D), torch.randn(2, H, K, V))
    several = read(Mixer(change, ask), torch.randn(1, n, D))
    for found in (one, several):
        assert told.items() <= roles(found).items()
        assert roles(found)["g"] not in told.values()
        assert [step.role for step in found.steps()].count(Role.RESIDUAL) == 1


def test_what_weighs_columns_that_a_state_was_asked_for_is_a_gate() -> None:
    found = roles(read(Mixer(decayed, multiplied, gated=True), torch.randn(1, 3, D)))
    assert (found["e"], found["d"]) == (Role.SIDE_GATE, Role.OUT_PROJ)


class Joined(nn.Module):
    """Queries, keys and values of one width side by side through one convolution, after rows kept from before."""

    def __init__(self) -> None:
        super().__init__()
        self.qkv, self.conv = nn.Linear(D, 3 * H * K), nn.Conv1d(3 * H * K, 3 * H * K, 4, groups=48)
        self.g, self.d = nn.Linear(D, H), nn.Linear(H * K, D)

    def forward(self, x: Tensor, state: Tensor, rows: Tensor) -> Tensor:
        y = self.conv(torch.cat([rows, self.qkv(x).mT], -1)).mT
        q, k, v = (each.unflatten(-1, (H, K)) for each in y.sigmoid().split(H * K, -1))
        k = k / k.norm(dim=-1, keepdim=True)
        state = delta(state, k[:, 0], v[:, 0], self.g(x)[:, 0].sigmoid())
        read: Tensor = self.d(summed(state, q[:, 0]).flatten(1))
        return read


def test_keys_and_values_that_were_cut_from_one_axis_are_told_apart() -> None:
    found = read(Joined(), torch.randn(1, 1, D), torch.randn(1, H, K, K), torch.randn(1, 48, 3))
    parts = [step.role for step in found.steps() if step.path == "qkv"]
    assert parts == [Role.QUERY, Role.KEY, Role.VALUE]
    assert roles(found)["d"] is Role.OUT_PROJ


class Blocks(nn.Module):
    """Two blocks of positions: each asks the state of those before, and its own rows; each row has its own decay."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b, self.c, self.g = (nn.Linear(D, D) for _ in range(4))
        self.d = nn.Linear(D, D)

    def forward(self, x: Tensor) -> Tensor:
        q, k, v, g = (layer(x).unflatten(-1, (H, -1)).transpose(1, 2) for layer in (self.a, self.b, self.c, self.g))
        state, read = torch.zeros(len(x), H, 16, 16), []
        for at in (slice(0, 4), slice(4, 8)):
            decay = g[:, :, at].sigmoid().log().cumsum(2)
            inside = (q[:, :, at] * decay.exp()) @ (k[:, :, at] / decay.exp()).mT
            read.append((q[:, :, at] * decay.exp()) @ state + inside.tril() @ v[:, :, at])
            state = state * decay[:, :, -1].exp()[..., None] + (k[:, :, at] * decay.exp()).mT @ v[:, :, at]
        y: Tensor = self.d(torch.cat(read, 2).transpose(1, 2).flatten(2))
        return y


class StateSpace(nn.Module):
    """One step of Mamba-2: all heads share what writes and what reads, a step size for each."""

    def __init__(self) -> None:
        super().__init__()
        self.x, self.b, self.c, self.dt = nn.Linear(D, D), nn.Linear(D, K), nn.Linear(D, K), nn.Linear(D, H)
        self.decay, self.skip, self.d = nn.Parameter(torch.randn(H)), nn.Parameter(torch.randn(H, 1)), nn.Linear(D, D)

    def forward(self, u: Tensor, state: Tensor) -> Tensor:
        x, dt = self.x(u).view(-1, H, D // H), F.softplus(self.dt(u))
        new = dt[..., None, None] * x[..., None] * self.b(u)[:, None, None]
        state = state * torch.exp(-self.decay.exp() * dt)[..., None, None] + new
        y = torch.einsum("bhpn,bn->bhp", state, self.c(u)) + self.skip * x
        read: Tensor = self.d(y.flatten(1))
        return read


class Receptance(nn.Module):
    """One step of RWKV-6: the row itself counts with a bonus, and comes to the state after it was read."""

    def __init__(self) -> None:
        super().__init__()
        self.r, self.k, self.v, self.w = (nn.Linear(D, D) for _ in range(4))
        self.u, self.d = nn.Parameter(torch.randn(H, D // H)), nn.Linear(D, D)

    def forward(self, x: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        r, k, v, w = (layer(x).view(-1, H, D // H) for layer in (self.r, self.k, self.v, self.w))
        new = k[..., :, None] @ v[..., None, :]
        read = r[..., None, :] @ (state + self.u[..., None] * new)
        return self.d(read.flatten(1)), state * torch.exp(-torch.exp(w))[..., None] + new


@pytest.mark.parametrize(
    ("model", "inputs", "told"),
    [
        (Blocks(), (torch.randn(1, 8, D),), "abcd"),
        (StateSpace(), (torch.randn(3, D), torch.randn(3, H, D // H, K)), "cbxd"),
        (Receptance(), (torch.randn(3, D), torch.randn(3, H, D // H, D // H)), "rkvd"),
    ],
)
def test_blocks_and_mixers_by_hand_ask_a_state_too(model: nn.Module, inputs: tuple[Tensor, ...], told: str) -> None:
    found = roles(read(model, *inputs))
    assert [found[name] for name in told] == [Role.QUERY, Role.KEY, Role.VALUE, Role.OUT_PROJ]
    assert Role.OTHER in found.values()


class Pairs(nn.Module):
    """Rows of pairs plus an outer product, weighed along a row: no state, for rows are counted by it."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b, self.c = nn.Linear(D, 1), nn.Linear(D, 1), nn.Linear(D, 1)
        self.d = nn.Linear(6, D)

    def forward(self, x: Tensor, pairs: Tensor) -> Tensor:
        pairs = pairs + self.a(x) * self.b(x).mT
        y: Tensor = self.d((pairs * self.c(x)).sum(-2))
        return y


def test_pairs_of_rows_are_no_state() -> None:
    found = roles(read(Pairs(), torch.randn(2, 6, D), torch.randn(2, 6, 6)))
    assert not {Role.QUERY, Role.KEY, Role.VALUE, Role.OUT_PROJ} & {*found.values()}


def test_rows_that_are_solved_in_place_are_no_residuals() -> None:
    class Solved(nn.Module):
        """Forward substitution, as chunks of a delta rule are."""

        def forward(self, x: Tensor) -> Tensor:
            matrix = -(x @ x.mT).tril(-1)
            for i in range(1, 4):
                row, above = matrix[..., i, :i].clone(), matrix[..., :i, :i].clone()
                matrix[..., i, :i] = row + (row.unsqueeze(-1) * above).sum(-2)
            return matrix

    assert "residual" not in {step.kind for step in read(Solved(), torch.randn(2, 4, 8)).steps()}


class Running(nn.Module):
    """Linear attention whose states of all turns are one running sum of pieces of one projection, in two spellings."""

    def __init__(self, *, einsum: bool) -> None:
        super().__init__()
        self.project, self.out, self.einsum = nn.Linear(8, 24), nn.Linear(8, 8), einsum

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = self.project(x).view(*x.shape[:2], 3, 2, 4).permute(2, 0, 3, 1, 4)
        if self.einsum:
            state = torch.einsum("bhnd,bhne->bhnde", k.relu(), v).cumsum(2)
            z = torch.einsum("bhnd,bhnde->bhne", q.relu(), state)
        else:
            state = (k.relu()[..., None] * v[..., None, :]).cumsum(2)
            z = (q.relu()[..., None] * state).sum(-2)
        made: Tensor = self.out(z.transpose(1, 2).flatten(2))
        return made


@pytest.mark.parametrize("einsum", [True, False])
def test_a_running_sum_of_keys_and_values_is_a_state(*, einsum: bool) -> None:
    found = read(Running(einsum=einsum), torch.randn(2, 5, 8))
    said = [title for title in titles(found) if title != "ReLU"]
    assert said == ["Query", "Key", "Value", "State", "Read state", "Output"]
    assert step(found, "Read state").operands[1].part is Part.STATE


class OneStep(nn.Module):
    """One turn of a retention: the state from before decays, a gate weighs what is read of it."""

    def __init__(self) -> None:
        super().__init__()
        self.q, self.k, self.v, self.g, self.out = (nn.Linear(8, 8) for _ in range(5))

    def forward(self, x: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        q, k, v = (layer(x).view(-1, 2, 4) for layer in (self.q, self.k, self.v))
        state = 0.9 * state + k[..., None] * v[..., None, :]
        read_from = (q[..., None] * state).sum(-2).flatten(1)
        return self.out(F.silu(self.g(x)) * read_from), state


def test_a_state_is_told_from_the_stream_and_from_the_gate() -> None:
    found = read(OneStep(), torch.randn(3, 8), torch.randn(3, 2, 4, 4))
    assert [s.title for s in found.steps()][3:] == ["State", "Read state", "Gate", "SiLU", "Output"]
    changed = step(found, "State")
    assert [ref.part for ref in (*changed.operands, *changed.results)] == [Part.STATE, Part.KEY, Part.VALUE, Part.STATE]
