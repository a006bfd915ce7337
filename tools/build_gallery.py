"""Draw gallery/ again from gallery/figures.toml, byte for byte; ``--check`` says what is stale and exits 1.

The files at the top of gallery/ are what ``shapetrace diagram --out gallery/`` writes.
"""

import shlex
import sys
import tempfile
import tomllib
from html import escape
from pathlib import Path
from typing import Any

from rich.progress import track

from shapetrace.cli.markers import wanted_by
from shapetrace.formats import markdown, svg, tables
from shapetrace.listing import listed, parts
from shapetrace.obtaining import obtain
from shapetrace.outlining.structure import Outline
from shapetrace.publishing import publish
from shapetrace.request import Request
from shapetrace.writing import write

GALLERY = Path(__file__).resolve().parents[1] / "gallery"
NOTE = "Made by `make gallery` from [figures.toml]({}figures.toml). Blue is data, grey is weights."
STYLE = """:root { color-scheme: light dark; }
body { margin: 0 auto; max-width: 1240px; padding: 24px 20px 64px; font: 16px/1.5 system-ui, sans-serif; }
main { display: grid; grid-template-columns: repeat(auto-fill, minmax(280px, 1fr)); gap: 20px; }
figure { margin: 0; padding: 12px; border: 1px solid #8884; border-radius: 8px; }
img { width: 100%; height: 200px; object-fit: contain; object-position: top; }
code { font: 12px/1.5 ui-monospace, Menlo, Consolas, monospace; overflow-wrap: anywhere; }
h2 { margin: 40px 0 12px; }"""


def main() -> int:
    """Draw, then write or compare."""
    check = "--check" in sys.argv[1:]
    made = built()
    stale = [path for path, content in made.items() if not path.is_file() or path.read_bytes() != content]
    folders = {path.parent for path in made} - {GALLERY}
    left = [path for folder in folders for path in folder.glob("*") if path not in made]
    for path in stale if not check else []:
        write(path, made[path])
    for path in left if not check else []:
        path.unlink()
    for path in [*stale, *left]:
        print(f"{'stale' if check else 'written' if path in made else 'removed'}: {path.relative_to(GALLERY.parent)}")
    if check and (stale or left):
        print("make gallery draws them again", file=sys.stderr)
    return int(check and bool(stale or left))


def built() -> dict[Path, bytes]:
    """Every file of the gallery and what it holds."""
    folders = tomllib.loads((GALLERY / "figures.toml").read_text(encoding="utf-8"))["folders"]
    outlines: dict[str, Outline] = {}
    files: dict[Path, bytes] = {}
    figures = [(folder, figure) for folder in folders for figure in folder["figures"]]
    for folder, figure in track(figures, "drawing the gallery", disable=not sys.stderr.isatty(), transient=True):
        wanted = wanted_by([figure.get("command", "diagram"), *shlex.split(figure["words"])])
        assert wanted.draw is not None, f"{figure['words']} draws no figure"
        drawn = wanted.draw(lambda request, fused: outline_of(request, fused=fused, known=outlines))
        files[GALLERY / folder["name"] / f"{figure['name']}.svg"] = svg.render(drawn).encode()
        figure["title"] = drawn.title
    files |= parameter_tables()
    for folder in folders:
        files[GALLERY / folder["name"] / "README.md"] = readme(folder).encode()
    files[GALLERY / "all.md"] = thumbnails(folders).encode()
    files[GALLERY / "all.html"] = page(folders).encode()
    below = {path: content for path, content in files.items() if path.name == "README.md"}
    return files | top(outlines, below)


