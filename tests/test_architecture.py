"""docs/architecture.md says how the house is built: its passes, stages and paths are those of the code."""

import inspect
import re
from pathlib import Path

import pytest

from shapetrace.outlining.passes import PASSES, Pass

ROOT = Path(__file__).resolve().parents[1]
DOCUMENT = ROOT / "docs" / "architecture.md"
BETWEEN = re.compile(r"(?<=<!-- passes -->\n).*?(?=<!-- end of passes -->)", re.DOTALL)


def row(each: Pass) -> str:
    says = (inspect.getdoc(each.run) or "").split("\n\n")[0].replace("\n", " ").replace("|", "\\|")
    module = each.run.__module__.removeprefix("shapetrace.outlining.").replace(".", "/")
    reads = ", ".join(f"`{name}`" for name in each.reads)
    return f"| `{each.gives}` | {reads} | `{module}.py` | {says} |\n"


def table() -> str:
    return "| pass | reads | in | what it gives |\n| --- | --- | --- | --- |\n" + "".join(map(row, PASSES))


def test_the_table_of_passes_is_that_of_the_code(request: pytest.FixtureRequest) -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    if request.config.getoption("--rewrite-golden"):
        text = BETWEEN.sub(lambda _: table(), text)
        DOCUMENT.write_text(text, encoding="utf-8")
    assert BETWEEN.findall(text) == [table()], "pytest --rewrite-golden writes it"


def test_every_pass_says_what_it_gives() -> None:
    assert [each.gives for each in PASSES if not inspect.getdoc(each.run)] == []


def stages() -> list[str]:
    return re.findall(r"^\*\*(\w+)\*\* \(", DOCUMENT.read_text(encoding="utf-8"), re.MULTILINE)


def test_the_picture_names_every_stage() -> None:
    picture = (ROOT / "docs" / "architecture.svg").read_text(encoding="utf-8")
    words = set(re.findall(r"\w+", re.sub(r"<style>.*?</style>|<[^>]*>", " ", picture, flags=re.DOTALL).lower()))
    assert len(stages()) >= 16
    assert set(stages()) - words == set()


@pytest.mark.parametrize("document", ["docs/architecture.md", "CONTRIBUTING.md"])
def test_paths_in_the_text_exist(document: str) -> None:
    """Of a path that starts inside a package, or beside the one named before it, the file is there."""
    text = BETWEEN.sub("", (ROOT / document).read_text(encoding="utf-8"))
    missing = []
    for path in re.findall(r"`([\w./-]+(?:/|\.py|\.toml|\.svg|\.md))`", text):
        if not re.search(r"\b[A-Z]{4,}\b", path):  # NAME.py and the like stand for a file to come
            folders = [ROOT / "shapetrace", ROOT / "templates", ROOT / "tests"]
            bases = [ROOT, *folders, *(inner for folder in folders for inner in folder.iterdir())]
            missing += [path] * (not any((base / path).exists() for base in bases))
    assert missing == []


def test_links_to_recipes_find_their_heading() -> None:
    headings = re.findall(r"^#+ (.*)$", (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"), re.MULTILINE)
    anchors = {re.sub(r"[^\w-]", "", heading.lower().replace(" ", "-")) for heading in headings}
    linked = re.findall(r"CONTRIBUTING\.md#([\w-]+)", DOCUMENT.read_text(encoding="utf-8"))
    assert linked and set(linked) <= anchors
