"""What the last product, an added table, a window, a row taken out, and rows for experts are said to be."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from shapetrace.outlining.roles import Part, Role
from shapetrace.outlining.structure import Outline
from tests.outlining.reading import read, titles


def roles(found: Outline) -> dict[str, Role]:
    return {step.path: step.role for step in found.steps() if step.kind == "product"}


@pytest.mark.parametrize("layer", [
    nn.TransformerEncoderLayer(64, 4, batch_first=True),
    nn.TransformerEncoderLayer(64, 4, batch_first=True, norm_first=True),
    nn.Sequential(nn.Linear(64, 128), nn.GELU(), nn.Linear(128, 64)),
    nn.Linear(64, 24),
])  # fmt: skip
def test_a_layer_alone_has_no_head(layer: nn.Module) -> None:
    found = read(layer, torch.randn(1, 5, 64))
    assert not {Role.UNEMBED, Role.HEAD} & set(roles(found).values())
    assert "unembedding" not in {section.kind for section in found.root.sections()}


class Words(nn.Module):
    """A stack between a table and a head over as many words, or over classes."""

    def __init__(self, columns: int) -> None:
        super().__init__()
        self.wte, self.fc, self.back = nn.Embedding(50, 16), nn.Linear(16, 32), nn.Linear(32, 16)
        self.head = nn.Linear(16, columns)

    def forward(self, ids: Tensor) -> Tensor:
        x = self.wte(ids)
        return self.head(x + self.back(self.fc(x).relu()))


def test_scores_of_as_many_words_as_are_read_are_an_unembedding() -> None:
    ids = torch.zeros(1, 4, dtype=torch.long)
    assert [roles(read(Words(n), ids))["head"] for n in (50, 3)] == [Role.UNEMBED, Role.HEAD]


class Added(nn.Module):
    """A table added: one row a position, shifts beside scales, one row, one of a table, one for each example."""

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.kind = kind
        self.fc, self.time = nn.Linear(16, 16), nn.Linear(8, 32)
        n_rows = {"positions": 9, "first": 12, "modulation": 2, "both from one": 2}.get(kind, 1)
        self.table, self.labels = nn.Parameter(torch.zeros(n_rows, 16)), nn.Embedding(3, 16)

    def forward(self, x: Tensor, t: Tensor) -> Tensor:
        if self.kind == "first":
            return self.fc(x + self.table[: x.shape[1]]) + self.time(t)[:, None, :16]
        if self.kind == "both from one":
            shift, scale = (self.table[None] + self.time(t)[:, None, :16]).chunk(2, 1)
            return self.fc(x * (1 + scale) + shift)
        if self.kind == "depth":
            return self.fc(x + self.labels.weight[2]) + self.time(t)[:, None, :16]
        if self.kind == "label":
            return self.fc(x + self.labels(torch.zeros(len(x), dtype=torch.long))[:, None])
        if self.kind == "modulation":
            shift, scale = (self.table[None] + self.time(t).view(len(t), 2, -1)).chunk(2, 1)
            return self.fc(x * (1 + scale) + shift)
        return self.fc(x + self.table) + self.time(t)[:, None, :16]


@pytest.mark.parametrize(
    ("kind", "positions"),
    [
        ("positions", True),
        ("first", True),
        ("modulation", False),
        ("bias", False),
        ("both from one", False),
        ("depth", False),
        ("label", False),
    ],
)
@pytest.mark.parametrize("batch", [1, 2])
def test_a_position_varies_along_the_positions(kind: str, positions: bool, batch: int) -> None:
    found = read(Added(kind), torch.randn(batch, 9, 16), torch.randn(batch, 8), all_used=False)
    assert (Role.POSITION in {step.role for step in found.steps()}) is positions


class Tokens(nn.Module):
    """Something kept is added to tokens, as a function of both says."""

    def __init__(self, add: Callable[["Tokens", Tensor], Tensor]) -> None:
        super().__init__()
        self.wte, self.fc, self.add = nn.Embedding(50, 16), nn.Linear(16, 16), add
        self.learned, self.sort = nn.Parameter(torch.ones(20, 16)), nn.Parameter(torch.ones(2, 16))
        self.waves: Tensor
        self.mean: Tensor
        self.register_buffer("waves", torch.ones(1, 20, 16))
        self.register_buffer("mean", torch.ones(16))

    def forward(self, ids: Tensor) -> Tensor:
        return self.fc(self.add(self, self.wte(ids)))


KEPT: dict[str, tuple[Callable[[Tokens, Tensor], Tensor], Role]] = {
    "sines": (lambda m, x: x * 4 + m.waves[:, : x.shape[1]], Role.POSITION),
    "sines of the rows that follow": (lambda m, x: x + m.waves[:, 3 : 3 + x.shape[1]], Role.POSITION),
    "positions first": (lambda m, x: x.transpose(0, 1) + m.waves[0, : x.shape[1], None], Role.POSITION),
    "learned": (lambda m, x: x + m.learned[: x.shape[1]], Role.POSITION),
    "one row for all": (lambda m, x: x + m.sort[1], Role.OTHER),
    "one row for all, kept as a matrix": (lambda m, x: x + m.sort[1:] if x.shape[1] > 1 else x + m.sort[1], Role.OTHER),
    "a mean": (lambda m, x: x + m.mean, Role.OTHER),
}


@pytest.mark.parametrize("n", [7, 1])
@pytest.mark.parametrize("name", KEPT)
def test_rows_kept_for_tokens_are_positions_and_one_row_for_all_is_none(name: str, n: int) -> None:
    add, role = KEPT[name]
    found = read(Tokens(add), torch.zeros(2, n, dtype=torch.long), all_used=False)
    assert [step.role for step in found.steps() if step.kind == "add"] == [role]


class Patches(nn.Module):
    """Windows of channels as positions of their own (PatchTST): 8 examples of 7 channels."""

    def __init__(self) -> None:
        super().__init__()
        self.into, self.qkv, self.out = nn.Linear(16, 32), nn.Linear(32, 96), nn.Linear(32, 32)

    def forward(self, x: Tensor) -> Tensor:
        centre = x.mean(1, keepdim=True)
        x = (x - centre) / (x.var(1, keepdim=True, unbiased=False) + 1e-5).sqrt()
        x = self.into(x.transpose(1, 2).unfold(-1, 16, 8))
        B, C, T, D = x.shape
        q, k, v = self.qkv(x).view(B * C, T, 3, 4, 8).permute(2, 0, 3, 1, 4)
        a = ((q @ k.transpose(-2, -1)).softmax(-1) @ v).transpose(1, 2).reshape(B * C, T, D)
        return self.out(a)


def test_stacks_are_what_the_code_keeps_apart() -> None:
    found = read(Patches(), torch.randn(8, 96, 7))
    assert "Windows" in titles(found)
    assert "LayerNorm" not in titles(found)
    (scores,) = (step for step in found.steps() if step.kind == "scores")
    assert scores.operands[0].stack_axes == (8 * 7, 4)


class Branch(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.one, self.two = (nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 8)) for _ in range(2))
        self.norm = nn.LayerNorm(8)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.one(x)
        return self.norm(x + self.two(x))


class Branches(nn.Module):
    """Branches side by side with sections in them."""

    def __init__(self, n: int) -> None:
        super().__init__()
        self.branches, self.out = nn.ModuleList(Branch() for _ in range(n)), nn.Linear(8 * n, 8)

    def forward(self, x: Tensor) -> Tensor:
        return self.out(torch.cat([branch(x) for branch in self.branches], -1))


@pytest.mark.parametrize("n", [3, 4])
def test_branches_with_sections_add_up_and_are_counted_once(n: int) -> None:
    found = read(Branches(n), torch.randn(5, 8))
    repeated = [section.repeat for section in found.root.sections() if section.repeat > 1]
    assert repeated.count(n) == 1
    assert not any(operand.stack == n for step in found.steps() for operand in step.operands if step.kind == "product")


class Gate(nn.Module):
    """A gate on its way to the keys: of one column, of one a head, or of all columns."""

    def __init__(self, columns: int) -> None:
        super().__init__()
        self.q, self.k, self.v, self.gate = (
            nn.Linear(32, 32),
            nn.Linear(32, 32),
            nn.Linear(32, 32),
            nn.Linear(32, columns),
        )

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = (f(x).view(1, 6, 4, 8).transpose(1, 2) for f in (self.q, self.k, self.v))
        g = self.gate(x).sigmoid().view(1, 6, -1, {1: 1, 4: 1, 32: 8}[self.gate.out_features]).transpose(1, 2)
        return (q @ (k * g).transpose(-2, -1)).softmax(-1) @ v


@pytest.mark.parametrize("columns", [1, 4, 32])
def test_what_only_weighs_keys_makes_none(columns: int) -> None:
    found = roles(read(Gate(columns), torch.randn(1, 6, 32)))
    assert [found[path] for path in "qkv"] == [Role.QUERY, Role.KEY, Role.VALUE]
    assert found["gate"] in (Role.OTHER, Role.SIDE_GATE)


class Codes(nn.Module):
    """The nearest row of a table, with the gradient of what it stands for (VQ-VAE)."""

    def __init__(self) -> None:
        super().__init__()
        self.into, self.codes, self.out = nn.Linear(24, 16), nn.Embedding(64, 16), nn.Linear(16, 24)

    def forward(self, x: Tensor) -> Tensor:
        z = self.into(x)
        far = z.pow(2).sum(-1, keepdim=True) - 2 * z @ self.codes.weight.T + self.codes.weight.pow(2).sum(-1)
        nearest = self.codes(far.argmin(-1))
        y: Tensor = self.out(z + (nearest - z).detach())
        return y


def test_a_nearest_code_is_no_word_and_what_stands_for_it_no_residual() -> None:
    found = read(Codes(), torch.randn(2, 5, 24))
    assert not {Role.UNEMBED, Role.RESIDUAL} & {step.role for step in found.steps()}
    (looked_up,) = [step for step in found.steps() if step.kind == "lookup"]
    made = next(step for step in found.steps() if step.id == looked_up.operands[0].made_by)
    assert made.title == "Argmin"


class Rows(nn.Module):
    """A state that goes on from row to row, beginning with what is learned."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.out = nn.Linear(16, 16), nn.Linear(16, 4)
        self.start = nn.Parameter(torch.zeros(16))

    def forward(self, x: Tensor) -> Tensor:
        state = self.start.expand(len(x), -1)
        for row in range(x.shape[1]):
            state = torch.tanh(self.a(state) + x[:, row])
        y: Tensor = self.out(state)
        return y


