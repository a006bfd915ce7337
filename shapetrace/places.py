"""Where the figures and pages of a post go, and how the post links to them, so that the link works in the built site.

| site | a post | its figures | their link | its pages | their link |
| --- | --- | --- | --- | --- | --- |
| Hugo | ``index.md``, ``_index.md`` | beside it | ``index-a.svg`` | ``static/figures/`` | ``/figures/x-a.html`` |
| Hugo | another | ``static/figures/`` | ``/figures/x-a.svg`` | ``static/figures/`` | ``/figures/x-a.html`` |
| Jekyll | any | ``assets/figures/`` | ``{{ '/assets/figures/x-a.svg' | relative_url }}`` | the same | the same |
| Docusaurus | any | beside it | ``./x-a.svg`` | ``static/figures/`` | ``pathname:///figures/x-a.html`` |
| Astro | any | beside it | ``./x-a.svg`` | ``public/figures/`` | ``/figures/x-a.html`` |
| MkDocs, anything else | any | beside it | ``x-a.svg`` | beside it | ``x-a.html`` |

A folder that all posts of a site share has in it a folder for each of theirs: ``content/en/x.md`` and
``content/zh/x.md`` have ``static/figures/en/`` and ``static/figures/zh/``. Links from the root of a site are behind the
path of its address, where the site does not put it before them itself.
"""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal
from urllib.parse import quote, urlsplit

Site = Literal["hugo", "jekyll", "mkdocs", "docusaurus", "astro", ""]

_CONFIGURATIONS: tuple[tuple[Site, tuple[str, ...]], ...] = (
    ("hugo", ("hugo.toml", "hugo.yaml", "hugo.yml", "hugo.json",
              "config/_default/hugo.toml", "config/_default/hugo.yaml",
              "config/_default/config.toml", "config/_default/config.yaml")),
    ("jekyll", ("_config.yml", "_config.yaml", "_config.toml")),
    ("mkdocs", ("mkdocs.yml", "mkdocs.yaml")),
    ("docusaurus", ("docusaurus.config.js", "docusaurus.config.ts", "docusaurus.config.mjs", "docusaurus.config.cjs")),
    ("astro", ("astro.config.mjs", "astro.config.js", "astro.config.ts", "astro.config.mts", "astro.config.cjs")),
    ("hugo", ("config.toml", "config.yaml", "config.json")),
)  # fmt: skip
_ADDRESS: dict[Site, str] = {"hugo": "baseURL", "docusaurus": "baseUrl", "astro": "base"}
"""The setting with the path of a site's address, where links from its root may have to say it."""
_PUBLIC: dict[Site, str] = {"hugo": "static", "docusaurus": "static", "astro": "public"}
"""The folder whose files are published as they are; elsewhere these sites take a page for one of their own posts."""
_FLAT = re.compile(r"^use_directory_urls:\s*(?:false|no|off)\b", re.IGNORECASE | re.MULTILINE)
_BUNDLES = frozenset({"index", "_index"})
_ALIKE = frozenset({*_BUNDLES, "README"})
_FIGURES = "figures"
_OUTSIDE = "pathname://"
"""What Docusaurus asks for before a link to a page that is none of its own."""
FILE = "{file}"


@dataclass(frozen=True, slots=True)
class Files:
    """Where files of one sort go.

    Attributes:
        folder: Their folder.
        link: Target of a line that shows one, with ``{file}`` for its name.
        stem: What their names begin with.
    """

    folder: Path
    link: str
    stem: str

    def target(self, file: str) -> str:
        """What a line says of a file."""
        return self.link.replace(FILE, file)


@dataclass(frozen=True, slots=True)
class Place:
    """Where the files of one post go.

    Attributes:
        figures: Its images.
        pages: Its pages, as links in it lead to them.
        frames: The same pages, as a frame names them: raw HTML, in which a site changes nothing.
    """

    figures: Files
    pages: Files
    frames: Files


def place_of(post: Path, image_dir: Path | None = None, url_prefix: str | None = None) -> Place:
    """The place of a post's files.

    Args:
        post: The Markdown file.
        image_dir: Their folder; by default that of the site around the post, or beside it.
        url_prefix: What links begin with; by default what works in that site, or the way from the post to the folder.
    """
    usual, (site, root) = _usual(post), site_of(post)
    figures, pages = usual.figures, usual.pages
    if image_dir is not None:
        figures = Files(image_dir, _beside(post, image_dir), _stem(post, image_dir))
        pages = figures
    if url_prefix is not None:
        link = f"{url_prefix}{'' if not url_prefix or url_prefix.endswith('/') else '/'}{FILE}"
        figures, pages = replace(figures, link=link), replace(pages, link=link)
    if image_dir is None and url_prefix is None:
        return usual
    return Place(figures, *_framed(post, site, root, pages))


