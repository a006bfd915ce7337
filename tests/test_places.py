"""Where the files of posts go, by the rules of each site. `test_built_sites.py` builds them."""

import pytest

from shapetrace.places import place_of, site_of
from tests.sites import write


@pytest.mark.parametrize(
    ("configuration", "post", "folder", "target"),
    [
        ("hugo.toml", "content/posts/a/index.md", "content/posts/a", "index-x.svg"),
        ("hugo.toml", "content/posts/_index.md", "content/posts", "index-x.svg"),
        ("hugo.toml", "content/posts/a/index.zh.md", "content/posts/a", "index-zh-x.svg"),
        ("hugo.toml", "content/posts/a.md", "static/figures/posts", "/figures/posts/a-x.svg"),
        ("hugo.toml", "README.md", ".", "README-x.svg"),
        ("config.toml", "content/posts/a.md", "static/figures/posts", "/figures/posts/a-x.svg"),
        ("_config.yml", "_posts/2026-01-02-a.md", "assets/figures/posts",
         "{{ '/assets/figures/posts/2026-01-02-a-x.svg' | relative_url }}"),
        ("_config.yml", "about/index.md", "assets/figures/about",
         "{{ '/assets/figures/about/about-x.svg' | relative_url }}"),
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
    found = place_of(path).figures
    assert found.folder.resolve() == (tmp_path / folder).resolve()
    assert found.target(f"{found.stem}x.svg") == target


@pytest.mark.parametrize(
    ("configuration", "setting", "post", "folder", "link", "frame"),
    [
        ("hugo.toml", "", "content/a/index.md", "static/figures/a", "/figures/a/a-x.html", "/figures/a/a-x.html"),
        ("hugo.toml", "", "content/a/index.zh.md", "static/figures/a", "/figures/a/a-zh-x.html",
         "/figures/a/a-zh-x.html"),
        ("_config.yml", "", "index.md", "assets/figures", "{{ '/assets/figures/index-x.html' | relative_url }}",
         "{{ '/assets/figures/index-x.html' | relative_url }}"),
        ("mkdocs.yml", "", "docs/guide/a.md", "docs/guide", "a-x.html", "../a-x.html"),
        ("mkdocs.yml", "use_directory_urls: false", "docs/guide/a.md", "docs/guide", "a-x.html", "a-x.html"),
        ("mkdocs.yml", "use_directory_urls: true", "docs/index.md", "docs", "index-x.html", "index-x.html"),
        ("docusaurus.config.js", "export default {baseUrl: '/b/'}", "docs/a.mdx", "static/figures/docs",
         "pathname:///figures/docs/a-x.html", "/b/figures/docs/a-x.html"),
        ("astro.config.mjs", "export default defineConfig({base: '/b', site: 'x'})", "src/content/blog/a.md",
         "public/figures/src/content/blog", "/b/figures/src/content/blog/a-x.html",
         "/b/figures/src/content/blog/a-x.html"),
        ("astro.config.mjs", "", "src/pages/博客/a.md", "public/figures/src/pages/博客",
         "/figures/src/pages/%E5%8D%9A%E5%AE%A2/a-x.html", "/figures/src/pages/%E5%8D%9A%E5%AE%A2/a-x.html"),
        ("", "", "a.md", ".", "a-x.html", "a-x.html"),
    ],
)  # fmt: skip
def test_each_site_has_a_place_for_pages(tmp_path, configuration, setting, post, folder, link, frame):
    if configuration:
        write(tmp_path / configuration, setting)
    (tmp_path / "content").mkdir(exist_ok=True)
    found = place_of(write(tmp_path / post, ""))
    for files, target in ((found.pages, link), (found.frames, frame)):
        assert files.folder.resolve() == (tmp_path / folder).resolve()
        assert files.target(f"{files.stem}x.html") == target


@pytest.mark.parametrize("configuration", ["hugo.toml", "_config.yml"])
def test_posts_of_one_name_have_figures_of_their_own(tmp_path, configuration):
    write(tmp_path / configuration, "")
    one, other = (place_of(write(tmp_path / "content" / lang / "post.md", "")).figures for lang in ("en", "zh"))
    assert one.stem == other.stem
    assert one.folder != other.folder
    assert one.link != other.link


@pytest.mark.parametrize("name", ["README.md", "index.md"])
def test_no_name_of_a_file_depends_on_what_a_checkout_is_called(tmp_path, name):
    for checkout in ("one", "two"):
        (tmp_path / checkout / ".git").mkdir(parents=True)
        found = place_of(write(tmp_path / checkout / name, ""), tmp_path / checkout / "img")
        assert found.figures.stem == f"{name[:-3]}-"
        assert (
            place_of(write(tmp_path / checkout / "sub" / name, ""), tmp_path / checkout / "img").figures.stem == "sub-"
        )


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
    assert place_of(write(tmp_path / "content" / "a.md", "")).figures.target("f.svg") == f"{start}f.svg"


def test_a_folder_and_a_prefix_may_be_chosen(tmp_path):
    write(tmp_path / "hugo.toml", "")
    post = write(tmp_path / "content" / "posts" / "a.md", "")
    assert site_of(post)[0] == "hugo"
    assert place_of(post, image_dir=tmp_path / "static").figures.target("f.svg") == "../../static/f.svg"
    assert place_of(post, tmp_path / "static", "/blog").figures.target("f.svg") == "/blog/f.svg"
    assert place_of(post, tmp_path / "static", "").figures.target("f.svg") == "f.svg"
    assert place_of(post, url_prefix="https://cdn.example/").figures.target("f.svg") == "https://cdn.example/f.svg"
