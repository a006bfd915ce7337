"""Who imports whom, and what never loads torch. Each rule is also seen to fail."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from shapetrace import serialize
from tests.traces import linear

ROOT = Path(__file__).resolve().parents[1]


def loaded(code: str) -> set[str]:
    """Run code in a new Python and see which modules are loaded in the end."""
    program = f"import atexit, sys\natexit.register(lambda: print('loaded', *sys.modules, file=sys.stderr))\n{code}"
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT, check=False)
    assert "Traceback" not in result.stderr, result.stderr
    mark, *modules = result.stderr.splitlines()[-1].split()
    assert mark == "loaded", result.stderr
    return set(modules)


def command(*words: str) -> str:
    return f"sys.argv = ['shapetrace', *{words!r}]\nfrom shapetrace.cli.main import main\nmain()"


@pytest.mark.parametrize(
    "code",
    [
        "import shapetrace",
        command("--help"),
        command("--version"),
        command("run", "--help"),
        command("models"),
        command("run", "no-such-model"),
        command("run", "--d-model", "770"),
    ],
)
def test_this_never_loads_torch(code):
    assert "torch" not in loaded(code)


def test_figures_and_tables_of_a_saved_trace_never_load_torch(tmp_path):
    serialize.save(linear(), tmp_path / "trace.json")
    assert "torch" not in loaded(command("run", str(tmp_path / "trace.json")))
    words = ("diagram", str(tmp_path / "trace.json"), "--out", str(tmp_path / "figures"))
    assert "torch" not in loaded(command(*words))
    assert (tmp_path / "figures" / "overview.svg").exists()


def test_the_check_for_torch_can_fail():
    assert "torch" in loaded("import shapetrace.capture")


def heavy() -> set[str]:
    """Modules of all dependencies but the command line's own, and of the parts that do the work."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    needed = [*project["dependencies"], *(one for group in ("gif", "hf", "pdf", "png") for one in extras[group])]
    names = {re.split(r"[^\w-]", one)[0].replace("-", "_") for one in needed} - {"typer"}
    return names | {
        "numpy",
        *(f"shapetrace.{part}" for part in ("api", "drawing", "ir", "obtaining", "capture", "outlining")),
    }


@pytest.mark.parametrize(("word", "laid_out_by"), [("--version", set()), ("--help", {"rich"})])
def test_the_command_line_starts_with_the_standard_library_and_typer(word, laid_out_by):
    assert loaded(command(word)) & heavy() == laid_out_by


def test_the_check_of_what_starts_can_fail(tmp_path):
    serialize.save(linear(), tmp_path / "trace.json")
    assert loaded(command("run", str(tmp_path / "trace.json"))) & heavy() >= {"msgspec", "rich", "shapetrace.outlining"}


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    program = "from importlinter.cli import lint_imports_command; lint_imports_command()"
    return subprocess.run(
        [sys.executable, "-c", program, "--no-cache"], capture_output=True, text=True, cwd=folder, check=False
    )


def test_imports_point_one_way():
    result = lint(ROOT)
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize(
    ("module", "line", "contract"),
    [
        ("ops", "import torch", "never loads torch"),
        ("drawing", "from ruled import capture", "never loads torch"),
        ("outlining", "from ruled import drawing", "point one way"),
        ("capture", "from ruled import outlining", "know the trace"),
    ],
)
def test_each_rule_can_fail(tmp_path, module, line, contract):
    """A small package with the same rules and one import that breaks them."""
    rules = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    listed = [
        entry for rule in rules["contracts"] for key in ("layers", "source_modules") for entry in rule.get(key, ())
    ]
    for name in {"shapetrace.capture", *(name for entry in listed for name in entry.split(" | "))}:
        folder = tmp_path / name.replace("shapetrace", "ruled", 1).replace(".", "/")
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "__init__.py").write_text(line if folder.name == module else "", encoding="utf-8")
    (tmp_path / "ruled" / "__init__.py").touch()
    start = (ROOT / "pyproject.toml").read_text().index("[tool.importlinter]")
    text = (ROOT / "pyproject.toml").read_text()[start:].replace("shapetrace", "ruled")
    (tmp_path / "pyproject.toml").write_text(text)
    result = lint(tmp_path)
    assert result.returncode == 1, result.stdout + result.stderr
    broken = [text for text in result.stdout.splitlines() if text.rstrip().endswith("BROKEN")]
    assert any(contract in text for text in broken), result.stdout
