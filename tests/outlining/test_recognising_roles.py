"""Single passes from steps: what products are for. Traces written by hand, weights named w and a number."""

from shapetrace.ir import Trace
from shapetrace.outlining.passes import PASSES
from shapetrace.outlining.roles import Role
from tests.outlining.tape import Tape, until

ORDER = [each.gives for each in PASSES]


def roles_in(trace: Trace, gives: str) -> dict[str, Role]:
    """The roles that a pass gives to products, by the name of their weight."""
    found = until(max(gives, "drafts", key=ORDER.index), trace)
    return {
        trace.tensors[draft.weights[0]].name: found[gives][draft.key]
        for draft in found["drafts"]
        if draft.key in found[gives] and draft.weights
    }


def routed(*, choosing: bool, sending: bool = True) -> Tape:
    tape = Tape()
    rows = tape.input(5, 8)
    scores = tape.like("_softmax", tape.linear(rows, "w1", 4), dim=-1)
    if choosing:
        _, places = tape.ops("topk", (scores,), [((5, 2), "float32"), ((5, 2), "int64")], k=2, dim=-1)
        if sending:
            tape.op("index", (rows, tape.op("eq", (places,), 5, 2, dtype="bool")), 3, 8)
    return tape


def test_a_product_whose_best_columns_are_chosen_and_send_rows_routes() -> None:
    assert roles_in(routed(choosing=True).trace(), "router_roles") == {"w1": Role.ROUTER}
    assert roles_in(routed(choosing=False).trace(), "router_roles") == {}


def test_the_best_columns_that_a_model_gives_back_choose_no_expert() -> None:
    assert roles_in(routed(choosing=True, sending=False).trace(), "router_roles") == {}


def test_the_best_rows_of_a_product_choose_no_expert() -> None:
    tape = Tape()
    scores = tape.linear(tape.input(5, 8), "w1", 4)
    tape.ops("topk", (scores,), [((2, 4), "float32"), ((2, 4), "int64")], k=2, dim=0)
    assert roles_in(tape.trace(), "router_roles") == {}


def test_two_products_around_an_activation_expand_and_shrink() -> None:
    tape = Tape()
    hidden = tape.like("gelu", tape.linear(tape.input(5, 8), "w1", 32))
    trace = tape.trace(tape.linear(hidden, "w2", 8))
    assert roles_in(trace, "mlp_roles") == {"w1": Role.EXPAND, "w2": Role.SHRINK}


def test_two_products_with_nothing_between_them_are_no_mlp() -> None:
    tape = Tape()
    trace = tape.trace(tape.linear(tape.linear(tape.input(5, 8), "w1", 32), "w2", 8))
    assert roles_in(trace, "mlp_roles") == {}


def test_the_activated_one_of_two_factors_is_the_gate() -> None:
    tape = Tape()
    x = tape.input(5, 8)
    up, gate = tape.linear(x, "w1", 32), tape.like("silu", tape.linear(x, "w2", 32))
    trace = tape.trace(tape.linear(tape.like("mul", gate, up), "w3", 8))
    assert roles_in(trace, "mlp_roles") == {"w1": Role.UP, "w2": Role.GATE, "w3": Role.DOWN}


def test_a_sum_of_two_products_is_no_gate() -> None:
    tape = Tape()
    x = tape.input(5, 8)
    both = tape.like("add", tape.linear(x, "w1", 32), tape.like("silu", tape.linear(x, "w2", 32)))
    assert Role.GATE not in roles_in(tape.trace(tape.linear(both, "w3", 8)), "mlp_roles").values()


def test_what_reads_the_heads_of_attention_is_the_output_projection() -> None:
    tape = Tape()
    trace = tape.trace(tape.attention(tape.input(5, 8), heads=2))
    assert roles_in(trace, "output_roles") == {"o0": Role.OUT_PROJ}


def latent(rank: int) -> Trace:
    """Attention whose keys and values come from columns of a product."""
    tape = Tape()
    x = tape.input(5, 8)
    narrow = tape.linear(x, "w1", rank)
    q, k, v = (tape.heads(tape.linear(of, name, 8), 2) for of, name in ((x, "w2"), (narrow, "w3"), (narrow, "w4")))
    weights = tape.like("_softmax", tape.times(q, tape.turned(k)), dim=-1)
    return tape.trace(tape.times(weights, v))


def test_a_product_narrower_than_what_is_made_of_it_is_a_latent() -> None:
    assert roles_in(latent(3), "latent_roles") == {"w1": Role.LATENT_DOWN}
    assert roles_in(latent(9), "latent_roles") == {}


def end(columns: int, *, tied: bool = False) -> Trace:
    """Rows of a table of 11, and a last product."""
    tape = Tape()
    table = tape.weight("table", 11, 8)
    rows = tape.op("embedding", (table, tape.input(5, dtype="int64")), 5, 8)
    normed = tape.like("native_layer_norm", rows)
    out = tape.times(normed, tape.turned(table)) if tied else tape.linear(normed, "w1", columns)
    return tape.trace(out)


