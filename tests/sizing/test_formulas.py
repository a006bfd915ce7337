"""Formulas are exact polynomials that print as the field writes them, and are read back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shapetrace.sizing import Formula, parse
from shapetrace.sizing.formulas import product, total

NAMES = ("B", "T", "h", "d_model", "d_ff", "own_name")
VALUES = {"B": 3, "T": 17, "h": 4, "d_model": 40, "d_ff": 96, "own_name": 7}

numbers = st.integers(1, 6).map(Formula.of)
symbols = st.sampled_from(NAMES).map(Formula.of)
formulas = st.recursive(
    numbers | symbols,
    lambda inner: st.tuples(inner, inner).map(lambda two: two[0] + two[1]) | st.lists(inner, max_size=3).map(product),
    max_leaves=6,
)


@given(formulas)
def test_what_is_printed_is_read_back(formula: Formula) -> None:
    assert parse(str(formula)) == formula


@given(formulas, formulas)
def test_sums_and_products_have_the_sums_and_products_of_the_values(one: Formula, other: Formula) -> None:
    assert (one + other).at(VALUES) == one.at(VALUES) + other.at(VALUES)
    assert (one * other).at(VALUES) == one.at(VALUES) * other.at(VALUES)
    assert (one - one).at(VALUES) == 0
    assert total([one, other, None]) is None


@pytest.mark.parametrize(
    ("text", "written", "value"),
    [
        ("d_model*T*2*B*d_ff", "2·B·T·d_model·d_ff", 2 * 3 * 17 * 40 * 96),
        ("d_model/h", "d_model/h", 10),
        ("h·d_model + 2·h·d_ff", "h·(d_model+2·d_ff)", 4 * 40 + 2 * 4 * 96),
        ("6·T+9", "3·(2·T+3)", 111),
        ("2·T−1", "2·T−1", 33),
        ("T²+1", "T²+1", 290),
        ("⌈T/16⌉·16 − T", "−T+16·⌈T/16⌉", 15),
        ("⌊(T-1)/2⌋+1", "⌊T/2−1/2⌋+1", 9),
    ],
)
def test_formulas_are_written_as_the_field_writes_them(text: str, written: str, value: int) -> None:
    assert str(parse(text)) == written
    assert parse(text).at(VALUES) == value


@pytest.mark.parametrize("text", ["", "2·", "d_model d_ff", "(T", "T/(B+1)", "⌈T", "T$", "1/0", "T" + "²" * 5000])
def test_what_is_no_formula_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"formula|divides|misses|power"):
        parse(text)


def test_a_value_that_is_no_whole_number_is_refused() -> None:
    with pytest.raises(ValueError, match="no whole number"):
        parse("T/h").at(VALUES)
