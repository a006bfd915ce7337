"""The page as a file: one file, no network, nothing of a model read as markup, the same bytes each time."""

import base64
import gzip
import hashlib
import json
import re
from pathlib import Path

import pytest

from shapetrace.drawing.wording import words_in
from shapetrace.errors import UsageError
from shapetrace.exploring import Explored
from shapetrace.exploring.gathering import OF_SECTIONS
from shapetrace.formats.bundling import bundle
from shapetrace.formats.contract import Options
from shapetrace.formats.page import render
from tests.exploring.models import HOSTILE, page, trace

MODULES = sorted((Path(__file__).parents[2] / "templates/explorer").glob("*.js"))


def unpacked(text):
    packed = re.search(r'id="data">([^<]*)</script>', text)[1]
    return json.loads(gzip.decompress(base64.b64decode(packed)))


@pytest.mark.parametrize(("name", "most"), [("gpt2", 1_000_000), ("deepseek-v3", 5_000_000)])
def test_the_page_is_small(name, most):
    assert len(page(name).encode()) < most


@pytest.mark.parametrize("name", ["gpt2", "hostile"])
def test_the_page_asks_for_nothing_from_elsewhere(name):
    head, _, rest = page(name).partition("<body>")
    assert "default-src 'none'" in head
    assert not re.search(r"""(?:src|href)=["'](?!data:)""", page(name))
    assert "http://www.w3.org/2000/svg" in rest
    assert not re.findall(r"https?://(?!www\.w3\.org/)", page(name))


def test_only_its_own_script_and_style_may_run():
    text = page("hostile")
    for kind, pattern in (("script", r'<script type="module">(.*?)</script>'), ("style", r"<style>(.*?)</style>")):
        (found,) = re.findall(pattern, text, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(found.encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}'" in text


def test_names_that_look_like_markup_are_text():
    text = page("hostile")
    assert text.count("<script") == 2
    assert "<img" not in text
    assert unpacked(text)["title"] == HOSTILE


def test_the_same_model_gives_the_same_bytes():
    outline = trace("gpt2").outline()
    assert render(Explored.of(outline), Options()) == render(Explored.of(outline), Options()) == page("gpt2")


def test_a_place_that_does_not_exist_is_refused():
    with pytest.raises(UsageError, match=r"no section"):
        page("gpt2", "h.0.attention")


@pytest.mark.parametrize(
    "place", ["h.7.attn/scores", "h.11", "embedding/token-lookup", "<embedding>/position", "h.3.mlp?dims=names"]
)
def test_a_place_may_be_in_any_of_the_layers_and_is_written_as_a_link_writes_it(place):
    assert unpacked(page("gpt2", place))["place"] == place


@pytest.mark.parametrize("place", ["h.12.attn/scores", "h.7.attn/nothing", "h.70"])
def test_a_layer_or_step_that_is_not_there_is_refused(place):
    with pytest.raises(UsageError, match="no section"):
        page("gpt2", place)


def test_modules_are_joined_each_after_those_it_needs():
    files = {
        "main.js": 'import { b } from "./b.js";\nexport const a = b;\n',
        "b.js": "/** @typedef {number} B */\nexport const b = 1;\nfunction own() {}\n",
    }
    joined = bundle("main", files.__getitem__)
    assert joined.index("const b = 1") < joined.index("const a = b")
    assert "import" not in joined.replace("import(", "")
    assert "export" not in joined


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"main.js": 'import { a } from "./main.js";\n'}, "imports itself"),
        ({"main.js": 'import * as a from "./a.js";\n'}, "expected import"),
        ({"main.js": 'const a = "</script>";\n'}, "would end the script"),
    ],
)
def test_modules_that_cannot_be_joined_are_refused(files, said):
    with pytest.raises(UsageError, match=said):
        bundle("main", files.__getitem__)


def test_whatever_the_page_says_is_in_every_language():
    text = "\n".join(path.read_text(encoding="utf-8") for path in MODULES)
    literal = set(re.findall(r'\bsay\(\s*"([^"]+)"', text)) | set(re.findall(r'\bline\(.*, "([^"]+)"\)', text))
    listed = set(re.findall(r'\["[^"]+", "([^"]+)"\]', text))
    said = literal | listed | set(OF_SECTIONS.values())
    assert len(literal) > 50 and "step before, next" in listed
    said -= {"names"}  # a choice, not a word
    for code in ("en", "zh"):
        assert sorted(said - words_in(code).phrases.keys()) == []
