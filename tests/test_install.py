"""The wheel carries what the program reads at run time; an editable install finds it too."""

import os
import re
import subprocess
import sys
import venv
import zipfile
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement

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


def needed(name: str, found: set[str]) -> set[str]:
    """Distributions that a plain ``pip install`` of one brings, itself included."""
    key = re.sub(r"[-_.]+", "-", name).lower()
    if key not in found:
        found.add(key)
        for line in metadata.requires(name) or ():
            requirement = Requirement(line)
            if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
                needed(requirement.name, found)
    return found


@pytest.fixture(scope="module")
def plain(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with the wheel and what it needs, nothing else; its Python."""
    folder = tmp_path_factory.mktemp("plain")
    venv.create(folder, with_pip=False, symlinks=True)
    (site,) = folder.glob("lib/python*/site-packages")
    requires = [Requirement(line) for line in metadata.requires("shapetrace") or ()]
    wanted = set().union(*(needed(each.name, set()) for each in requires if each.marker is None))
    for name in wanted:
        for file in metadata.files(name) or ():
            top = site / file.parts[0]
            if ".." not in file.parts and file.parts[0] != "__pycache__" and not top.exists():
                top.symlink_to(file.locate().parents[len(file.parts) - 1] / file.parts[0])
    zipfile.ZipFile(wheel).extractall(site)
    return folder / "bin" / "python"


def test_a_plain_install_has_no_numpy(plain):
    said = subprocess.run([plain, "-c", "import numpy"], check=False, capture_output=True, encoding="utf-8")
    assert "No module named 'numpy'" in said.stderr


@pytest.mark.parametrize("words", ["run gpt2 --seq 16", "diagram gpt2 --seq 16 --out figures/", "models --family gpt",
                                   "diff gpt2 gpt2-medium --seq 16", "--version", ""])  # fmt: skip
def test_the_first_commands_of_the_readme_run_without_a_warning(plain, tmp_path, words):
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "SHAPETRACE"))}
    said = subprocess.run(
        [plain, "-m", "shapetrace", *words.split()],
        cwd=tmp_path, check=False, capture_output=True, encoding="utf-8", env=environment,
    )  # fmt: skip
    assert said.returncode == (1 if words.startswith("diff") else 0), said.stderr
    assert said.stderr == ""


def test_a_preset_in_a_plain_install_warns_of_nothing(plain, tmp_path):
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    said = subprocess.run(
        [plain, "-c", "import shapetrace; print(repr(shapetrace.preset('gpt2', seq=4)))"],
        cwd=tmp_path, check=True, capture_output=True, encoding="utf-8", env=environment,
    )  # fmt: skip
    assert said.stdout.startswith("<Trace of GPT-2 small")
    assert said.stderr == ""
