"""Sites with posts that ask for figures and pages: written, built, served, and looked at in Chromium."""

import functools
import http.server
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import unquote

import pytest
from playwright.sync_api import Browser, Page

from shapetrace import serialize
from shapetrace.cli import main as command_line
from tests.browser import open_browser
from tests.traces import linear

_BODY = """# T

<!-- shapetrace: {trace} -->

```shapetrace
{trace} --step 1 --name first
```

<!-- shapetrace: explore {trace} --at "fc?dims=names&bars=flops" --link "walk through it" -->

<!-- shapetrace: explore {trace} --at "fc" --frame 400 -->
"""


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def posts(folder: Path, names: Sequence[str], front: str = "---\ntitle: x\n---\n") -> list[Path]:
    """Posts of a site, one of which asks for all that a post can ask for."""
    serialize.save(linear(), folder / "trace.json")
    body = _BODY.format(trace=folder / "trace.json")
    as_mdx = body.replace("<!--", "{/*").replace("-->", "*/}")
    return [write(folder / name, front + (as_mdx if name.endswith(".mdx") else body)) for name in names]


def embed(monkeypatch: pytest.MonkeyPatch, *words: object) -> None:
    """Make what they ask for; a second time nothing is stale."""
    for more in ((), ("--check",)):
        monkeypatch.setattr("sys.argv", ["shapetrace", "embed", *more, *map(str, words)])
        with pytest.raises(SystemExit) as ended:
            command_line.main()
        assert ended.value.code == 0


@contextmanager
def served(folder: Path) -> Iterator[str]:
    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            return

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def assert_shown(folder: Path, names: Sequence[str]) -> None:
    """On each page of a built site images load, and the link and the frame show the explorer at the place."""
    with served(folder) as address, open_browser() as browser:
        for name in names:
            _assert_page(browser, f"{address}/{name}")


def _assert_page(browser: Browser, url: str) -> None:
    page = browser.new_page()
    page.goto(url)
    images = page.locator("img:not([alt=''])")
    images.evaluate_all("all => all.forEach(image => { image.loading = 'eager' })")
    page.wait_for_function("[...document.images].every(image => image.complete)")
    widths = images.evaluate_all("all => all.map(image => image.naturalWidth)")
    assert len(widths) == 2, url
    assert all(width > 100 for width in widths), (url, widths)
    assert "--name first" not in page.inner_text("body"), "a block is not published as code"
    page.locator("iframe").scroll_into_view_if_needed()
    assert page.frame_locator("iframe").locator("html[data-ready]").get_attribute("lang") == "en", url
    assert page.frames[1].url.endswith("#fc"), page.frames[1].url
    link = page.get_by_role("link", name="walk through it")
    explorer = browser.new_page()
    explorer.goto(link.evaluate("link => link.href"))
    explorer.wait_for_function("document.documentElement.dataset.ready")
    assert _place(explorer) == "fc?dims=names&bars=flops", url
    explorer.close()
    page.close()


def _place(page: Page) -> str:
    return unquote(page.evaluate("location.hash.slice(1)"))