def site_of(post: Path) -> tuple[Site, Path]:
    """The generator of the site that a post is in, and the site's folder; "" if it is in none that we know."""
    for folder in post.resolve().parents:
        for site, names in _CONFIGURATIONS:
            if any((folder / name).is_file() for name in names) and (site != "hugo" or (folder / "content").is_dir()):
                return site, folder
    return "", post.parent


def _usual(post: Path) -> Place:
    site, root = site_of(post)
    beside = Files(post.parent, f"./{FILE}" if site in {"docusaurus", "astro"} else FILE, _stem(post, post.parent))
    shared = _shared(post, root / "content" if site == "hugo" else root)
    if site == "jekyll":
        folder = root / "assets" / shared
        beside = Files(folder, f"{{{{ '/assets/{quote(shared)}/{FILE}' | relative_url }}}}", _stem(post, folder))
    if site not in _PUBLIC or (site == "hugo" and not _is_in(post, root / "content")):
        return Place(beside, *_framed(post, site, root, beside))
    folder = root / _PUBLIC[site] / shared
    path = "" if site == "docusaurus" else _base_path(site, root)
    public = Files(folder, f"{path}/{quote(shared)}/{FILE}", _stem(post, folder))
    is_public = site == "hugo" and post.stem.partition(".")[0] not in _BUNDLES
    return Place(public if is_public else beside, *_framed(post, site, root, public))


def _shared(post: Path, root: Path) -> str:
    """The folder of a post's files among those of all: ``figures/en``; Jekyll publishes none that begins with _."""
    around = post.resolve().parent
    parts = around.relative_to(root.resolve()).parts if around.is_relative_to(root.resolve()) else ()
    return "/".join([_FIGURES, *(part.lstrip("_") for part in parts)])


def _framed(post: Path, site: Site, root: Path, pages: Files) -> tuple[Files, Files]:
    """Pages as links lead to them, and as frames name them."""
    if site == "docusaurus" and pages.link.startswith("/"):  # it puts the path of its address before links of its own
        return replace(pages, link=_OUTSIDE + pages.link), replace(pages, link=_base_path(site, root) + pages.link)
    if (
        site == "mkdocs"
        and not re.match(r"/|[a-z]+:", pages.link)
        and post.stem not in {"index", "README"}
        and _is_in_folders(root)
    ):
        return pages, replace(pages, link=f"../{pages.link}")  # guide/a.md is read at guide/a/
    return pages, pages


def _is_in(post: Path, folder: Path) -> bool:
    return post.resolve().is_relative_to(folder.resolve())


def _is_in_folders(root: Path) -> bool:
    """Whether a page of MkDocs is a folder of its own: unless its settings say no."""
    return not any(map(_FLAT.search, _configurations("mkdocs", root)))


def _base_path(site: Site, root: Path) -> str:
    """The path of a site's address: ``/blog`` for https://example.org/blog/, nothing for a whole domain."""
    flags = re.IGNORECASE | re.MULTILINE
    setting = rf"""(?:^|[{{,(])\s*["']?{_ADDRESS[site]}["']?\s*[:=]\s*["']?(?P<url>[^"'\s,#}}]+)"""
    for text in _configurations(site, root):
        if found := re.search(setting, text, flags):
            return urlsplit(found["url"]).path.rstrip("/")
    return ""


def _configurations(site: Site, root: Path) -> Iterator[str]:
    for each, names in _CONFIGURATIONS:
        for name in names if each == site else ():
            if (root / name).is_file():
                yield (root / name).read_text(encoding="utf-8", errors="replace")


def _beside(post: Path, folder: Path) -> str:
    """The way from a post to a folder."""
    way = Path(os.path.relpath(folder.resolve(), post.parent.resolve())).as_posix()
    return FILE if way == "." else f"{way}/{FILE}"


def _stem(post: Path, folder: Path) -> str:
    """What file names of this post begin with: its name; that of its folder if all posts of a site are called alike.

    What the folder of a whole site or checkout is called is up to who has it.
    """
    around, (site, root) = post.resolve().parent, site_of(post)
    is_whole = around == root.resolve() if site else (around / ".git").exists()
    first, dot, language = post.stem.partition(".")
    is_alike = first in _ALIKE and folder.resolve() != around and not is_whole
    name = f"{around.name}{dot}{language}" if is_alike else post.stem
    return (re.sub(r"[^A-Za-z0-9_]+", "-", name).strip("-_") or "post") + "-"
