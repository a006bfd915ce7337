"""A notebook's cell in Chromium: one picture, as light or dark as the notebook, never wider than the cell."""

import re

import pytest

import shapetrace
from tests.browser import chromium

pytestmark = pytest.mark.skipif(chromium() is None, reason="no Chromium on this system")

DARK = {
    "JupyterLab": '<body data-jp-theme-light="false">',
    "VS Code": '<body class="vscode-dark">',
    "Sphinx": '<html data-theme="dark"><body>',
}
LIGHT = {
    "JupyterLab": '<body data-jp-theme-light="true">',
    "VS Code": '<body class="vscode-light">',
    "a plain page": "<body>",
}
_SHOWN = """() => [...document.images].filter(image => image.getBoundingClientRect().width > 0).map(image => {
    const canvas = document.createElement('canvas');
    canvas.width = canvas.height = 4;
    canvas.getContext('2d').drawImage(image, 0, 0);
    return {width: image.getBoundingClientRect().width, natural: image.naturalWidth,
            ratio: image.getBoundingClientRect().height / image.getBoundingClientRect().width,
            red: canvas.getContext('2d').getImageData(2, 2, 1, 1).data[0]};
})"""


@pytest.fixture(scope="module")
def cell() -> str:
    return shapetrace.preset("gpt2", seq=8, layers=2)._repr_html_()


def pictures(browser, tmp_path, page: str, width_px: int) -> list[dict[str, float]]:
    path = tmp_path / "page.html"
    path.write_text(f'<meta charset="utf-8">{page}', encoding="utf-8")
    opened = browser.new_page(viewport={"width": width_px, "height": 600})
    try:
        opened.goto(path.as_uri())
        found: list[dict[str, float]] = opened.evaluate(_SHOWN)
    finally:
        opened.close()
    return found


@pytest.mark.parametrize("page", [*DARK.items(), *LIGHT.items()], ids=lambda page: f"{page[0]} {page[1]}")
def test_one_picture_is_shown_and_follows_the_page(browser, tmp_path, cell, page):
    (shown,) = pictures(browser, tmp_path, f"{page[1]}{cell}", 600)
    assert shown["width"] <= 600 < shown["natural"]
    assert shown["ratio"] > 1
    assert (shown["red"] < 80) == (page in DARK.items())


def test_without_style_sheets_one_picture_is_shown(browser, tmp_path, cell):
    bare = re.sub(r"<style>.*?</style>", "", cell, flags=re.DOTALL)
    bare = re.sub(r' (?:class|hidden|style)(?:="[^"]*")?', "", bare)
    (shown,) = pictures(browser, tmp_path, f"<style>img {{ max-width: 100% }}</style><body>{bare}", 700)
    assert shown["red"] > 200
