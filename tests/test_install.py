"""The wheel carries what the program reads at run time; an editable install finds it too."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)],
        cwd=ROOT, check=True, capture_output=True,
    )  # fmt: skip
    return next(folder.glob("*.whl"))


def files(folder: Path, pattern: str) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob(pattern) if path.is_file()}


def test_the_wheel_carries_templates_and_tables(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {f"shapetrace/_templates/{name}" for name in files(ROOT / "templates", "*")} <= names
    assert {f"shapetrace/{name}" for name in files(ROOT / "shapetrace", "*.toml")} <= names
    assert "shapetrace/py.typed" in names
    assert not any(name.startswith("tests") for name in names)


def test_the_wheel_names_its_command_and_every_dependency_has_a_reason(wheel):
    archive = zipfile.ZipFile(wheel)
    entry_points = next(name for name in archive.namelist() if name.endswith("entry_points.txt"))
    assert "shapetrace = shapetrace.cli.main:main" in archive.read(entry_points).decode()
    lines = (ROOT / "pyproject.toml").read_text(encoding="utf-8").split("dependencies = [", 1)[1].split("]", 1)[0]
    assert all("# " in line for line in lines.strip().splitlines())


def test_the_unpacked_wheel_finds_its_own_files(wheel, tmp_path):
    zipfile.ZipFile(wheel).extractall(tmp_path)
    program = (
        f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n"
        "import shapetrace\n"
        "from shapetrace.drawing.resources import names_in, template_folders\n"
        "from shapetrace.models import presets\n"
        f"assert shapetrace.__file__.startswith({str(tmp_path)!r}), shapetrace.__file__\n"
        f"assert str(template_folders()[0]).startswith({str(tmp_path)!r})\n"
        "assert 'default' in names_in('themes', '.toml') and 'gpt2' in presets.names()\n"
    )
    subprocess.run([sys.executable, "-I", "-c", program], cwd=tmp_path, check=True)


def test_a_checkout_finds_its_own_files():
    from shapetrace.drawing.resources import template_folders

    assert template_folders()[0] == ROOT / "templates"


def test_constraints_pin_what_pyproject_asks_for():
    pins = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    names = [line.partition("==")[0].lower() for line in pins if "==" in line]
    assert names[0] == "torch"
    assert set("typer rich jinja2 graphviz msgspec transformers resvg-py pytest ruff mypy".split()) <= set(names)
    assert len(names) == len(set(names))
