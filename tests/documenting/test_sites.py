"""Sites as docs/sites.md describes them, built by the real programs from a committed trace."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from textwrap import indent

import pytest

import shapetrace
from shapetrace import serialize
from shapetrace.documenting.drawing import drawn
from shapetrace.errors import UsageError
from tests.traces import linear

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT = (ROOT / "docs" / "sites.md").read_text(encoding="utf-8")
needs_mkdocs = pytest.mark.skipif(find_spec("mkdocs") is None, reason="no MkDocs: pip install mkdocs")
needs_sphinx = pytest.mark.skipif(find_spec("sphinx") is None, reason="no Sphinx: pip install sphinx")


def snippet(program: str, language: str) -> str:
    """What the document says to write for a program."""
    part = re.split(r"^## ", DOCUMENT, flags=re.MULTILINE)
    (text,) = [each for each in part if each.startswith(program)]
    if found := re.search(rf"^````{language}\n(.*?)^````$", text, re.DOTALL | re.MULTILINE):
        return found[1]
    return re.search(rf"^```{language}\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)[1]


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


@cache
def gpt() -> shapetrace.Trace:
    return shapetrace.preset("gpt2", seq=8, layers=2)


def keep(folder: Path) -> Path:
    """A committed trace."""
    folder.mkdir(parents=True, exist_ok=True)
    serialize.save(gpt(), folder / "mine.json.gz")
    return folder / "mine.json.gz"


def run(program: str, *words: str, cwd: Path, sees: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run a program in a Python in which torch cannot be imported."""
    code = f"import sys; sys.modules['torch'] = None\n{program}"
    path = os.pathsep.join(map(str, filter(None, [sees, ROOT])))
    return subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code, *words],
        cwd=cwd, env={**os.environ, "PYTHONPATH": path, "NO_COLOR": "1"},
        check=False, capture_output=True, encoding="utf-8",
    )  # fmt: skip


def mkdocs(folder: Path) -> subprocess.CompletedProcess[str]:
    """Build a site of MkDocs, which finds the plugin where ``pyproject.toml`` says that it is."""
    points = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["entry-points"]["mkdocs.plugins"]
    lines = "".join(f"{name} = {value}\n" for name, value in points.items())
    write(folder / "seen" / "shapetrace_here-0.dist-info" / "METADATA", "Name: shapetrace-here\nVersion: 0\n")
    write(folder / "seen" / "shapetrace_here-0.dist-info" / "entry_points.txt", f"[mkdocs.plugins]\n{lines}")
    return run(
        "from mkdocs.__main__ import cli; cli()", "build", "--strict", "-q", cwd=folder, sees=folder / "seen"
    )  # fmt: skip


def sphinx(folder: Path, builder: str = "html") -> subprocess.CompletedProcess[str]:
    words = ("-W", "-q", "-b", builder, "docs", f"build/{builder}", "-d", "build/doc trees")
    return run("from sphinx.cmd.build import main; sys.exit(main(sys.argv[1:]))", *words, cwd=folder)


def shown(site: Path, page: str) -> list[tuple[str, str]]:
    """The images of a built page: their files' texts, and what is said of them."""
    html = (site / page).read_text(encoding="utf-8")
    images = [dict(re.findall(r'(\w+)="([^"]*)"', each)) for each in re.findall(r"<img [^>]*>", html)]
    return [((site / page).parent.joinpath(each["src"]).read_text(encoding="utf-8"), each["alt"]) for each in images]


@needs_mkdocs
def test_mkdocs_draws_what_a_page_asks_for_without_torch(tmp_path):
    trace = keep(tmp_path / "traces")
    write(tmp_path / "mkdocs.yml", snippet("MkDocs", "yaml") + "theme: {name: mkdocs, locale: en}\n")
    block = snippet("MkDocs", "md")
    write(tmp_path / "docs" / "index.md", f"# One\n\n{block}\nAnd text.\n\n<!-- shapetrace: gpt2 -->\n")
    below = block.replace("../traces", "../../traces")
    write(tmp_path / "docs" / "guide" / "page.md", "---\ntitle: t\n---\n- in a list\n\n" + indent(below, "    "))
    built = mkdocs(tmp_path)
    assert built.returncode == 0, built.stderr
    expected = shapetrace.figure(shapetrace.load(trace), section="attention")
    for page in ("index.html", "guide/page/index.html"):
        assert shown(tmp_path / "site", page) == [(expected.svg, expected.drawing.title)]
    assert "And text." in (tmp_path / "site" / "index.html").read_text(encoding="utf-8")


