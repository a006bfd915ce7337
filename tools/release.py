"""Make a release ready: ``make release VERSION=1.2.3``. Nothing is committed, pushed or published.

The version goes into the package, what CHANGELOG.md has under [Unreleased] becomes that of the version, an sdist and a
wheel are built into dist/ and checked. If anything fails, both files are as they were.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from email import message_from_string
from pathlib import Path

VERSION_FILE, CHANGELOG = Path("shapetrace/__init__.py"), Path("CHANGELOG.md")
VERSION_LINE = re.compile(r'^__version__ = "(.*)"$', re.MULTILINE)
NUMBERS = r"(?:0|[1-9]\d*)(?:\.(?:0|[1-9]\d*)){2}"
UNRELEASED = "## [Unreleased]\n"


class RefusedError(Exception):
    """Why no release can be made, in one line."""


def main() -> int:
    """Release the version that is named, in the repository of the working folder."""
    if len(sys.argv) != 2:
        print("error: which version? make release VERSION=1.2.3", file=sys.stderr)
        return 2
    version, out = sys.argv[1], Path("dist")
    try:
        with restored_on_failure(VERSION_FILE, CHANGELOG), tempfile.TemporaryDirectory() as folder:
            check_request(version)
            write_version(version)
            built = build(Path(folder))
            check_wheel(built[-1], version)
            out.mkdir(exist_ok=True)
            files = [shutil.copy(file, out) for file in built]
    except RefusedError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(*(f"built and checked: {file}" for file in files), sep="\n")
    print(f"next: git commit -am 'Release {version}' && git tag v{version}, then push and publish")
    return 0


@contextmanager
def restored_on_failure(*paths: Path) -> Iterator[None]:
    """Put files back if the block raises, also at Ctrl-C."""
    before = {path: path.read_bytes() for path in paths if path.exists()}
    try:
        yield
    except BaseException:
        for path, content in before.items():
            path.write_bytes(content)
        raise


def check_request(version: str) -> None:
    """Refuse what is no next version of a clean tree with something to tell.

    Raises:
        RefusedError: Says what is wrong and what to do.
    """
    if not re.fullmatch(NUMBERS, version):
        raise RefusedError(f"{version!r} is no version: expected three numbers, as in 1.2.3")
    if changed := git("status", "--porcelain").splitlines():
        raise RefusedError(f"files are not committed: {', '.join(line[3:] for line in changed[:3])}")
    text = CHANGELOG.read_text(encoding="utf-8")
    tags = re.findall(rf"^v({NUMBERS})$", git("tag"), re.MULTILINE)
    last = max([*re.findall(rf"^## \[({NUMBERS})\]", text, re.MULTILINE), *tags], key=numbers, default="")
    if last and numbers(version) <= numbers(last):
        raise RefusedError(f"{version} does not come after {last}, which CHANGELOG.md or a tag has")
    if not re.search(r"^- ", unreleased(text), re.MULTILINE):
        raise RefusedError("CHANGELOG.md has nothing under [Unreleased]: say what changed")


def numbers(version: str) -> tuple[int, ...]:
    """1.10.0 comes after 1.9.0."""
    return tuple(map(int, version.split(".")))


def unreleased(text: str) -> str:
    """What the changelog has under [Unreleased].

    Raises:
        RefusedError: If it has no such heading.
    """
    if text.count(UNRELEASED) != 1:
        raise RefusedError(f"CHANGELOG.md has {text.count(UNRELEASED)} headings [Unreleased], expected one")
    return text.partition(UNRELEASED)[2].partition("\n## [")[0]


def write_version(version: str) -> None:
    """Write the version into the package, and a heading with it and today's date into the changelog."""
    text, n_lines = VERSION_LINE.subn(f'__version__ = "{version}"', VERSION_FILE.read_text(encoding="utf-8"))
    if n_lines != 1:
        raise RefusedError(f"{VERSION_FILE} has {n_lines} lines __version__ = ..., expected one")
    VERSION_FILE.write_text(text, encoding="utf-8")
    heading = f"{UNRELEASED}\n## [{version}] - {datetime.now(UTC):%Y-%m-%d}\n"
    CHANGELOG.write_text(CHANGELOG.read_text(encoding="utf-8").replace(UNRELEASED, heading), encoding="utf-8")


def build(folder: Path) -> tuple[Path, Path]:
    """Build an sdist, and a wheel from what the sdist holds: so both have all that an installation needs."""
    hatch("sdist", Path.cwd(), folder)
    (sdist,) = folder.glob("*.tar.gz")
    shutil.unpack_archive(sdist, folder, filter="data")
    hatch("wheel", folder / sdist.name.removesuffix(".tar.gz"), folder)
    (wheel,) = folder.glob("*.whl")
    return sdist, wheel


def hatch(kind: str, source: Path, folder: Path) -> None:
    """Build a distribution of a source tree."""
    command = [sys.executable, "-m", "hatchling", "build", "-t", kind, "-d", str(folder)]
    run(command, source, what=f"the {kind} cannot be built")


def check_wheel(wheel: Path, version: str) -> None:
    """Hold the wheel against what was asked for, and run its command from its own files.

    Raises:
        RefusedError: If its metadata or its command tell something else.
    """
    folder = wheel.with_suffix("")
    shutil.unpack_archive(wheel, folder, "zip")
    (file,) = folder.glob("*.dist-info/METADATA")
    metadata = message_from_string(file.read_text(encoding="utf-8"))
    if metadata["Version"] != version or not str(metadata.get_payload()).startswith("# "):
        raise RefusedError(f"{wheel.name} says version {metadata['Version']}: expected {version}, and the README")
    said = run(
        [sys.executable, "-m", "shapetrace", "--version"], folder, "the wheel does not run", PYTHONPATH=str(folder)
    )
    if said != f"shapetrace {version}\n":
        raise RefusedError(f"{wheel.name} runs as {said.strip()!r}")


def git(*words: str) -> str:
    """What git prints."""
    return run(["git", *words], Path.cwd(), f"git {words[0]} fails")


def run(command: list[str], folder: Path, what: str, **environment: str) -> str:
    """What a program prints.

    Raises:
        RefusedError: If it fails, with its last line.
    """
    done = subprocess.run(  # noqa: S603 - git and Python, with words of our own
        command, cwd=folder, env=os.environ | environment, check=False, capture_output=True, encoding="utf-8"
    )
    if done.returncode:
        raise RefusedError(f"{what}: {(done.stderr.strip().splitlines() or ['it does not say why'])[-1]}")
    return done.stdout


if __name__ == "__main__":
    sys.exit(main())