def test_a_loop_over_rows_folds_with_its_first_and_its_last_one() -> None:
    found = read(Rows(), torch.randn(2, 6, 16))
    (loop,) = [section for section in found.root.sections() if section.repeat > 1]
    assert loop.repeat >= 5
    assert {step.title for step in loop.steps() if step.kind == "select"} == {"Select row"}


def test_what_comes_before_a_network_of_convolutions_is_no_embedding() -> None:
    def layer() -> nn.Module:
        return nn.Sequential(nn.Conv2d(8, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 8, 3, padding=1), nn.ReLU())

    found = read(nn.Sequential(nn.Conv2d(3, 8, 7), layer(), layer(), nn.Flatten(), nn.Linear(512, 4)),
                 torch.randn(1, 3, 14, 14))  # fmt: skip
    assert "embedding" not in {section.kind for section in found.root.sections()}


class Typed(nn.Module):
    """Tokens with a type and a position each, both looked up by numbers that the model keeps (BERT)."""

    def __init__(self) -> None:
        super().__init__()
        self.words, self.types, self.places = nn.Embedding(50, 16), nn.Embedding(2, 16), nn.Embedding(32, 16)
        self.type_ids: Tensor
        self.place_ids: Tensor
        self.register_buffer("type_ids", torch.zeros(1, 32, dtype=torch.long))
        self.register_buffer("place_ids", torch.arange(32)[None])

    def forward(self, ids: Tensor) -> Tensor:
        n = ids.shape[1]
        x: Tensor = self.words(ids) + self.types(self.type_ids[:, :n]) + self.places(self.place_ids[:, :n])
        return x