@needs_mkdocs
def test_a_figure_that_several_pages_of_mkdocs_show_is_one_file(tmp_path):
    keep(tmp_path / "docs")
    write(tmp_path / "mkdocs.yml", "site_name: t\nplugins: [shapetrace]\ntheme: {name: mkdocs, locale: en}\n")
    for name in ("index.md", "guide/page.md"):
        up = "../" * name.count("/")
        write(tmp_path / "docs" / name, f"```shapetrace\n{up}mine.json.gz --section mlp\n```\n")
    assert mkdocs(tmp_path).returncode == 0
    pages = [shown(tmp_path / "site", page) for page in ("index.html", "guide/page/index.html")]
    assert pages[0] == pages[1] != []
    assert len(list((tmp_path / "site" / "assets" / "shapetrace").iterdir())) == 1


@needs_mkdocs
@pytest.mark.parametrize(
    ("block", "line"),
    [
        ("mine.json.gz --section nope", "no section 'nope'"),
        ("model.py:Net", "got 'model.py:Net': a site is built from trace files alone"),
    ],
)
def test_a_block_that_cannot_be_drawn_is_one_line_with_its_place(tmp_path, block, line):
    keep(tmp_path / "docs")
    write(tmp_path / "docs" / "model.py", "raise SystemExit('this ran')\n")
    write(tmp_path / "mkdocs.yml", "site_name: t\nplugins: [shapetrace]\ntheme: {name: mkdocs, locale: en}\n")
    write(tmp_path / "docs" / "index.md", f"---\ntitle: t\n---\n\n# One\n\n```shapetrace\n{block}\n```\n")
    built = mkdocs(tmp_path)
    assert built.returncode == 1
    assert "Traceback" not in built.stderr
    assert f"index.md:7: {line}" in built.stderr


@needs_sphinx
def test_sphinx_draws_what_a_page_asks_for_without_torch(tmp_path):
    trace = keep(tmp_path / "traces")
    write(tmp_path / "docs" / "conf.py", snippet("Sphinx", "python"))
    write(tmp_path / "docs" / "index.rst", snippet("Sphinx", "rst"))
    built = sphinx(tmp_path)
    assert built.returncode == 0, built.stderr
    expected = shapetrace.figure(shapetrace.load(trace), section="attention")
    ((svg, alt),) = shown(tmp_path / "build" / "html", "index.html")
    assert (svg, alt) == (expected.svg, expected.drawing.title)
    page = (tmp_path / "build" / "html" / "index.html").read_text(encoding="utf-8")
    assert 'id="attention"' in page and "One head of the attention." in page
    serialize.save(linear(), trace)  # a page is built again when its trace changes: this one has no attention
    rebuilt = sphinx(tmp_path)
    assert rebuilt.returncode == 1
    assert "index.rst:4: ERROR: shapetrace: no section 'attention'" in rebuilt.stderr
    assert "Traceback" not in rebuilt.stderr


@needs_sphinx
@pytest.mark.skipif(find_spec("typst") is None, reason="no typst: pip install 'shapetrace[pdf]'")
def test_latex_gets_vectors(tmp_path):
    keep(tmp_path / "traces")
    write(tmp_path / "docs" / "conf.py", snippet("Sphinx", "python"))
    write(tmp_path / "docs" / "index.rst", snippet("Sphinx", "rst"))
    built = sphinx(tmp_path, "latex")
    assert built.returncode == 0, built.stderr
    (figure,) = (tmp_path / "build" / "latex").glob("mine-attention-*")
    assert figure.read_bytes().startswith(b"%PDF")
    assert figure.stem in next((tmp_path / "build" / "latex").glob("*.tex")).read_text(encoding="utf-8")


def test_the_command_that_quarto_runs_draws_the_page(tmp_path):
    trace = keep(tmp_path / "traces")
    page = write(tmp_path / "index.qmd", "---\ntitle: t\n---\n\n" + snippet("Quarto", "md"))
    command = re.search(r"pre-render: shapetrace (.*)", snippet("Quarto", "yaml"))[1].split()
    done = run("from shapetrace.cli.main import main; main()", *command, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    alt, target = re.search(r"^!\[(.*)\]\((.*)\)$", page.read_text(encoding="utf-8"), re.MULTILINE).groups()
    expected = shapetrace.figure(shapetrace.load(trace), section="attention")
    assert (alt, (tmp_path / target).read_text(encoding="utf-8")) == (expected.drawing.title, expected.svg)


def test_models_are_compared_from_their_files_alone(tmp_path):
    trace = keep(tmp_path)
    shutil.copy(trace, tmp_path / "other.json.gz")
    found = drawn(["compare", "mine.json.gz", "other.json.gz"], tmp_path)
    assert [path.name for path in found.traces] == ["mine.json.gz", "other.json.gz"]
    for words in (["compare"], ["models"], [], ["gpt2"], ["compare", "mine.json.gz", "gpt2"]):
        with pytest.raises(UsageError, match="from trace files alone"):
            drawn(words, tmp_path)
    for words, said in ((["missing.json"], "missing.json"), (["mine.json.gz", "--bogus"], "No such option: --bogus")):
        with pytest.raises(UsageError, match=said):
            drawn(words, tmp_path)
