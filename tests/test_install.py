"""The wheel carries what the program reads at run time; an editable install finds it too."""

import os
import shutil
import subprocess
import sys
import tomllib
import venv
import zipfile
from collections.abc import Iterable
from email import message_from_bytes
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from shapetrace import __version__, serialize
from tests.traces import linear

ROOT = Path(__file__).resolve().parents[1]


def build(kind: str, source: Path, folder: Path) -> None:
    command = [sys.executable, "-m", "hatchling", "build", "-t", kind, "-d", str(folder)]
    subprocess.run(command, cwd=source, check=True, capture_output=True)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    build("wheel", ROOT, folder)
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The unpacked source distribution."""
    folder = tmp_path_factory.mktemp("sdist")
    build("sdist", ROOT, folder)
    (archive,) = folder.glob("*.tar.gz")
    shutil.unpack_archive(archive, folder, filter="data")
    return folder / archive.name.removesuffix(".tar.gz")


def test_the_source_distribution_makes_the_same_wheel(wheel, source, tmp_path):
    build("wheel", source, tmp_path)
    assert (tmp_path / wheel.name).read_bytes() == wheel.read_bytes()


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="no checkout")
def test_the_source_distribution_has_all_that_tests_and_tools_read(source):
    told = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, encoding="utf-8").stdout
    assert [name for name in told.split("\0") if name and not (source / name).is_file()] == []


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
        "assert 'default' in names_in('themes') and 'gpt2' in presets.names()\n"
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


def needed(lines: Iterable[str], extra: str, found: dict[tuple[str, str], None]) -> set[str]:
    """Distributions that ``pip install`` brings for these requirements, with an extra or without."""
    for line in lines:
        requirement = Requirement(line)
        if requirement.marker is None or requirement.marker.evaluate({"extra": extra}):
            for each in ("", *requirement.extras):
                key = (canonicalize_name(requirement.name), each)
                if key not in found:
                    found[key] = None
                    needed(metadata.requires(requirement.name) or (), each, found)
    return {name for name, _ in found}


def environment_with(wheel: Path, extra: str, folder: Path) -> Path:
    """An environment with what the wheel needs, with an extra, and nothing else; its Python."""
    venv.create(folder, with_pip=False, symlinks=True)
    (site,) = folder.glob("lib/python*/site-packages")
    (told,) = (name for name in zipfile.ZipFile(wheel).namelist() if name.endswith(".dist-info/METADATA"))
    requires = message_from_bytes(zipfile.ZipFile(wheel).read(told)).get_all("Requires-Dist")
    for name in needed(requires, "", {}) | needed(requires, extra, {}):
        for file in metadata.files(name) or ():
            top = site / file.parts[0]
            if ".." not in file.parts and file.parts[0] != "__pycache__" and not top.exists():
                top.symlink_to(file.locate().parents[len(file.parts) - 1] / file.parts[0])
    return folder / "bin" / "python"


def run_in(folder: Path, *command: object, **more: Any) -> subprocess.CompletedProcess[str]:
    """Run a program that sees nothing of this checkout."""
    plain = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "SHAPETRACE"))}
    return subprocess.run(
        [*map(str, command)], cwd=folder, env=plain | {"NO_COLOR": "1"}, check=False, capture_output=True,
        encoding="utf-8", **more,
    )  # fmt: skip


@pytest.fixture(scope="module")
def plain(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    python = environment_with(wheel, "", tmp_path_factory.mktemp("plain"))
    subprocess.run(
        [sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--no-index", "--no-deps", wheel],
        check=True, capture_output=True,
    )  # fmt: skip
    return python


def test_a_plain_install_has_no_numpy(plain, tmp_path):
    assert "No module named 'numpy'" in run_in(tmp_path, plain, "-c", "import numpy").stderr


def test_an_installed_wheel_has_its_command(plain, tmp_path):
    assert run_in(tmp_path, plain.with_name("shapetrace"), "--version").stdout == f"shapetrace {__version__}\n"


@pytest.mark.parametrize("words", ["run gpt2 --seq 16", "diagram gpt2 --seq 16 --out figures/", "models --family gpt",
                                   "diff gpt2 gpt2-medium --seq 16", "--version", ""])  # fmt: skip
def test_the_first_commands_of_the_readme_run_without_a_warning(plain, tmp_path, words):
    said = run_in(tmp_path, plain, "-m", "shapetrace", *words.split())
    assert said.returncode == (1 if words.startswith("diff") else 0), said.stderr
    assert said.stderr == ""


def test_a_preset_in_a_plain_install_warns_of_nothing(plain, tmp_path):
    said = run_in(tmp_path, plain, "-c", "import shapetrace; print(repr(shapetrace.preset('gpt2', seq=4)))")
    assert said.stdout.startswith("<Trace of GPT-2 small"), said.stderr
    assert said.stderr == ""


SITE = "import pathlib as p, sys; sys.modules['torch'] = None; p.Path('docs').mkdir(); "
BUILDS = {
    "mkdocs": f"{SITE}p.Path('docs/index.md').write_text('```shapetrace\\n../trace.json\\n```\\n'); "
    "p.Path('mkdocs.yml').write_text('site_name: x\\nplugins: [shapetrace]\\n'); "
    "from mkdocs.__main__ import cli; cli(['build', '-q'])",
    "sphinx": f"{SITE}p.Path('docs/index.rst').write_text('T\\n=\\n\\n.. shapetrace:: ../trace.json\\n'); "
    "p.Path('docs/conf.py').write_text('extensions = [\"shapetrace.documenting.sphinx\"]\\n'); "
    "from sphinx.cmd.build import main; sys.exit(main(['-q', 'docs', 'site']))",
}
EXTRAS = {
    "hf": ("-m", "shapetrace", "run", "hf:gpt2", "--seq", "4"),
    "png": ("-m", "shapetrace", "diagram", "trace.json", "--format", "png", "--out", "made"),
    "gif": ("-m", "shapetrace", "diagram", "trace.json", "--format", "gif", "--out", "made"),
    "pdf": ("-m", "shapetrace", "diagram", "trace.json", "--format", "pdf", "--out", "made"),
    "mcp": ("-m", "shapetrace", "mcp"),
    "mkdocs": ("-c", BUILDS["mkdocs"]),
    "sphinx": ("-c", BUILDS["sphinx"]),
}
MADE = {
    "png": "made/*.png",
    "gif": "made/*.gif",
    "pdf": "made/*.pdf",
    "mkdocs": "site/assets/*/*.svg",
    "sphinx": "site/_images/*.svg",
}


def test_every_extra_for_users_is_tried():
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    assert set(extras) - {"dev"} == set(EXTRAS)


@pytest.mark.parametrize("extra", EXTRAS)
def test_an_extra_brings_all_that_it_needs_and_without_it_its_name_is_told(wheel, plain, tmp_path, extra):
    serialize.save(linear(), tmp_path / "trace.json")
    without = run_in(tmp_path, plain, *EXTRAS[extra], stdin=subprocess.DEVNULL)
    assert without.returncode != 0
    assert f"shapetrace[{extra}]" in without.stderr or f"No module named '{extra}'" in without.stderr
    shutil.rmtree(tmp_path / "docs", ignore_errors=True)
    python = environment_with(wheel, extra, tmp_path / "environment")
    (installed,), (site,) = (each.parents[1].glob("lib/python*/site-packages") for each in (plain, python))
    for part in installed.glob("shapetrace*"):  # as pip put it there
        (site / part.name).symlink_to(part)
    done = run_in(tmp_path, python, *EXTRAS[extra], stdin=subprocess.DEVNULL)
    assert done.returncode == 0, done.stderr
    assert "GPT2LMHeadModel" in done.stdout or extra != "hf"
    assert extra not in MADE or list(tmp_path.glob(MADE[extra]))
