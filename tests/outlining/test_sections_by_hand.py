"""Single passes from roles to costs: the tree, folding, accounts, totals, coverage; traces written by hand."""

from typing import Any

from shapetrace.ir import Trace
from shapetrace.outlining.covering import coverage
from shapetrace.outlining.drafts import Draft
from shapetrace.outlining.sections import Node
from shapetrace.outlining.steps.collecting import Collected
from tests.outlining.tape import Tape, until


def layers(widths: tuple[int, ...], *, classes: tuple[str, ...] = ()) -> Trace:
    """Layers of an MLP and a residual, each with a hidden width of its own."""
    names = classes or ("Layer",) * len(widths)
    tape = Tape(calls=[(f"h.{i}", name) for i, name in enumerate(names)])
    x = tape.input(5, 8)
    for i, width in enumerate(widths):
        tape.at(f"h.{i}")
        hidden = tape.like("gelu", tape.linear(x, f"h.{i}.up", width))
        x = tape.like("add", x, tape.linear(hidden, f"h.{i}.down", 8))
    return tape.trace(x)


def shown(node: Node) -> list[Any]:
    """Paths of sections and kinds of steps, nested."""
    return [item.kind if isinstance(item, Draft) else (item.path, item.repeat, shown(item)) for item in node.items]


def layer(path: str, repeat: int = 1) -> tuple[str, int, list[Any]]:
    return path, repeat, ["product", "activation", "product", "residual"]


def test_the_tree_has_a_section_for_every_module() -> None:
    tree = until("tree", layers((32, 16)))["tree"]
    assert shown(tree) == [layer("h.0"), layer("h.1")]
    assert [node.kind for node in tree.sections()] == ["model", "mlp", "mlp"]


def test_what_a_block_does_itself_gets_sections_from_opening_to_closing_role() -> None:
    tape = Tape(calls=[("h.0", "Layer")])
    x = tape.input(5, 8)
    tape.at("h.0")
    x = tape.like("add", x, tape.attention(tape.like("native_layer_norm", x), heads=2))
    hidden = tape.like("gelu", tape.linear(tape.like("native_layer_norm", x), "up", 32))
    trace = tape.trace(tape.like("add", x, tape.linear(hidden, "down", 8)))
    ((_, _, inside),) = shown(until("tree", trace)["tree"])
    assert [item if isinstance(item, str) else item[0] for item in inside] == [
        "norm", "h.0.<attention>", "residual", "norm", "h.0.<mlp>", "residual"
    ]  # fmt: skip


def test_a_block_that_attends_itself_and_has_a_module_for_its_mlp_is_no_attention() -> None:
    tape = Tape(calls=[("h.0", "Layer"), ("h.0.mlp", "MLP")])
    x = tape.input(5, 8)
    tape.at("h.0")
    x = tape.like("add", x, tape.attention(tape.like("native_layer_norm", x), heads=2))
    tape.at("h.0.mlp")
    y = tape.linear(tape.like("gelu", tape.linear(x, "h.0.mlp.up", 32)), "h.0.mlp.down", 8)
    tape.at("h.0")
    tree = until("tree", tape.trace(tape.like("add", x, y)))["tree"]
    assert [node.kind for node in tree.sections()] == ["model", "block", "attention", "mlp"]


def test_several_runs_of_one_section_get_paths_of_their_own() -> None:
    tape = Tape()
    x = tape.input(5, 8)
    for name in ("a", "b", "c"):
        hidden = tape.like("gelu", tape.linear(tape.like("native_layer_norm", x), f"{name}.up", 32))
        x = tape.like("add", x, tape.linear(hidden, f"{name}.down", 8))
    paths = [item[0] for item in shown(until("tree", tape.trace(x))["tree"]) if not isinstance(item, str)]
    assert paths == ["<mlp>", "<mlp-2>", "<mlp-3>"]


def test_modules_around_one_product_vanish() -> None:
    tape = Tape(calls=[("fc", "Linear"), ("act", "GELU"), ("out", "Linear")])
    x = tape.input(5, 8)
    tape.at("fc")
    x = tape.linear(x, "fc.weight", 32)
    tape.at("act")
    x = tape.like("gelu", x)
    tape.at("out")
    tree = until("tree", tape.trace(tape.linear(x, "out.weight", 8)))["tree"]
    assert shown(tree) == ["product", "activation", "product"]


def test_equal_sections_fold_into_the_first() -> None:
    folded = until("folded", layers((32, 32, 32)))["folded"]
    assert shown(folded) == [layer("h.0", 3)]
    assert folded.nodes[0].members == ("h.0", "h.1", "h.2")
    assert [other.path for other in folded.nodes[0].folded] == ["h.1", "h.2"]


def test_sections_of_other_shapes_stay_apart_whatever_their_class() -> None:
    assert shown(until("folded", layers((32, 32, 16)))["folded"]) == [layer("h.0", 2), layer("h.2")]


def test_sections_of_other_rows_stay_apart() -> None:
    assert [repeat for _, repeat, _ in shown(until("folded", normed((5, 5, 3), (8, 8, 8)))["folded"])] == [2, 1]


