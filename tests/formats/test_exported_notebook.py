"""Notebooks exported by nbconvert, light and dark, sanitized and not, in Chromium."""

from importlib.util import find_spec

import pytest

import shapetrace
from tests.browser import chromium

pytestmark = [
    pytest.mark.skipif(chromium() is None, reason="no Chromium on this system"),
    pytest.mark.skipif(find_spec("nbconvert") is None, reason="no nbconvert: pip install nbconvert"),
    pytest.mark.filterwarnings("ignore"),  # nbconvert's own, and those of what it imports
]


@pytest.fixture(scope="module")
def notebook() -> object:
    """A notebook whose cells show a trace, an outline, totals and a figure."""
    import nbformat

    trace = shapetrace.preset("gpt2", seq=8, layers=2)
    shown = [trace, trace.outline(), trace.totals, shapetrace.figure(trace, section="mlp")]
    made = nbformat.v4.new_notebook()
    for each in shown:
        data = {"text/html": each._repr_html_(), "text/plain": repr(each)}
        output = nbformat.v4.new_output("execute_result", data, execution_count=1)
        made.cells.append(nbformat.v4.new_code_cell("shown", outputs=[output], execution_count=1))
    return made


def exported(notebook, path, **options):
    from nbconvert import HTMLExporter

    body, _ = HTMLExporter(**options).from_notebook_node(notebook)
    path.write_text(body, encoding="utf-8")
    return path


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_pictures_fit_and_follow_the_theme(browser, notebook, tmp_path, theme):
    page = browser.new_page(viewport={"width": 800, "height": 900})
    page.goto(exported(notebook, tmp_path / "notebook.html", theme=theme).as_uri())
    widths = page.evaluate("Object.fromEntries([...document.images].map((image, n) => "
                           "[`${n} ${image.className}`, image.getBoundingClientRect().width]))")  # fmt: skip
    page.close()
    day, night = ([w for name, w in widths.items() if name.endswith(end)] for end in ("-day", "-night"))
    shown, hidden = (day, night) if theme == "light" else (night, day)
    assert len(shown) == 2
    assert all(200 < width <= 800 for width in shown)
    assert not any(hidden)


def test_a_sanitized_notebook_has_a_readable_table(browser, notebook, tmp_path):
    page = browser.new_page()
    page.goto(exported(notebook, tmp_path / "notebook.html", sanitize_html=True).as_uri())
    cells = page.evaluate("[...document.querySelectorAll('.jp-OutputArea-output td')].map(e => e.textContent.trim())")
    page.close()
    assert {"Query", "[8,768]×[768,64]→[8,64]", "590,592"} <= set(cells)
