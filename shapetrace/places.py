"""Where the figures of a post go, and how the post links to them, so that the link works in the built site.

| site | a post | its figures | the link |
| --- | --- | --- | --- |
| Hugo | ``content/posts/x/index.md``, ``_index.md`` | beside it: they are published with it | ``index-a.svg`` |
| Hugo | ``content/posts/x.md`` | ``static/figures/`` | ``/figures/x-a.svg``, behind the path of ``baseURL`` |
| Jekyll | any | ``assets/figures/`` | ``{{ '/assets/figures/x-a.svg' | relative_url }}`` |
| Docusaurus, Astro | any | beside it | ``./x-a.svg`` |
| MkDocs, anything else | any | beside it | ``x-a.svg`` |
"""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

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
_BASE_URL = re.compile(
    r"""(?:^|[{,])\s*["']?baseURL["']?\s*[:=]\s*["']?(?P<url>[^"'\s,#]+)""", re.IGNORECASE | re.MULTILINE
)
_BUNDLES = frozenset({"index", "_index"})
_FIGURES = "figures"
FILE = "{file}"


@dataclass(frozen=True, slots=True)
class Place:
    """Where the figures of one post go.

    Attributes:
        folder: The folder of the files.
        link: Target of an image line, with ``{file}`` for the name of the file.
        stem: What the names of the files begin with.
    """

    folder: Path
    link: str
    stem: str

    def target(self, file: str) -> str:
        """What an image line says of a file."""
        return self.link.replace(FILE, file)


def place_of(post: Path, image_dir: Path | None = None, url_prefix: str | None = None) -> Place:
    """The place of a post's figures.

    Args:
        post: The Markdown file.
        image_dir: Folder of the figures; by default that of the site around the post, or beside it.
        url_prefix: What links begin with; by default what works in that site, or the way from the post to the folder.
    """
    usual = _usual(post)
    folder = usual.folder if image_dir is None else image_dir
    link = usual.link if image_dir is None else _beside(post, folder)
    if url_prefix is not None:
        link = f"{url_prefix}{'' if not url_prefix or url_prefix.endswith('/') else '/'}{FILE}"
    return Place(folder, link, _stem(post, folder))


def site_of(post: Path) -> tuple[Site, Path]:
    """The generator of the site that a post is in, and the site's folder; "" if it is in none that we know."""
    for folder in post.resolve().parents:
        for site, names in _CONFIGURATIONS:
            if any((folder / name).is_file() for name in names) and (site != "hugo" or (folder / "content").is_dir()):
                return site, folder
    return "", post.parent


def _usual(post: Path) -> Place:
    site, root = site_of(post)
    if site == "hugo" and post.stem.partition(".")[0] not in _BUNDLES and _is_in(post, root / "content"):
        return Place(root / "static" / _FIGURES, f"{_base_path(root)}/{_FIGURES}/{FILE}", "")
    if site == "jekyll":
        return Place(root / "assets" / _FIGURES, f"{{{{ '/assets/{_FIGURES}/{FILE}' | relative_url }}}}", "")
    return Place(post.parent, f"./{FILE}" if site in {"docusaurus", "astro"} else FILE, "")


def _is_in(post: Path, folder: Path) -> bool:
    return post.resolve().is_relative_to(folder.resolve())


def _base_path(root: Path) -> str:
    """The path of a Hugo site's address: ``/blog`` for https://example.org/blog/, nothing for a whole domain."""
    for text in _configurations(root):
        if found := _BASE_URL.search(text):
            return urlsplit(found["url"]).path.rstrip("/")
    return ""


def _configurations(root: Path) -> Iterator[str]:
    for site, names in _CONFIGURATIONS:
        for name in names if site == "hugo" else ():
            if (root / name).is_file():
                yield (root / name).read_text(encoding="utf-8", errors="replace")


def _beside(post: Path, folder: Path) -> str:
    """The way from a post to a folder."""
    way = Path(os.path.relpath(folder.resolve(), post.parent.resolve())).as_posix()
    return FILE if way == "." else f"{way}/{FILE}"


def _stem(post: Path, folder: Path) -> str:
    """What file names of this post begin with: its name; that of its folder if all posts of a site are called alike."""
    is_shared = folder.resolve() != post.parent.resolve()
    name = post.resolve().parent.name if is_shared and post.stem in {*_BUNDLES, "README"} else post.stem
    return (re.sub(r"[^A-Za-z0-9_]+", "-", name).strip("-_") or "post") + "-"