def test_sections_with_other_parameters_stay_apart() -> None:
    assert [repeat for _, repeat, _ in shown(until("folded", normed((5, 5, 5), (8, 8, 0)))["folded"])] == [2, 1]


def normed(rows: tuple[int, ...], gains: tuple[int, ...]) -> Trace:
    """Layers of two products and a norm, each with rows of its own and a norm with or without a gain."""
    tape = Tape(calls=[(f"h.{i}", "Layer") for i in range(len(rows))])
    for i, (n, gain) in enumerate(zip(rows, gains, strict=True)):
        x = tape.input(n, 8)
        tape.at(f"h.{i}")
        weights = [tape.weight(f"h.{i}.gain", gain)] if gain else []
        x = tape.like("native_layer_norm", tape.linear(x, f"h.{i}.a", 8), *weights)
        tape.linear(x, f"h.{i}.b", 8)
    return tape.trace()


def test_equal_sections_of_two_classes_fold() -> None:
    folded = until("folded", layers((32, 32), classes=("Layer", "Other")))["folded"]
    assert shown(folded) == [layer("h.0", 2)]


def test_sections_that_alternate_fold_as_pairs() -> None:
    folded = until("folded", layers((32, 16, 32, 16)))["folded"]
    ((_, repeat, inside),) = shown(folded)
    assert repeat == 2 and inside == [layer("h.0"), layer("h.1")]


def owned(trace: Trace) -> dict[int, int]:
    found = until("accounts", trace)
    return {draft.order: found["accounts"].owned(draft) for draft in found["drafts"] if draft.weights}


def test_a_weight_belongs_to_the_first_step_that_reads_it() -> None:
    tape = Tape()
    weight = tape.weight("w", 8, 8)
    once = tape.times(tape.input(5, 8), weight)
    trace = tape.trace(tape.times(once, weight))
    found = until("accounts", trace)
    first, second = found["drafts"]
    assert owned(trace) == {0: 64, 1: 0}
    assert [found["accounts"].tied_to(draft) for draft in (first, second)] == ["", "w"]


def test_slices_of_a_weight_belong_to_those_that_read_them() -> None:
    tape = Tape()
    weight, x = tape.weight("w", 8, 12), tape.input(5, 8)
    for start, stop in ((0, 4), (4, 12)):
        tape.times(x, tape.op("slice", (weight,), 8, stop - start, dim=1, start=start, end=stop))
    assert owned(tape.trace()) == {1: 32, 3: 64}


def test_totals_count_products_and_what_no_step_reads() -> None:
    tape = Tape()
    tape.weight("idle", 7)
    totals = until("totals", tape.trace(tape.linear(tape.input(5, 8), "w", 16)))["totals"]
    assert (totals.matmul_flops, totals.parameters, totals.unused_parameters) == (2 * 5 * 8 * 16, 135, 7)
    assert totals.activation_bytes == 5 * 16 * 4


def test_one_token_passes_the_experts_that_are_chosen_for_it() -> None:
    """Two of four experts of 8 x 3: half of 96 parameters are idle."""
    tape = Tape()
    x = tape.input(5, 8)
    scores = tape.like("_softmax", tape.linear(x, "router", 4), dim=-1)
    _, places = tape.ops("topk", (scores,), [((5, 2), "float32"), ((5, 2), "int64")], k=2, dim=-1)
    rows = tape.op("index", (x, tape.op("view", (places,), 10, dtype="int64")), 10, 8)
    tape.op("_grouped_mm", (rows, tape.weight("experts", 4, 8, 3)), 10, 3)
    totals = until("totals", tape.trace())["totals"]
    assert totals.parameters - totals.active_parameters == 48


def of_sets(*, drawn: tuple[int, ...], behind: tuple[int, ...], away: tuple[int, ...]) -> tuple[int, ...]:
    """Coverage of five operations, said to be in these places: drawn, folded, elided, misplaced."""
    tape = Tape()
    x = tape.input(5, 8)
    for _ in range(5):
        x = tape.like("relu", x)

    def section(ops: tuple[int, ...], *folded: Node) -> Node:
        return Node("h.0", "Layer", (Draft(ops, "activation", (), ()),), folded=folded)

    root = Node("", "Net", (section(drawn, section(behind)),))
    found = coverage(tape.trace(x), root, Collected((), dict.fromkeys(away, "views")))
    return found.drawn, found.folded, found.elided, found.misplaced


def test_coverage_counts_three_sets() -> None:
    assert of_sets(drawn=(0, 1), behind=(2,), away=(3, 4)) == (2, 1, 2, 0)


def test_coverage_notices_what_is_nowhere_twice_or_unheard_of() -> None:
    assert of_sets(drawn=(0, 1), behind=(2,), away=(3,))[-1] == 1
    assert of_sets(drawn=(0, 1), behind=(1, 2), away=(3, 4))[-1] == 1
    assert of_sets(drawn=(0, 1), behind=(2,), away=(1, 3, 4))[-1] == 1
    assert of_sets(drawn=(0, 1), behind=(2,), away=(3, 4, 9))[-1] == 1
