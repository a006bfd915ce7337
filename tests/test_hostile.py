"""Names that would break a format are text in every format: of models, modules, steps and tokens, and in titles."""

import json
import re
import shutil
import xml.etree.ElementTree as ET
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from shapetrace.drawing import Look
from shapetrace.formats import FORMATS, png, rendering
from shapetrace.formats.contract import Excerpt, Options
from shapetrace.outlining.structure import Outline, Step
from shapetrace.publishing import publish
from tests.drawing.outlines import data, outline_of, product, weight

NAMES = {
    "markup": "<script>alert(1)</script><img src=x onerror=alert(1)>",
    "quotes": "\"quotes\" & 'more' `ticks` \\",
    "control": "a\x00\x08\x1b[31m\r\n\x85\u2028b\ufffe",
    "surrogate": "\ud800x",
    "emoji": "👩‍👩‍👧🦜",
    "right-to-left": "مرحبا \u202eשלום",
    "long": "m" * 500,
    "cdata": "]]>-->--}}{{ 7*7 }}{% for %}",
    "markdown": "](javascript:alert(1)) | `x` <!-- # *",
    "graphviz": "}{;]->\\N\\l<b>x</b>&lt;",
    "typst": "#eval(1) $x$ \\",
}
RENDERED = {"gif", "png", "dot-svg", "dot-png", "dot-pdf"}


def outline(name: str) -> Outline:
    lookup = Step("l", "", "lookup", name, name, "→", (data("ids", 3, labels=(name, "", name)), weight("E", 99, 4)),
                  (data(name, 3, 4),))  # fmt: skip
    whole = outline_of(
        lookup, product(name, data(name, 3, 4), weight(name, 4, 8), data(name, 3, 8), path=name), name=name
    )
    return replace(whole, failure=name)


def can_write(format_name: str) -> bool:
    if format_name.startswith("dot-"):
        return shutil.which("dot") is not None
    return format_name not in {"gif", "png"} or png._has("M", ())


class Tags(HTMLParser):
    """The names of all elements and attributes of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found |= {tag, *(name for name, _ in attrs)}


def ordinary_scripts(format_name: str) -> int:
    """How many scripts a page of names without harm has."""
    if not FORMATS[format_name].is_whole:
        return 0
    files = rendering.files(outline("plain"), Excerpt("overview"), FORMATS[format_name], Options())
    return sum(str(content).count("<script") for _, content in files)


@pytest.mark.parametrize("format_name", FORMATS)
@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_a_hostile_name_is_text(name, format_name):
    if not can_write(format_name):
        pytest.skip("needs a program or a font")
    options = Options(look=Look(title=name, caption=name), scale=0.5)
    for file, content in rendering.files(outline(name), Excerpt("overview"), FORMATS[format_name], options):
        written = content if isinstance(content, bytes) else content.encode("utf-8", errors="replace")
        assert written
        if file.endswith(".svg"):
            elements = {element.tag.rpartition("}")[2] for element in ET.fromstring(written).iter()}
            assert not elements & {"script", "img", "image", "b"}
        elif file.endswith((".html", ".md")):
            text = re.sub(r"`[^`\n]*`", "", written.decode()).replace("\\<", "&lt;")
            own = (
                {"script"} if FORMATS[format_name].is_whole else set()
            )  # the explorer has one, and its policy no other
            assert not Tags(text).found & {"script", "onerror", "b"} - own
            assert text.count("<script") == ordinary_scripts(format_name)
            assert "49" not in re.findall(r"alt=\"([^\"]*)\"", text)
        elif file.endswith((".csv", ".txt")):
            assert all(c.isprintable() or c in "\r\n" for c in written.decode()) or file.endswith(".csv")
        elif file.endswith(".json"):
            json.loads(written)
        else:
            assert written.startswith((b"\x89PNG", b"GIF89a", b"%PDF", b"digraph"))


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_pages_of_hostile_names_hold_only_their_own_elements(name, tmp_path):
    publish(
        outline(name), tmp_path, options=Options(look=Look(title=name)), command=f"shapetrace diagram --title '{name}'"
    )
    page, readme = ((tmp_path / file).read_text(encoding="utf-8") for file in ("index.html", "README.md"))
    assert not Tags(page).found & {"script", "onerror", "b"}
    assert page.count("<h1>") == 1
    lines = [line for line in readme.splitlines() if not line.startswith("    ")]
    assert not any("<" in re.sub(r"\\.", "", line) for line in lines)