def test_a_table_of_fewer_rows_than_positions_is_of_none() -> None:
    found = read(Typed(), torch.zeros(2, 7, dtype=torch.long))
    assert [step.role for step in found.steps() if step.kind == "add"] == [Role.ADD_EMBEDDINGS, Role.POSITION]


class Translated(nn.Module):
    """Words of one language are read in the encoder, of another one in the decoder, which scores some of them."""

    def __init__(self, source: int, target: int, scored: int) -> None:
        super().__init__()
        self.source, self.target = nn.Embedding(source, 16), nn.Embedding(target, 16)
        self.fc, self.head = nn.Linear(16, 16), nn.Linear(16, scored)

    def forward(self, ids: Tensor, begun: Tensor) -> Tensor:
        context, y = self.source(ids), self.target(begun)
        q = self.fc(y)
        y = y + nn.functional.scaled_dot_product_attention(q, context, context)
        scores: Tensor = self.head(y)
        return scores


@pytest.mark.parametrize(
    ("source", "target", "scored", "role"),
    [(40, 50, 50, Role.UNEMBED), (50, 40, 50, Role.HEAD), (50, 51, 50, Role.HEAD), (50, 50, 50, Role.UNEMBED)],
)
def test_as_many_words_as_another_sequence_has_make_no_unembedding(
    source: int, target: int, scored: int, role: Role
) -> None:
    found = read(Translated(source, target, scored), torch.arange(18).view(2, 9), torch.arange(10).view(2, 5))
    assert roles(found)["head"] is role


