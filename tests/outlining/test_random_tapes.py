"""Operations in any order with any sizes, ones and zeros too: there is always an outline, and its sums are right."""

import random
from dataclasses import replace

import msgspec
import pytest

from shapetrace.ir import Trace
from shapetrace.outlining import outline
from tests.outlining.reading import faults
from tests.outlining.tape import Tape
from tests.outlining.test_words_decide_nothing import facts, reworded

SIZES = (1, 1, 2, 3, 4, 6, 8)
MODULES = [("h", "Stack"), *((f"h.{i}", "Layer") for i in range(3)), *((f"h.{i}.inner", "Part") for i in range(3))]
ALONE = ("relu", "gelu", "silu", "exp", "native_layer_norm", "neg", "rsqrt", "cumsum", "clone", "tril")
TWO = ("add", "mul", "sub", "div", "maximum")


class Chance:
    """A tape that grows by chance."""

    def __init__(self, seed: int) -> None:
        self._chance = random.Random(seed)
        self._tape = Tape(calls=MODULES)
        self._shapes: dict[int, tuple[int, ...]] = {}
        self._weights: dict[int, tuple[int, int]] = {}
        self._shared: dict[tuple[int, int], int] = {}
        for _ in range(self._chance.randint(1, 3)):
            shape = self._sizes(self._chance.choice((2, 2, 3)))
            self._shapes[self._tape.input(*shape)] = shape

    def trace(self) -> Trace:
        grow = (self._linear, self._times, self._alone, self._two, self._attention, self._reduced, self._cut,
                self._joined, self._chosen, self._looked_up, self._reshaped, self._layers)  # fmt: skip
        for _ in range(self._chance.randint(1, 30)):
            if self._chance.random() < 0.2:
                self._tape.at(self._chance.choice(MODULES)[0])
            self._chance.choice(grow)(*self._any())
        return self._tape.trace(*self._chance.sample(sorted(self._shapes), 1))

    def _sizes(self, count: int) -> tuple[int, ...]:
        return tuple(self._chance.choice(SIZES) for _ in range(count))

    def _any(self, rank: int = 0) -> tuple[int, tuple[int, ...]]:
        """A value and its shape, new ones more often than old ones."""
        fitting = [value for value, shape in self._shapes.items() if not rank or len(shape) == rank]
        value = self._chance.choice(fitting[-4:] if fitting and self._chance.random() < 0.7 else list(self._shapes))
        return value, self._shapes[value]

    def _keep(self, value: int, *shape: int) -> int:
        self._shapes[value] = shape
        return value

    def _linear(self, x: int, shape: tuple[int, ...]) -> None:
        """A product with a weight: a new one, one stored the other way round, or one that was read before."""
        if len(shape) == 2:
            n, k = self._chance.choice(SIZES), shape[1]
            fit = [weight for weight, (rows, _) in self._weights.items() if rows == k]
            if not fit or self._chance.random() < 0.7:
                stored = self._tape.weight(
                    f"w{len(self._shapes)}", *((n, k) if self._chance.random() < 0.5 else (k, n))
                )
                if self._tape.shape(stored) != (k, n):
                    stored = self._tape.turned(stored)
                if self._chance.random() < 0.3:
                    stored = self._tape.like("neg", stored)
                self._weights[stored] = (k, n)
                fit = [stored]
            weight = self._chance.choice(fit)
            self._keep(self._tape.times(x, weight), shape[0], self._weights[weight][1])

    def _times(self, x: int, shape: tuple[int, ...]) -> None:
        fit = [
            v for v, s in self._shapes.items() if len(s) == len(shape) and s[:-2] == shape[:-2] and s[-2] == shape[-1]
        ]
        other = self._chance.choice(fit) if fit else self._keep(self._tape.turned(x), *shape[:-2], shape[-1], shape[-2])
        self._keep(self._tape.times(x, other), *shape[:-1], self._shapes[other][-1])

    def _alone(self, x: int, shape: tuple[int, ...]) -> None:
        if self._chance.random() < 0.3:
            self._keep(self._tape.like("_softmax", x, dim=self._chance.choice((-1, 0, len(shape) - 1))), *shape)
        else:
            self._keep(self._tape.like(self._chance.choice(ALONE), x), *shape)

    def _two(self, x: int, shape: tuple[int, ...]) -> None:
        same = [value for value, other in self._shapes.items() if other == shape]
        self._keep(self._tape.like(self._chance.choice(TWO), x, self._chance.choice(same)), *shape)

    def _attention(self, x: int, shape: tuple[int, ...]) -> None:
        if len(shape) == 2:
            heads = self._chance.choice([n for n in (1, 2, 4) if shape[1] % n == 0])
            others = [value for value, other in self._shapes.items() if len(other) == 2 and other[1] == shape[1]]
            self._keep(self._tape.attention(x, heads, self._chance.choice(others)), *shape)

    def _reduced(self, x: int, shape: tuple[int, ...]) -> None:
        dim = self._chance.randrange(len(shape))
        made = tuple(1 if axis == dim else size for axis, size in enumerate(shape))
        self._keep(
            self._tape.op(self._chance.choice(("sum", "mean", "amax")), (x,), *made, dim=[dim], keepdim=True), *made
        )

    def _cut(self, x: int, shape: tuple[int, ...]) -> None:
        dim = self._chance.randrange(len(shape))
        start = self._chance.randrange(shape[dim])
        end = self._chance.randint(start + 1, shape[dim])
        made = (*shape[:dim], end - start, *shape[dim + 1 :])
        self._keep(self._tape.op("slice", (x,), *made, dim=dim, start=start, end=end), *made)

    def _joined(self, x: int, shape: tuple[int, ...]) -> None:
        dim = self._chance.randrange(len(shape))
        fit = [
            v
            for v, s in self._shapes.items()
            if len(s) == len(shape) and (*s[:dim], *s[dim + 1 :]) == (*shape[:dim], *shape[dim + 1 :])
        ]
        others = self._chance.choices(fit, k=self._chance.randint(1, 2))
        made = (*shape[:dim], shape[dim] + sum(self._shapes[v][dim] for v in others), *shape[dim + 1 :])
        self._keep(self._tape.op("cat", (x, *others), *made, dim=dim), *made)

    def _chosen(self, x: int, shape: tuple[int, ...]) -> None:
        k = self._chance.randint(1, shape[-1])
        made = (*shape[:-1], k)
        values, places = self._tape.ops("topk", (x,), [(made, "float32"), (made, "int64")], k=k, dim=-1)
        self._keep(values, *made)
        if len(made) == 2:
            table = self._tape.weight(f"e{len(self._shapes)}", 7, shape[-1])
            self._keep(self._tape.op("index", (table, places), *made, shape[-1]), *made, shape[-1])

    def _looked_up(self, _: int, shape: tuple[int, ...]) -> None:
        width = self._chance.choice(SIZES)
        ids = self._tape.input(shape[0], dtype="int64")
        self._keep(
            self._tape.op("embedding", (self._tape.weight(f"t{ids}", 9, width), ids), shape[0], width), shape[0], width
        )

    def _reshaped(self, x: int, shape: tuple[int, ...]) -> None:
        if len(shape) == 3:
            self._keep(self._tape.joined(x), shape[1], shape[0] * shape[2])
        else:
            heads = self._chance.choice([n for n in (1, 2, 3, 4) if shape[1] % n == 0])
            self._keep(self._tape.heads(x, heads), heads, shape[0], shape[1] // heads)

    def _layers(self, x: int, shape: tuple[int, ...]) -> None:
        """Layers that are alike, or all but one: each draws the same lots."""
        seed, other = self._chance.random(), self._chance.choice((-1, -1, 2))
        for i in range(3) if len(shape) == 2 else ():
            self._tape.at(f"h.{i}")
            lots = random.Random(seed)
            for part in lots.choices((self._mlp, self._heads, self._branches, self._normed), k=lots.randint(1, 4)):
                inside = lots.random() < 0.5
                self._tape.at(f"h.{i}.inner" if inside else f"h.{i}")
                y = part(x, f"h.{i}.w{len(self._shapes)}.{lots.random()}", 3 if i == other else 2)
                x = self._keep(self._tape.like("add", x, y) if lots.random() < 0.6 else y, *shape)

    def _mlp(self, x: int, name: str, times: int) -> int:
        """Two products; the second one's weight is that of every layer as wide, if that is even."""
        hidden, width = self._tape.like("gelu", self._tape.linear(x, f"{name}.up", times * 4)), self._width(x)
        if width % 2:
            return self._tape.linear(hidden, f"{name}.down", width)
        shared = self._shared.get((times, width)) or self._tape.weight(f"{name}.shared", times * 4, width)
        return self._tape.times(hidden, self._shared.setdefault((times, width), shared))

    def _heads(self, x: int, _: str, times: int) -> int:
        return self._tape.attention(x, 2 if self._width(x) % 2 == 0 and times == 2 else 1)

    def _branches(self, x: int, name: str, times: int) -> int:
        """Equal products beside each other, joined and taken back."""
        rows = self._shapes[x][0]
        made = [self._tape.linear(self._tape.linear(x, f"{name}.{i}a", 3), f"{name}.{i}b", 2) for i in range(times + 1)]
        joined = self._tape.op("cat", made, rows, 2 * len(made), dim=1)
        return self._tape.linear(joined, f"{name}.out", self._width(x))

    def _normed(self, x: int, name: str, times: int) -> int:
        return self._tape.like("native_layer_norm", x, *[self._tape.weight(name, self._width(x))] * (times - 2))

    def _width(self, x: int) -> int:
        return self._shapes[x][1]


@pytest.mark.parametrize("seed", range(150))
def test_there_is_an_outline_whose_sums_are_right(seed: int) -> None:
    trace = Chance(seed).trace()
    found = outline(trace)
    assert found.coverage.misplaced == 0
    assert faults(trace, found, all_used=False) == []
    totals = found.totals
    assert sum(step.parameters_in_all for step in found.steps()) == totals.parameters - totals.unused_parameters


@pytest.mark.parametrize("seed", range(0, 150, 5))
def test_words_decide_nothing_whatever_ran(seed: int) -> None:
    trace = Chance(seed).trace()
    assert facts(reworded(trace).root) == facts(outline(trace).root)


@pytest.mark.parametrize("seed", range(0, 150, 5))
def test_names_of_modules_and_classes_decide_no_step(seed: int) -> None:
    trace = Chance(seed).trace()
    other = replace(trace, calls=tuple(msgspec.structs.replace(call, type=f"Other{call.id}") for call in trace.calls))
    assert [facts(step) for step in outline(other).steps()] == [facts(step) for step in outline(trace).steps()]
