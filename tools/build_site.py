"""Write a site that needs no server: a page for each preset, and for types of transformers, and a list to search.

``python tools/build_site.py FOLDER [MODEL ...]``; all models where none is named. Only configurations are read.
"""

import re
import sys
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader
from rich.progress import track

from shapetrace import Trace, explore
from shapetrace.drawing.content.facts import facts_of
from shapetrace.drawing.wording import counted, words_in
from shapetrace.errors import ShapetraceError
from shapetrace.formats.page import digest
from shapetrace.models.presets import names
from shapetrace.obtaining import obtain
from shapetrace.request import Request
from shapetrace.writing import write

HERE = Path(__file__).parent / "site"
TYPES = (HERE / "types.txt").read_text(encoding="utf-8").split()
SEQ = 64
"""Tokens for models that are given by their type alone."""
LANGUAGES = {"en": "index.html", "zh": "index.zh.html"}
"""The languages of the list, and its page in each; a model's page has all of them."""
NAMES = {"en": "English", "zh": "中文"}


@dataclass(frozen=True)
class Entry:
    """One line of the list.

    Attributes:
        asked: The model as a command takes it.
        file: Its page.
        name: What it is called.
        facts: Its settings, in each language of `LANGUAGES`.
        parameters: How many it has.
        found_by: What a search looks in: names, sizes, kinds of sections, roles and operators.
    """

    asked: str
    file: str
    name: str
    facts: tuple[str, ...]
    parameters: str
    found_by: str


def main() -> int:
    """Write all pages, then the list; say what this version of transformers does not run, which is no error."""
    folder, *asked = sys.argv[1:]
    models = asked or [*names(), *(f"hf:{name}" for name in TYPES)]
    entries, failed = build(Path(folder), models)
    size = sum(path.stat().st_size for path in Path(folder).glob("*.html")) / 1e6
    print(f"{len(entries)} pages, {size:.1f} MB: open {folder}/index.html")
    for line in failed:
        print(f"left out: {line}", file=sys.stderr)
    return int(not entries)


def build(folder: Path, models: list[str]) -> tuple[list[Entry], list[str]]:
    """Write pages and their list; give what is listed, and why others are not."""
    entries, failed = [], []
    for asked in track(models, "tracing", transient=True, disable=not sys.stderr.isatty()):
        try:
            trace = traced(asked)
        except (ShapetraceError, RuntimeError, ValueError, TypeError, ImportError) as error:
            failed.append(f"{asked}: {str(error).splitlines()[0]}")
            continue
        entries.append(entry(asked, trace))
        write(folder / entries[-1].file, explore(trace).html)
    for lang, file in LANGUAGES.items():
        write(folder / file, listing(entries, lang))
    return entries, failed


def traced(asked: str) -> Trace:
    """A pass on meta: of a preset as it was published, of a type of transformers over a few tokens."""
    shape = {"seq": SEQ} if asked.startswith("hf:") else {}
    return obtain(Request(model=asked, shape=shape), lambda *_: None)


def entry(asked: str, trace: Trace) -> Entry:
    """What the list says of a model."""
    outline = trace.outline()
    titles = {section.title for section in outline.root.sections()}
    sections = {words_in(lang).say(title) for lang in LANGUAGES for title in titles}
    roles = {step.role.value.replace("_", " ") for step in outline.steps()}
    sizes = {str(size) for step in outline.steps() for operand in step.operands for size in operand.shape}
    facts = tuple(" · ".join(facts_of(outline.model, words_in(lang))) for lang in LANGUAGES)
    found_by = " ".join([asked, outline.model.name, *facts, *sorted(sections | roles), *sorted(sizes)]).lower()
    file = re.sub(r"[^a-z0-9.]+", "-", asked.lower()).strip("-") + ".html"
    return Entry(asked, file, outline.model.name, facts, counted(outline.totals.parameters), found_by)


def listing(entries: list[Entry], lang: str = "en") -> str:
    """The page with the list, in a language. What a model calls itself is text in it."""
    files = Environment(loader=FileSystemLoader(HERE), autoescape=True, keep_trailing_newline=True)
    script, style = ((HERE / name).read_text(encoding="utf-8") for name in ("site.js", "site.css"))
    values = {"script": script, "style": style, "script_hash": digest(script), "style_hash": digest(style)}
    others = [(code, file) for code, file in LANGUAGES.items() if code != lang]
    values |= {"lang": lang, "place": list(LANGUAGES).index(lang), "others": others, "name_of": NAMES.__getitem__}
    return files.get_template("index.html").render(entries=entries, say=words_in(lang).say, **values)


if __name__ == "__main__":
    sys.exit(main())