class OneType(nn.Module):
    """Words, positions and types, of which all tokens have the first."""

    def __init__(self) -> None:
        super().__init__()
        self.words, self.places, self.types = (nn.Embedding(n, 8) for n in (20, 10, 2))
        self.norm, self.up, self.down = nn.LayerNorm(8), nn.Linear(8, 16), nn.Linear(16, 8)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        x = self.words(ids) + self.places(torch.arange(ids.shape[1])) + self.types(torch.zeros_like(ids))
        return x + self.down(self.up(self.norm(x)).relu())


def test_types_that_are_all_alike_are_no_positions() -> None:
    parts = {step.role: step.operands[1].part for step in read(OneType(), torch.zeros(2, 5, dtype=torch.int64)).steps()
             if len(step.operands) > 1}  # fmt: skip
    assert (parts[Role.POSITION], parts[Role.ADD_EMBEDDINGS]) == (Part.POSITIONS, Part.TABLE)


class Weighed(nn.Module):
    """What an activation gives, times learned numbers (IA³), or not."""

    def __init__(self, weighed: bool) -> None:
        super().__init__()
        self.up, self.down, self.by = nn.Linear(8, 16), nn.Linear(16, 8), nn.Parameter(torch.ones(16))
        self.weighed = weighed

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        h = nn.functional.gelu(self.up(x))
        return self.down(h * self.by if self.weighed else h)


@pytest.mark.parametrize("weighed", [True, False])
def test_learned_numbers_behind_an_activation_are_said(weighed: bool) -> None:
    found = read(Weighed(weighed), torch.randn(1, 5, 8), all_used=weighed)
    (bent,) = (step for step in found.steps() if step.role is Role.ACTIVATION)
    assert ("times learned numbers" in map(str, bent.notes)) is weighed
