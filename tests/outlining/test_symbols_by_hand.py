"""Single passes before the words: what operands are, and how their sizes are called; traces written by hand."""

from shapetrace.ir import Trace
from shapetrace.outlining.drafts import Draft
from shapetrace.outlining.roles import Part, Role
from shapetrace.outlining.symbol_rules import Symbol
from tests.outlining.tape import Tape, until


def model() -> Trace:
    """Ids → rows → attention → MLP → scores over the vocabulary, with a norm before each."""
    tape = Tape()
    x = tape.op("embedding", (tape.weight("table", 11, 8), tape.input(5, dtype="int64")), 5, 8)
    x = tape.like("add", x, tape.attention(tape.like("native_layer_norm", x), heads=2))
    hidden = tape.like("gelu", tape.linear(tape.like("native_layer_norm", x), "up", 32))
    x = tape.like("add", x, tape.linear(hidden, "down", 8))
    return tape.trace(tape.linear(tape.like("native_layer_norm", x), "head", 11))


def by_role(found: dict[str, object], gives: str, role: Role) -> tuple[list[object], list[object]]:
    """What a pass says of the operands and results of the step with a role."""
    draft: Draft = next(d for d in found["drafts"] if found["roles"].get(d.key) is role)
    known = found[gives]
    return (
        [known.get((draft.key, False, place), ()) for place in range(len(draft.operands))],
        [known.get((draft.key, True, place), ()) for place in range(len(draft.results))],
    )


def symbol(role: Role) -> tuple[list[object], list[object]]:
    return by_role(dict(until("symbols", model())), "symbols", role)


def size(role: Role) -> tuple[list[object], list[object]]:
    return by_role(dict(until("sizes", model())), "sizes", role)


def test_operands_of_attention_are_what_it_reads() -> None:
    normed = Symbol(Part.STREAM, normed=True)
    assert symbol(Role.QUERY) == ([normed, Symbol(Part.WEIGHT, role=Role.QUERY)], [Symbol(Part.QUERY)])
    assert symbol(Role.SCORES) == ([Symbol(Part.QUERY), Symbol(Part.KEY)], [Symbol(Part.SCORES)])
    assert symbol(Role.WEIGHTED_SUM) == ([Symbol(Part.ATTENTION_WEIGHTS), Symbol(Part.VALUE)], [Symbol(Part.HEADS)])


def test_the_stream_is_counted_by_its_sums() -> None:
    assert symbol(Role.LOOKUP_TOKENS) == ([Symbol(Part.IDS), Symbol(Part.TABLE)], [Symbol(Part.STREAM)])
    assert symbol(Role.EXPAND)[0][0] == Symbol(Part.STREAM, "1", normed=True)
    assert symbol(Role.UNEMBED)[0][0] == Symbol(Part.STREAM, "2", normed=True)


def test_results_are_what_their_step_is_for() -> None:
    assert symbol(Role.EXPAND)[1] == [Symbol(Part.HIDDEN)]
    assert symbol(Role.SHRINK) == (
        [Symbol(Part.HIDDEN), Symbol(Part.WEIGHT, role=Role.SHRINK)],
        [Symbol(Part.FEED_FORWARD)],
    )
    assert symbol(Role.UNEMBED)[1] == [Symbol(Part.LOGITS)]


def test_sizes_are_named_by_what_they_count() -> None:
    assert size(Role.QUERY) == ([("T", "d_model"), ("d_model", "d_head")], [("T", "d_head")])
    assert size(Role.SCORES) == ([("T", "d_head"), ("d_head", "T")], [("T", "T")])
    assert size(Role.EXPAND) == ([("T", "d_model"), ("d_model", "d_ff")], [("T", "d_ff")])
    assert size(Role.UNEMBED) == ([("T", "d_model"), ("d_model", "vocab")], [("T", "vocab")])


def test_a_size_that_nothing_knows_has_no_name() -> None:
    tape = Tape()
    trace = tape.trace(tape.times(tape.input(5, 8), tape.input(8, 6)))
    assert until("sizes", trace)["sizes"].get((0, True, 0), ()) == ()
