"""Properties of the figure of any outline whatever."""

import xml.etree.ElementTree as ET

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shapetrace.drawing import Look, figure
from shapetrace.formats.svg import render
from shapetrace.outlining.structure import Outline
from tests.drawing.geometry import assert_sound
from tests.drawing.random_outlines import outlines

LOOKS = st.builds(
    Look,
    width_px=st.sampled_from([600, 700, 900, 1200]),
    dims=st.sampled_from(["numbers", "names", "both"]),
    max_rows=st.sampled_from([1, 5, 60]),
    list_alike=st.booleans(),
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(outlines(), LOOKS, st.sampled_from(["en", "zh"]), st.sampled_from(["default", "print"]))
def test_no_text_overlaps_and_nothing_is_clipped(outline: Outline, look: Look, lang: str, theme: str) -> None:
    drawn = figure(outline, look=look, lang=lang, theme=theme)
    assert_sound(drawn)
    assert drawn.width_px <= look.width_px
    document = render(drawn)
    ET.fromstring(document)
    assert document == render(figure(outline, look=look, lang=lang, theme=theme))
