"""The site of the documentation: links lead somewhere, pages fit a phone, the search finds, it needs no other site."""

import http.server
import importlib.util
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from functools import partial
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.browser import chromium, open_browser

ROOT = Path(__file__).resolve().parents[1]
pytestmark = pytest.mark.skipif(find_spec("mkdocs") is None, reason="no MkDocs: pip install mkdocs")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, ROOT / "tools" / "build_docs.py", folder], check=False, capture_output=True, encoding="utf-8"
    )
    assert done.returncode == 0, done.stderr
    return folder


def test_every_document_is_a_page_and_every_page_is_reached_from_the_first(site):
    documents = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").glob("*.md")]
    pages = {page.relative_to(site).as_posix() for page in site.rglob("*.html")} - {"404.html", "search.html"}
    assert {str(path.relative_to(ROOT).with_suffix(".html")).replace("README", "index") for path in documents} <= pages
    reached, waiting = set[str](), ["index.html"]
    while waiting:
        page = waiting.pop()
        reached.add(page)
        for target in re.findall(r'href="([^":#]+\.html)[#"]', (site / page).read_text(encoding="utf-8")):
            found = ((site / page).parent / target).resolve().relative_to(site.resolve()).as_posix()
            waiting += [found] if found not in reached else []
    assert pages <= reached


def test_nothing_is_fetched_from_elsewhere(site):
    for page in set(site.rglob("*.html")) - {site / "404.html"}:  # which says where things are from the root
        text = page.read_text(encoding="utf-8")
        fetched = re.findall(r'<(?:script|img|link|iframe)\b[^>]*?(?:src|href)="([^"]+)"', text)
        assert [each for each in fetched if each.startswith(("http", "//"))] == [], page.name
        for each in fetched:
            assert (page.parent / each.partition("?")[0]).exists() or each.startswith("data:"), f"{page.name}: {each}"


def test_a_link_that_leads_nowhere_ends_the_build(tmp_path, monkeypatch, caplog):
    spec = importlib.util.spec_from_file_location("build_docs", ROOT / "tools" / "build_docs.py")
    builder = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(builder)
    builder.stage(pages := tmp_path / "pages")
    for link, told in [("nowhere.md", "nowhere.md"), ("docs/commands.md#nowhere", "#nowhere")]:
        (pages / "README.md").write_text(f"# Home\n\n[x]({link})\n", encoding="utf-8")
        assert builder.build(pages, tmp_path / "site") == 1
        assert told in caplog.text


@pytest.fixture
def served(site) -> Iterator[str]:
    class Handler(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            """Quiet."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(site)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.mark.skipif(chromium() is None, reason="no Chromium on this system")
def test_pages_fit_a_phone_and_the_search_finds(site, served):
    with open_browser() as browser:
        documents = [f"docs/{each.name}" for each in sorted(site.glob("docs/*.html"))]
        for width, paths in ((390, ["index.html", "gallery/all.html", *documents]), (1280, ["index.html"])):
            page = browser.new_page(viewport={"width": width, "height": 800})
            for path in paths:
                page.goto(f"{served}/{path}")
                root = "document.documentElement"
                assert page.evaluate(f"{root}.scrollWidth <= {root}.clientWidth"), f"{path} at {width}"
                assert page.evaluate("[...document.images].every(i => i.loading === 'lazy' || i.naturalWidth > 0)"), (
                    path
                )
        page.get_by_text("Search").first.click()
        query = page.locator("#mkdocs-search-query")
        query.press_sequentially("snapshot that people review")
        found = page.locator("#mkdocs-search-results").get_by_text("check", exact=True).first
        for _ in range(300):  # keys that come before the index is read are not searched for: press again
            if found.is_visible():
                break
            query.press("End")
            page.wait_for_timeout(100)
        found.click()
        page.wait_for_url("**/commands.html#check")


@pytest.mark.skipif(chromium() is None, reason="no Chromium on this system")
def test_text_and_heading_can_be_read_on_light_and_dark_pages(site):
    with open_browser() as browser:
        grounds = []
        for scheme in ("light", "dark"):
            page = browser.new_page(color_scheme=scheme)
            page.goto((site / "docs" / "commands.html").as_uri())
            grounds.append(page.evaluate("getComputedStyle(document.body).backgroundColor"))
            brightness = "getComputedStyle(document.querySelector('h1')).color.match(/\\d+/g).map(Number)[0]"
            assert (page.evaluate(brightness) > 128) == (scheme == "dark")
        assert grounds[0] != grounds[1]
