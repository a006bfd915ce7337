"""Every figure of the gallery in Chromium, light and dark: no overlaps, nothing clipped, everything legible."""

from pathlib import Path

import pytest

from tests.browser import chromium, surveys

GALLERY = Path(__file__).resolve().parents[1] / "gallery"
FIGURES = sorted(path.relative_to(GALLERY).as_posix() for path in GALLERY.rglob("*.svg"))

pytestmark = pytest.mark.skipif(chromium() is None, reason="no Chromium on this system")


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_of_the_gallery_is_sound(browser, name):
    for scheme, (found,) in surveys(browser, GALLERY / name):
        found.assert_sound()
        assert (found.background == "rgb(255, 255, 255)") == (scheme == "light")
        if not name.startswith("parameters/"):  # tables of a family's numbers have a column a model
            assert found.width_px <= 700
            assert found.font_px * min(1, 700 / found.width_px) >= 10
