"""A notebook opened in the real JupyterLab: not trusted and trusted, light and dark, in Chromium."""

import json
import os
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import nbformat
import pytest
from playwright.sync_api import Page

import shapetrace
from tests.browser import chromium, open_browser
from tests.programs import environment, run

pytestmark = [pytest.mark.slow, pytest.mark.skipif(chromium() is None, reason="no Chromium on this system")]

_CELL = """
(cell) => {
  const text = [...cell.querySelectorAll('td')].map((each) => each.textContent.trim());
  const images = [...cell.querySelectorAll('img')].map((each) => [each.className, each.getBoundingClientRect().width]);
  const output = cell.querySelector('.jp-OutputArea-output');
  return { text, images, isWide: output.scrollWidth > output.clientWidth };
}
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    made = tmp_path_factory.mktemp("jupyterlab")
    trace = shapetrace.preset("gpt2", seq=8, layers=2)
    shown = [trace, trace.outline(), trace.totals, shapetrace.figure(trace, section="mlp"), shapetrace.explore(trace)]
    notebook = nbformat.v4.new_notebook()
    for each in shown:
        data = {"text/html": each._repr_html_(), "text/plain": repr(each)}
        output = nbformat.v4.new_output("execute_result", data, execution_count=1)
        notebook.cells.append(nbformat.v4.new_code_cell("shown", outputs=[output], execution_count=1))
    (made / "notebooks").mkdir()
    nbformat.write(notebook, made / "notebooks" / "shown.ipynb")
    return made


@contextmanager
def laboratory(folder: Path, theme: str, trusted: bool) -> Iterator[str]:
    """The address of a JupyterLab."""
    programs = environment("jupyterlab", "jupyterlab>=4,<5")
    names = {name: str(folder / f"{name}-{trusted}") for name in ("DATA", "CONFIG", "RUNTIME")}
    env = {f"JUPYTER_{name}_DIR": path for name, path in names.items()} | {
        "JUPYTERLAB_SETTINGS_DIR": str(folder / theme), "JUPYTERLAB_WORKSPACES_DIR": str(folder / f"work-{theme}"),
    }  # fmt: skip
    settings = folder / theme / "@jupyterlab" / "apputils-extension"
    settings.mkdir(parents=True, exist_ok=True)
    (settings / "themes.jupyterlab-settings").write_text(json.dumps({"theme": f"JupyterLab {theme}"}))
    if trusted:
        run(folder, programs / "jupyter", "trust", "notebooks/shown.ipynb", env=env)
    words = ["--no-browser", "--allow-root", "--port=0", "--IdentityProvider.token=", "--LabApp.news_url=None"]
    server = subprocess.Popen(
        [programs / "jupyter", "lab", *words, f"--notebook-dir={folder / 'notebooks'}"],
        env={**os.environ, **env}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        yield _address(Path(names["RUNTIME"]), server)
    finally:
        server.terminate()
        server.wait()


def _address(runtime: Path, server: subprocess.Popen[bytes]) -> str:
    while server.poll() is None:
        for path in runtime.glob(f"jpserver-{server.pid}.json"):
            with suppress(OSError, ValueError):
                url = str(json.loads(path.read_text())["url"])
                urllib.request.urlopen(f"{url}api")
                return url
        time.sleep(0.2)
    raise AssertionError("JupyterLab ended")


def cells_of(page: Page, address: str) -> list[dict[str, object]]:
    page.goto(f"{address}lab/tree/shown.ipynb")
    page.wait_for_selector(".jp-Notebook .jp-OutputArea-output", timeout=120_000)
    found = []
    for n in range(5):
        cell = page.locator(".jp-Notebook .jp-CodeCell").nth(n)
        cell.scroll_into_view_if_needed()
        cell.locator(".jp-OutputArea-output").wait_for()
        found.append(cell.evaluate(_CELL))
    return found


@pytest.mark.parametrize("theme", ["Light", "Dark"])
@pytest.mark.parametrize("trusted", [False, True], ids=["untrusted", "trusted"])
def test_each_cell_is_readable_and_fits(folder, theme, trusted):
    with laboratory(folder, theme, trusted) as address, open_browser() as browser:
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        trace, outline, totals, figure, explorer = cells_of(page, address)
        assert page.evaluate("document.body.dataset.jpThemeName") == f"JupyterLab {theme}"
        for table in (trace, outline):
            assert {"Query", "[8,768]×[768,64]→[8,64]", "590,592"} <= set(table["text"])
        assert totals["text"]
        shown = "shapetrace-night" if trusted and theme == "Dark" else "shapetrace-day"
        for each in (trace, figure):
            assert [(name, width > 500) for name, width in each["images"] if width] == [(shown, True)]
        assert not any(each["isWide"] for each in (trace, outline, totals, figure, explorer))
        if trusted:
            inside = page.frame_locator(".jp-Notebook iframe").locator("html[data-ready]")
            assert inside.evaluate("e => getComputedStyle(e).colorScheme") == theme.lower()
            assert explorer["text"] == []
        else:
            assert {"Query", "[8,768]×[768,64]→[8,64]", "590,592"} <= set(explorer["text"])
            assert page.locator(".jp-Notebook").get_by_text("Trust this notebook").is_visible()
