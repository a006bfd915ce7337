"""Single passes from facts: attentions, states, appends, roles of axes, columns; traces written by hand."""

from shapetrace.outlining.recognise.attention import operands_of
from shapetrace.outlining.roles import Part, Role
from tests.outlining.tape import Tape, until


def projected(tape: Tape, x: int, *names: str) -> list[int]:
    return [tape.linear(x, name, 8) for name in names]


def test_a_product_with_the_softmax_of_another_one_is_attention() -> None:
    tape = Tape()
    q, k, v = projected(tape, tape.input(5, 8), "q", "k", "v")
    weights = tape.like("_softmax", tape.times(q, tape.turned(k)), dim=-1)
    found = until("attentions", tape.trace(tape.times(weights, v)))
    (attention,) = found["attentions"]
    assert (attention.scores, attention.weighted, attention.weighing.name) == (3, 4, "softmax")
    assert [part for part, _, _ in operands_of(found["flow"], attention)] == [Part.QUERY, Part.KEY, Part.VALUE]


def test_a_softmax_over_rows_says_that_keys_are_on_the_left() -> None:
    tape = Tape()
    x, other = tape.input(5, 8), tape.input(7, 8)
    k, v = projected(tape, x, "k", "v")
    (q,) = projected(tape, other, "q")
    weights = tape.like("_softmax", tape.times(k, tape.turned(q)), dim=0)
    found = until("attentions", tape.trace(tape.times(tape.turned(v), weights)))
    (attention,) = found["attentions"]
    assert attention.query_right and attention.weights_right


def test_a_softmax_that_meets_no_values_is_no_attention() -> None:
    tape = Tape()
    q, k = projected(tape, tape.input(5, 8), "q", "k")
    likely = tape.like("_softmax", tape.times(q, tape.turned(k)), dim=-1)
    assert until("attentions", tape.trace(likely))["attentions"] == ()


def test_an_activation_of_a_product_with_weights_is_no_attention() -> None:
    tape = Tape()
    hidden = tape.like("relu", tape.linear(tape.input(5, 8), "up", 32))
    assert until("attentions", tape.trace(tape.linear(hidden, "down", 8)))["attentions"] == ()


def test_keys_multiplied_with_values_are_a_state_that_queries_read() -> None:
    tape = Tape()
    q, k, v = projected(tape, tape.input(5, 8), "q", "k", "v")
    read = tape.times(q, tape.times(tape.turned(k), v))
    states = until("states", tape.trace(read))["states"]
    assert {position: state.role for position, state in states.items()} == {3: Role.STATE, 4: Role.READ_STATE}
    assert (states[3].left, states[3].right) == (Part.KEY, Part.VALUE)


def cached(*, behind: bool) -> Tape:
    """Attention whose keys and values were put behind those of an earlier pass, or beside two more of this one."""
    tape = Tape()
    x = tape.input(2, 8)
    q, k, v = (tape.heads(value, 2) for value in projected(tape, x, "q", "k", "v"))
    for name in ("k", "v"):
        before = tape.kept(2, 3, 4) if behind else tape.heads(tape.linear(tape.input(3, 8), f"{name}2", 8), 2)
        new = tape.op("cat", (before, k if name == "k" else v), 2, 5, 4, dim=1)
        k, v = (new, v) if name == "k" else (k, new)
    weights = tape.like("_softmax", tape.times(q, tape.turned(k)), dim=-1)
    tape.times(weights, v)
    return tape


def test_rows_behind_those_that_no_operation_made_are_appended() -> None:
    appends = until("appends", cached(behind=True).trace())["appends"]
    assert [(append.part, append.in_place) for append in appends.values()] == [(Part.KEY, False), (Part.VALUE, False)]


def test_rows_beside_those_of_the_same_pass_are_not_appended() -> None:
    assert until("appends", cached(behind=False).trace())["appends"] == {}


def test_heads_come_out_of_columns() -> None:
    tape = Tape()
    out = tape.attention(tape.input(5, 8), heads=2)
    found = until("columns", tape.trace(out))
    pieces = {product: (*piece.parts, piece.heads, piece.width)
              for product, (piece,) in found["columns"].items()}  # fmt: skip
    assert pieces == {0: (Part.QUERY, 2, 4), 1: (Part.KEY, 2, 4), 2: (Part.VALUE, 2, 4)}
    atoms = found["facts"].atoms
    assert [atoms.size((leaf,)) for leaf in found["axis_roles"].heads] == [2]
    assert not found["axis_roles"].examples


def test_columns_cut_out_of_one_projection_are_told_apart_in_order() -> None:
    tape = Tape()
    whole = tape.linear(tape.input(5, 8), "qkv", 24)
    q, k, v = (
        tape.heads(tape.op("slice", (whole,), 5, 8, dim=1, start=8 * place, end=8 * place + 8), 2)
        for place in (2, 0, 1)
    )
    weights = tape.like("_softmax", tape.times(q, tape.turned(k)), dim=-1)
    (pieces,) = until("columns", tape.trace(tape.times(weights, v)))["columns"].values()
    assert [(*piece.parts, piece.start, piece.heads) for piece in pieces] == [
        (Part.KEY, 0, 2), (Part.VALUE, 8, 2), (Part.QUERY, 16, 2)
    ]  # fmt: skip


def test_examples_are_the_axis_of_an_input_that_attention_does_not_mix() -> None:
    tape = Tape()
    q = tape.input(3, 5, 8)
    weights = tape.like("_softmax", tape.times(q, tape.turned(q)), dim=-1)
    found = until("axis_roles", tape.trace(tape.times(weights, q)))
    assert [found["facts"].atoms.size((leaf,)) for leaf in found["axis_roles"].examples] == [3]
    assert not found["axis_roles"].heads
