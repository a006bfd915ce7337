"""Who imports whom, and what never loads torch. Each rule is also seen to fail."""

import resource
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from shapetrace import serialize
from tests.traces import linear

ROOT = Path(__file__).resolve().parents[1]


def loads_torch(code: str) -> bool:
    """Run code in a new Python and see whether torch is loaded in the end."""
    program = f"import atexit, sys\natexit.register(lambda: print('torch' in sys.modules, file=sys.stderr))\n{code}"
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT, check=False)
    said = result.stderr.split()
    assert said[-1:] in (["True"], ["False"]), result.stderr
    assert "Traceback" not in result.stderr, result.stderr
    return said[-1] == "True"


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
    assert not loads_torch(code)


def test_figures_and_tables_of_a_saved_trace_never_load_torch(tmp_path):
    serialize.save(linear(), tmp_path / "trace.json")
    assert not loads_torch(command("run", str(tmp_path / "trace.json")))
    assert not loads_torch(command("diagram", str(tmp_path / "trace.json"), "--out", str(tmp_path / "figures")))
    assert (tmp_path / "figures" / "overview.svg").exists()


def test_the_check_for_torch_can_fail():
    assert loads_torch("import shapetrace.capture")


@pytest.mark.parametrize("words", [("--version",), ("--help",)])
def test_the_command_line_starts_fast(words):
    def seconds() -> float:
        """Processor time, so that a busy machine fails no test; on an idle one it is the time that passes."""
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([sys.executable, "-m", "shapetrace", *words], capture_output=True, check=True, cwd=ROOT)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime

    assert min(seconds() for _ in range(3)) < 0.4


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
