"""The documentation as a site of MkDocs: README.md, docs/ and gallery/. ``python tools/build_docs.py FOLDER``.

The tree is copied as it stands in the repository, so links between pages hold; a link to a folder leads to a list of
its files. What is linked and missing ends the build.
"""

import logging
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
HERE = Path(__file__).parent / "docs"
PARTS = ("README.md", "CHANGELOG.md", "CONTRIBUTING.md", "LICENSE", "docs", "gallery", "templates")
LINK = re.compile(r"(?<=\]\()([^)#:\s]+)(?=[)#])")
FENCE = re.compile(r"^(`{3,})[^`\n]*\n.*?^\1$", re.MULTILINE | re.DOTALL)


def main() -> int:
    """Build the site in the folder that is named."""
    if len(sys.argv) != 2:
        print("error: which folder? python tools/build_docs.py FOLDER", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory() as temporary:
        pages = Path(temporary) / "pages"
        stage(pages)
        return build(pages, Path(sys.argv[1]).resolve())


def stage(pages: Path) -> None:
    """Copy what the site is made of, and list the folders that pages link to."""
    pages.mkdir()
    for source in (*(ROOT / name for name in PARTS), HERE / "site.css"):
        (shutil.copytree if source.is_dir() else shutil.copy)(source, pages / source.name)
    for page in sorted(pages.rglob("*.md")):
        text = page.read_text(encoding="utf-8")
        page.write_text(outside_fences(text, partial(LINK.sub, partial(to_file, page))), encoding="utf-8")


def outside_fences(text: str, change: Callable[[str], str]) -> str:
    """Change what is no fenced block of code."""
    parts, at = [], 0
    for fence in FENCE.finditer(text):
        parts += [change(text[at : fence.start()]), fence[0]]
        at = fence.end()
    return "".join([*parts, change(text[at:])])


def to_file(page: Path, link: re.Match[str]) -> str:
    """Where a link of a page leads: the file itself, or the list of a folder."""
    folder = page.parent / link[1]
    if not folder.is_dir():
        return link[1]
    write_list(folder)
    return f"{link[1].rstrip('/')}/README.md"


def write_list(folder: Path) -> None:
    """Make a page with all files of a folder, if it has none; templates of pages there are no pages of the site."""
    if (folder / "README.md").exists():
        return
    inner = sorted(folder.iterdir())
    targets = {path.name: f"{path.name}{'/README.md' * path.is_dir()}" for path in inner}
    is_page = {name: name.endswith((".html", ".md")) for name in targets}
    lines = [f"- `{name}`" if is_page[name] else f"- [{name}]({target})" for name, target in targets.items()]
    (folder / "README.md").write_text("\n".join([f"# {folder.name}/", "", *lines, ""]), encoding="utf-8")
    for path in inner:
        if path.is_dir():
            write_list(path)


def build(pages: Path, site: Path) -> int:
    """Let MkDocs build; a link that leads nowhere is an error."""
    from mkdocs.commands.build import build as build_site
    from mkdocs.config import load_config
    from mkdocs.exceptions import Abort

    os.environ.setdefault("NO_MKDOCS_2_WARNING", "1")
    logging.basicConfig(format="%(message)s", level=logging.WARNING)
    config = load_config(str(HERE / "mkdocs.yml"), docs_dir=str(pages), site_dir=str(site), strict=True)
    try:
        build_site(config)
    except Abort as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(f"{len(list(site.rglob('*.html')))} pages: open {site}/index.html, or serve the folder for the search")
    return 0


if __name__ == "__main__":
    sys.exit(main())
