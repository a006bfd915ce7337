"""The notebook of docs/: its cells run one after the other, and what they show works in an exported page."""

import ast
import json
from importlib.util import find_spec
from pathlib import Path

import pytest

from shapetrace.api import Explorer
from tests.browser import chromium, open_browser

NOTEBOOK = Path(__file__).parents[2] / "docs" / "explore.ipynb"


def executed() -> list[object]:
    """What each code cell shows: the value of its last line."""
    names: dict[str, object] = {}
    shown = []
    for cell in json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]:
        if cell["cell_type"] == "code":
            tree = ast.parse("".join(cell["source"]))
            last = tree.body.pop()
            assert isinstance(last, ast.Expr)
            exec(compile(tree, str(NOTEBOOK), "exec"), names)
            shown.append(eval(compile(ast.Expression(last.value), str(NOTEBOOK), "eval"), names))
    return shown


def test_every_cell_shows_a_page():
    shown = executed()
    assert len(shown) == 4
    assert all(isinstance(each, Explorer) and "<iframe" in each._repr_html_() for each in shown)


@pytest.mark.skipif(chromium() is None, reason="no Chromium on this system")
@pytest.mark.skipif(find_spec("nbconvert") is None, reason="no nbconvert: pip install nbconvert")
@pytest.mark.filterwarnings("ignore")  # nbconvert's own
def test_the_pages_of_an_exported_notebook_work_side_by_side(tmp_path):
    import nbformat
    from nbconvert import HTMLExporter

    notebook = nbformat.read(NOTEBOOK, as_version=4)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    for cell, shown in zip(code, executed(), strict=True):
        data = {"text/html": shown._repr_html_(), "text/plain": repr(shown)}
        cell.outputs = [nbformat.v4.new_output("execute_result", data, execution_count=1)]
    path = tmp_path / "notebook.html"
    path.write_text(HTMLExporter().from_notebook_node(notebook)[0], encoding="utf-8")
    with open_browser() as browser:
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        page.goto(path.as_uri())
        frames = [page.frame_locator(f"iframe >> nth={n}") for n in range(4)]
        titles = []
        for n, frame in enumerate(frames):
            page.locator("iframe").nth(n).scroll_into_view_if_needed()
            titles.append(frame.locator("aside h2").inner_text())
        assert titles[:3] == ["GPT-2 small", "Scores", "Sequential"]
        assert "8 ≠ 9" in frames[3].locator(".failure svg").text_content()
        frames[0].locator(".area[aria-label=MLP]").click()
        assert frames[0].locator("aside h2").inner_text() == "MLP"
        assert frames[1].locator("aside h2").inner_text() == "Scores"
