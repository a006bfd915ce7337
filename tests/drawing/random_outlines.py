"""Outlines that nobody would write: any names, any shapes, any nesting."""

from hypothesis import strategies as st

from shapetrace.language import Phrase
from shapetrace.outlining.structure import Operand, Outline, Section, Step
from tests.drawing.outlines import outline_of

NAMES = st.one_of(
    st.sampled_from(
        [
            "",
            "X",
            "W_Q",
            "K",
            "X̂",
            "d_model",
            "注意力",
            "x" * 300,
            "<script>",
            "\x00\x1f",
            "👩‍👩‍👧",
            "مرحبا",
            "Kᵀ",
            "a b",
        ]
    ),
    st.text(max_size=30),
)
SIZES = st.sampled_from([1, 1, 2, 3, 4, 7, 12, 64, 128, 768, 1024, 4096, 50257, 128256, 10**9])
SHAPES = st.lists(SIZES, max_size=5).map(tuple)
KINDS = ["lookup", "product", "softmax", "concat", "residual", "norm", "activation", "select", "unknown", "convolution"]


@st.composite
def operands(draw: st.DrawFn) -> Operand:
    shape = draw(SHAPES)
    pattern = draw(st.sampled_from(["", "", "causal", "slices"])) if len(shape) > 1 else ""
    axes = draw(st.sampled_from([(), (), (12,), (4, 12), (2, 61, 256)]))
    stack = 1
    for size in axes:
        stack *= size
    return Operand(
        draw(NAMES), draw(st.sampled_from(["data", "weight", "constant"])), shape, stack, axes,
        dims=draw(st.sampled_from([(), ("T",) * len(shape), ("d_model",) * len(shape)])),
        transposed=draw(st.booleans()), pattern=pattern, slices=draw(st.sampled_from([0, 1, 12, 500])),
        made_by=draw(st.sampled_from(["", "s0", "s1", "s5"])), labels=draw(st.lists(NAMES, max_size=9).map(tuple)),
    )  # fmt: skip


@st.composite
def steps(draw: st.DrawFn) -> Step:
    left = draw(st.lists(operands(), min_size=0, max_size=draw(st.sampled_from([1, 2, 2, 5]))))
    results = draw(st.lists(operands(), min_size=0, max_size=draw(st.sampled_from([1, 1, 10]))))
    kind = draw(st.sampled_from(KINDS[1:] if len(left) < 2 else KINDS))
    inner = (
        (len(left[0].shape) - 1, 0) if kind == "product" and len(left) > 1 and left[0].shape and left[1].shape else None
    )
    return Step(
        f"s{draw(st.integers(0, 9))}", "", kind, draw(NAMES), draw(NAMES),
        draw(st.sampled_from(["×", "+", "softmax", "", "→", "f" * 200])), tuple(left), tuple(results),
        notes=tuple(Phrase("{n}", {"n": name}) for name in draw(st.lists(NAMES, max_size=3))),
        tied_to=draw(st.sampled_from(["", "wte.weight"])), inner=inner,
    )  # fmt: skip


@st.composite
def sections(draw: st.DrawFn, depth: int = 0) -> Section:
    inner = [steps()] if depth == 3 else [steps(), steps(), sections(depth + 1)]
    items = draw(st.lists(st.one_of(*inner), max_size=4))
    repeat = draw(st.sampled_from([1, 1, 12, 126]))
    path = draw(NAMES)
    kind = draw(st.sampled_from(["block", "attention", "mlp", "other", "embedding"]))
    return Section(path, draw(NAMES), kind, "", repeat, (path,) * repeat, tuple(items))


def outlines() -> st.SearchStrategy[Outline]:
    items = st.lists(st.one_of(steps(), sections()), max_size=5)
    return st.builds(lambda found, name: outline_of(*found, name=name), items, NAMES)