def test_a_last_product_with_as_many_columns_as_the_vocabulary_unembeds() -> None:
    assert roles_in(end(11), "vocabulary_roles") == {"w1": Role.UNEMBED}
    assert set(roles_in(end(11, tied=True), "vocabulary_roles").values()) == {Role.UNEMBED}


def test_a_last_product_with_other_columns_is_a_head() -> None:
    assert roles_in(end(4), "vocabulary_roles") == {}
    assert roles_in(end(4), "end_roles") == {"w1": Role.HEAD}
    assert roles_in(end(11), "end_roles") == {}


def test_a_product_that_is_added_to_a_stream_ends_nothing() -> None:
    tape = Tape()
    rows = tape.op("embedding", (tape.weight("table", 11, 8), tape.input(5, dtype="int64")), 5, 8)
    assert roles_in(tape.trace(tape.like("add", rows, tape.linear(rows, "w1", 8))), "end_roles") == {}


def test_a_product_that_another_one_follows_ends_nothing() -> None:
    tape = Tape()
    rows = tape.op("embedding", (tape.weight("table", 11, 8), tape.input(5, dtype="int64")), 5, 8)
    assert roles_in(tape.trace(tape.linear(tape.linear(rows, "w1", 8), "w2", 4)), "end_roles") == {"w2": Role.HEAD}


def test_the_last_product_of_a_part_of_a_model_is_no_head() -> None:
    tape = Tape()
    assert roles_in(tape.trace(tape.linear(tape.input(5, 8), "w1", 4)), "end_roles") == {}


def test_a_narrow_way_beside_a_projection_is_an_adapter() -> None:
    tape = Tape()
    x = tape.input(5, 8)
    base, beside = tape.linear(x, "w1", 8), tape.linear(tape.linear(x, "w2", 2), "w3", 8)
    found = until("drafts", tape.trace(tape.like("add", base, beside)))
    roles = {found["facts"].tensor(draft.weights[0]).name: found["adapters"].roles.get(draft.key)
             for draft in found["drafts"] if draft.kind == "product"}  # fmt: skip
    assert roles == {"w1": None, "w2": Role.ADAPTER_DOWN, "w3": Role.ADAPTER_UP}


def crossed(*, apart: bool) -> tuple[Trace, int]:
    tape = Tape()
    x, context = tape.input(5, 8), tape.input(7, 8)
    return tape.trace(tape.attention(x, 2, context if apart else x)), context


def test_keys_of_another_input_are_crossed_to() -> None:
    trace, context = crossed(apart=True)
    crossing = until("crossing", trace)["crossing"]
    assert len(crossing.scores) == 1 and crossing.contexts == {context}


def test_keys_of_the_same_rows_are_not() -> None:
    crossing = until("crossing", crossed(apart=False)[0])["crossing"]
    assert (crossing.scores, crossing.contexts) == (frozenset(), frozenset())


def test_two_streams_of_the_same_rows_are_not_crossed_between() -> None:
    tape = Tape()
    x, other = tape.input(5, 8), tape.input(5, 8)
    out = tape.like("add", tape.attention(x, 2, other), other)
    assert until("crossing", tape.trace(out, tape.like("add", x, other)))["crossing"].scores == frozenset()


def test_the_small_steps_behind_a_router_are_one_choice() -> None:
    router, choice, *_ = until("drafts", routed(choosing=True).trace())["drafts"]
    assert (router.kind, choice.kind, choice.role) == ("product", "route", Role.CHOOSE_EXPERTS)
    assert (choice.ops, [str(note) for note in choice.notes]) == ((1, 2), ["2 of 4"])


def test_without_a_choice_they_stay_apart() -> None:
    drafts = until("drafts", routed(choosing=False).trace())["drafts"]
    assert [draft.kind for draft in drafts] == ["product", "softmax"]


def test_a_block_that_crosses_is_the_decoder_and_what_it_reads_is_made_by_the_encoder() -> None:
    tape = Tape(calls=[("enc", "Layer"), ("dec", "Layer")])
    x, context = tape.input(5, 8), tape.input(7, 8)
    for path in ("enc", "dec"):
        tape.at(path)
        y = context if path == "enc" else tape.like("add", x, tape.attention(x, 2))
        y = tape.like("add", y, tape.attention(y, 2, context))
        hidden = tape.like("gelu", tape.linear(y, f"{path}.up", 32))
        context = tape.like("add", y, tape.linear(hidden, f"{path}.down", 8))
    tree = until("sided_tree", tape.trace(context))["sided_tree"]
    assert [(node.path, node.side) for node in tree.nodes] == [("enc", "encoder"), ("dec", "decoder")]
