"""Which values are drawn for what is varied."""

import shapetrace
from shapetrace.models.settings import Settings
from shapetrace.obtaining import obtain
from shapetrace.proving import prove, reference
from shapetrace.request import Request
from shapetrace.sizing.variables import Variable, draws
from shapetrace.sizing.varying import sizes


def test_what_is_doubled_stays_a_power_of_two():
    heads = Variable("n_head", "h", 8, "entry", doubled=True)
    drawn = [found[heads] for found in draws([heads, Variable("hidden_size", "d_model", 64, "entry")], 3)]
    assert all(value > 8 and value & (value - 1) == 0 for value in drawn)


def test_heads_that_must_be_a_power_of_two_have_a_name():
    request = Request(model="hf:bloom", hf_set=("n_layer=2",))
    found = prove(request, obtain(request, str)).sizes
    assert found is not None
    assert "h" in found.symbols
    assert not found.refused


def test_what_has_the_same_value_in_every_pass_was_not_varied():
    trace = reference.run(Settings(layers=1, heads=2, d_model=8, seq=6), shallow=False)
    stays = Variable("k", "k", 1, "entry", below=True)
    found = sizes(shapetrace.Trace.of(trace), [stays], lambda _, shallow: trace)  # noqa: ARG005 - a model that stays
    assert found.symbols == {}
    assert [(each.symbol, each.reason) for each in found.refused] == [
        ("k", "no other value was drawn that fits the others")
    ]
