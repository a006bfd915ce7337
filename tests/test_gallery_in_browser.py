"""Every figure of the gallery in Chromium, light and dark: no overlaps, nothing clipped, everything legible."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.browser import chromium, open_browser, survey

GALLERY = Path(__file__).resolve().parents[1] / "gallery"
FIGURES = sorted(path.relative_to(GALLERY).as_posix() for path in GALLERY.rglob("*.svg"))

pytestmark = pytest.mark.skipif(chromium() is None, reason="no Chromium on this system")


@pytest.fixture(scope="module")
def browser() -> Iterator[object]:
    with open_browser() as opened:
        yield opened


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_of_the_gallery_is_sound(browser, name, scheme):
    (found,) = survey(browser, GALLERY / name, scheme)
    found.assert_sound()
    assert (found.background == "rgb(255, 255, 255)") == (scheme == "light")


PICTURES = [name for name in FIGURES if not name.startswith("parameters/")]
"""All but tables of a family's numbers, which have a column a model."""


@pytest.mark.parametrize("name", PICTURES)
def test_text_in_a_column_of_700_px_is_at_least_10_px(browser, name):
    (found,) = survey(browser, GALLERY / name)
    assert found.width_px <= 700
    assert found.font_px * min(1, 700 / found.width_px) >= 10
