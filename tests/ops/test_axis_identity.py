"""Axis atoms against brute force: an axis that the atoms call the same is the same, element by element."""

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.ops.chains import CUTTING, EXACT, Chain, chains, facts_of, lies

_FAST = settings(max_examples=150)


@_FAST
@given(chains())
def test_the_atoms_of_a_chain_never_lie(chain: Chain) -> None:
    x = torch.rand(chain.shape)
    facts = facts_of(chain, x)
    assert lies(facts, chain, [x]) == []


@_FAST
@given(chains(EXACT, sizes=(1, 2, 4, 8)))
def test_views_and_permutes_of_powers_of_two_lose_no_atom(chain: Chain) -> None:
    facts = facts_of(chain, torch.rand(chain.shape))
    before, after = (facts.atoms.flat(facts.axes_of(v)) for v in (facts.trace.inputs[0], facts.trace.outputs[0]))
    assert sorted(before) == sorted(after)
    assert facts.atoms.unmatched == 0


@_FAST
@given(chains(CUTTING))
def test_recorded_shapes_and_atoms_always_agree(chain: Chain) -> None:
    facts = facts_of(chain, torch.rand(chain.shape))
    for value, axes in facts.axes.items():
        assert facts.atoms.shape(axes) == facts.tensor(value).shape


@_FAST
@given(chains(CUTTING, longest=3), chains(CUTTING, longest=3), st.data())
def test_the_atoms_of_a_product_never_lie(one: Chain, other: Chain, data: st.DataObject) -> None:
    x, y = torch.rand(one.shape), torch.rand(other.shape)
    left, right = one(x), other(y)
    rows, columns = left.reshape(left.size(0) if left.dim() else 1, -1), right.reshape(-1)
    inner = rows.size(1)
    if columns.numel() % inner or columns.numel() // inner * rows.size(0) > 256:
        return

    def function(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        left, right = one(x), other(y)
        flat = left.reshape(rows.shape)
        return flat @ right.reshape(-1, inner).to(flat).t() if turned else flat @ right.reshape(inner, -1).to(flat)

    turned = data.draw(st.booleans())
    facts = facts_of(function, x, y)
    assert len(facts.products) == 1
    assert lies(facts, function, [x, y]) == []


def test_the_check_itself_can_fail() -> None:
    x = torch.rand(2, 2)
    facts = facts_of(lambda x: x.transpose(0, 1), x)
    facts.axes[facts.trace.outputs[0]] = facts.axes[facts.trace.inputs[0]]
    assert lies(facts, lambda x: x.transpose(0, 1), [x])
