"""A release in a repository of its own: version, changelog and distributions belong together, or nothing changes."""

import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
CHANGELOG = "# Changelog\n\n## [Unreleased]\n\n### Added\n\n- A thing.\n\n## [0.0.9] - 2026-01-01\n\n- Older.\n"


def git(folder: Path, *words: str) -> str:
    who = ("-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "core.hooksPath=/dev/null")
    return subprocess.run(
        ["git", *who, *words], cwd=folder, check=True, capture_output=True, encoding="utf-8"
    ).stdout  # fmt: skip


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small checkout: what the command line needs to tell its version."""
    folder = tmp_path_factory.mktemp("template") / "checkout"
    shutil.copytree(ROOT / "shapetrace", folder / "shapetrace", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(ROOT / "templates" / "labels", folder / "templates" / "labels")
    for name in ("pyproject.toml", "README.md", "LICENSE", ".gitignore"):
        shutil.copy(ROOT / name, folder)
    (folder / "CHANGELOG.md").write_text(CHANGELOG, encoding="utf-8")
    git(folder, "init", "-q")
    commit(folder)
    return folder


@pytest.fixture
def checkout(template: Path, tmp_path: Path) -> Path:
    git(template, "clone", "-q", ".", str(tmp_path / "here"))
    return tmp_path / "here"


def commit(folder: Path) -> None:
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "--allow-empty", "-m", "x")


def release(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "tools" / "release.py"), *words]
    return subprocess.run(command, cwd=folder, check=False, capture_output=True, encoding="utf-8")


def test_a_release_sets_the_version_and_dates_the_changelog_and_builds_both_distributions(checkout: Path) -> None:
    before = git(checkout, "log", "--oneline")
    done = release(checkout, "0.2.0")
    assert done.returncode == 0, done.stderr
    text = (checkout / "CHANGELOG.md").read_text(encoding="utf-8")
    opening = r"# Changelog\n\n## \[Unreleased\]\n\n## \[0\.2\.0\] - \d{4}-\d\d-\d\d\n\n### Added\n\n- A thing\.\n"
    assert re.match(opening, text)
    assert text.endswith("## [0.0.9] - 2026-01-01\n\n- Older.\n")
    files = {path.name: path for path in (checkout / "dist").iterdir()}
    assert set(files) == {"shapetrace-0.2.0.tar.gz", "shapetrace-0.2.0-py3-none-any.whl"}
    wheel = zipfile.ZipFile(files["shapetrace-0.2.0-py3-none-any.whl"])
    assert "\nVersion: 0.2.0\n" in wheel.read("shapetrace-0.2.0.dist-info/METADATA").decode()
    with tarfile.open(files["shapetrace-0.2.0.tar.gz"]) as sdist:
        assert b'__version__ = "0.2.0"' in sdist.extractfile("shapetrace-0.2.0/shapetrace/__init__.py").read()
    assert git(checkout, "log", "--oneline") == before and git(checkout, "tag") == ""
    assert git(checkout, "status", "--porcelain").split() == ["M", "CHANGELOG.md", "M", "shapetrace/__init__.py"]


def unreleased(text: str) -> str:
    return CHANGELOG.replace("\n### Added\n\n- A thing.\n", text)


@pytest.mark.parametrize(
    ("version", "changelog", "tag", "said"),
    [
        ("0.2", CHANGELOG, "", "'0.2' is no version: expected three numbers, as in 1.2.3"),
        ("v0.2.0", CHANGELOG, "", "'v0.2.0' is no version: expected three numbers, as in 1.2.3"),
        ("0.0.9", CHANGELOG, "", "0.0.9 does not come after 0.0.9, which CHANGELOG.md or a tag has"),
        ("0.9.0", CHANGELOG, "v0.10.0", "0.9.0 does not come after 0.10.0, which CHANGELOG.md or a tag has"),
        ("0.2.0", unreleased(""), "", "CHANGELOG.md has nothing under [Unreleased]: say what changed"),
        ("0.2.0", unreleased("\n### Added\n"), "", "CHANGELOG.md has nothing under [Unreleased]: say what changed"),
        ("0.2.0", "# Changelog\n", "", "CHANGELOG.md has 0 headings [Unreleased], expected one"),
    ],
)  # fmt: skip
def test_what_is_no_release_is_refused_in_one_line(
    checkout: Path, version: str, changelog: str, tag: str, said: str
) -> None:
    (checkout / "CHANGELOG.md").write_text(changelog, encoding="utf-8")
    commit(checkout)
    if tag:
        git(checkout, "tag", tag)
    done = release(checkout, version)
    assert (done.returncode, done.stdout, done.stderr) == (2, "", f"error: {said}\n")
    assert git(checkout, "status", "--porcelain") == "" and not (checkout / "dist").exists()


def test_a_tree_with_changes_is_refused_and_stays_as_it_is(checkout: Path) -> None:
    (checkout / "README.md").write_text("# Changed\n", encoding="utf-8")
    (checkout / "new.py").write_text("", encoding="utf-8")
    done = release(checkout, "0.2.0")
    assert (done.returncode, done.stderr) == (2, "error: files are not committed: README.md, new.py\n")
    assert (checkout / "CHANGELOG.md").read_text(encoding="utf-8") == CHANGELOG


@pytest.mark.parametrize(
    ("file", "text", "said"),
    [
        ("pyproject.toml", "[build-system]\n", "error: the sdist cannot be built: "),
        ("shapetrace/__main__.py", "raise SystemExit('broken')\n", "error: the wheel does not run: broken\n"),
        ("README.md", "", "says version 0.2.0: expected 0.2.0, and the README\n"),
    ],
)  # fmt: skip
def test_a_release_that_cannot_be_built_or_run_leaves_everything_as_it_was(
    checkout: Path, file: str, text: str, said: str
) -> None:
    (checkout / file).write_text(text, encoding="utf-8")
    commit(checkout)
    done = release(checkout, "0.2.0")
    assert done.returncode == 2 and said in done.stderr and done.stderr.count("\n") == 1
    assert git(checkout, "status", "--porcelain") == "" and not (checkout / "dist").exists()


def test_without_a_version_it_asks_for_one(checkout: Path) -> None:
    done = release(checkout)
    assert (done.returncode, done.stderr) == (2, "error: which version? make release VERSION=1.2.3\n")


def test_the_changelog_of_this_repository_can_be_released() -> None:
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert text.count("## [Unreleased]\n") == 1
    assert not re.search(r"^## (?!\[)", text, re.MULTILINE)