def parameter_tables() -> dict[Path, bytes]:
    """What ``shapetrace models --family FAMILY`` and ``shapetrace models NAME`` say, as SVG and Markdown."""
    listing = tomllib.loads((GALLERY / "figures.toml").read_text(encoding="utf-8"))["parameters"]
    files, pages = {}, ["# Parameter tables", "", NOTE.format("../") + " [All figures](../all.md).", ""]
    for kind, names in listing.items():
        for name in names:
            grid = listed(name) if kind == "families" else parts(outline_of(Request(model=name), fused=False, known={}))
            option = f"--family {name}" if kind == "families" else name
            for lang, suffix in (("en", ""), ("zh", "-zh")):
                said = tables.translated(grid, lang)
                title = tables.family_title(name, lang) if kind == "families" else ""
                drawn = svg.render(tables.figure(said, lang=lang, title=title))
                files[GALLERY / "parameters" / f"{name}{suffix}.svg"] = drawn.encode()
                files[GALLERY / "parameters" / f"{name}{suffix}.md"] = markdown.render_grid(said).encode()
                pages += [f"    shapetrace models {option} --format svg --lang {lang}", ""]
                pages += [f"![{name}]({name}{suffix}.svg)", "", f"[The same as text]({name}{suffix}.md)", ""]
    return files | {GALLERY / "parameters" / "README.md": ("\n".join(pages).rstrip() + "\n").encode()}


def top(outlines: dict[str, Outline], below: dict[Path, bytes]) -> dict[Path, bytes]:
    """What ``shapetrace diagram --out gallery/`` writes beside the READMEs of the folders below."""
    outline = outline_of(Request(), fused=False, known=outlines)
    with tempfile.TemporaryDirectory() as folder:
        for path, content in below.items():
            write(Path(folder) / path.parent.name / path.name, content)
        paths = publish(outline, Path(folder), command="shapetrace diagram --out gallery/")
        return {GALLERY / path.name: path.read_bytes() for path in paths}


def outline_of(request: Request, *, fused: bool, known: dict[str, Outline]) -> Outline:
    """The outline of a model; each model runs once."""
    key = f"{request} {fused}"
    if key not in known:
        trace = obtain(request, lambda _: None)
        assert trace.failure is None, f"{request}: {trace.failure}"
        known[key] = trace.outline(fused=fused)
    return known[key]


def command(figure: dict[str, Any]) -> str:
    """What draws a figure."""
    if figure.get("command") == "compare":
        return " ".join(f"shapetrace compare {figure['words']} --out {figure['name']}.svg".split())
    return f"shapetrace diagram {figure['words']} --out figures/"


def readme(folder: dict[str, Any]) -> str:
    """The page of one folder."""
    lines = [f"# {folder['title']}", "", f"{NOTE.format('../')} [All figures](../all.md).", ""]
    for figure in folder["figures"]:
        lines += [f"## {figure['title']}", "", f"    {command(figure)}", ""]
        lines += [f"![{figure['title']}]({figure['name']}.svg)", ""]
    return "\n".join(lines).rstrip() + "\n"


def thumbnails(folders: list[dict[str, Any]]) -> str:
    """All figures on one page of Markdown, small."""
    lines = ["# Gallery", "", NOTE.format(""), ""]
    lines += ["GPT-2 small: [its figures](README.md). [Parameter tables](parameters/README.md).", ""]
    for folder in folders:
        lines += [f"## [{folder['title']}]({folder['name']}/README.md)", "", "| figure | command |", "| :-- | :-- |"]
        for figure in folder["figures"]:
            file, title = f"{folder['name']}/{figure['name']}.svg", escape(figure["title"])
            lines.append(f'| [<img src="{file}" alt="{title}" width="260">]({file}) | {title}<br>`{command(figure)}` |')
        lines.append("")
    return "\n".join(lines).rstrip() + "\n"


def page(folders: list[dict[str, Any]]) -> str:
    """All figures on one page for a browser, small."""
    lines = ["<!doctype html>", '<html lang="en">', '<meta charset="utf-8">', "<title>shapetrace: gallery</title>"]
    lines += ['<meta name="viewport" content="width=device-width, initial-scale=1">', f"<style>\n{STYLE}\n</style>"]
    lines += ["<h1>Gallery</h1>", '<p>GPT-2 small: <a href="index.html">its figures</a>.</p>']
    for folder in folders:
        lines += [f"<h2>{escape(folder['title'])}</h2>", "<main>"]
        for figure in folder["figures"]:
            file, title = f"{folder['name']}/{figure['name']}.svg", escape(figure["title"])
            lines.append(f'<figure><a href="{file}"><img src="{file}" alt="{title}" loading="lazy"></a>')
            lines.append(f"<figcaption>{title}<br><code>{escape(command(figure))}</code></figcaption></figure>")
        lines.append("</main>")
    return "\n".join([*lines, "</html>"]) + "\n"


if __name__ == "__main__":
    sys.exit(main())
