import pytest

from shapetrace.formats.numbers import exact, percent, short, short_count


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, "0"),
        (999, "999"),
        (1000, "1.00 K"),
        (1207959552, "1.21 G"),
        (999_999_999, "1.00 G"),
        (79_047_426_048, "79.05 G"),
    ],
)
def test_short_numbers_have_a_unit(number, text):
    assert short(number) == text


def test_counts_and_shares():
    assert exact(124439808) == "124,439,808"
    assert short_count(405_853_388_800) == "405.9 B"
    assert percent(1, 3) == "33.3 %"
    assert percent(0, 0) == "–"
