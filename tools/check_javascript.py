"""Check the types of the JavaScript: what ``@type`` and ``@param`` say in its comments, with TypeScript's compiler.

``python tools/check_javascript.py``. A ``tsc`` on the path is taken; else npm is asked for the version named here.
Where there is neither, or npm reaches no registry, it says that nothing was checked, and fails nothing.
"""

import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parents[1]
FOLDERS = (ROOT / "templates" / "explorer", ROOT / "tools" / "site")
VERSION = "7.0.2"
OPTIONS = (
    "--allowJs", "--checkJs", "--strict", "--noEmit", "--target", "es2022", "--module", "es2022",
    "--moduleResolution", "bundler", "--moduleDetection", "force", "--lib", "es2023,dom,dom.iterable",
)  # fmt: skip


def main() -> int:
    """Say what was checked, and with what; 1 if types do not fit."""
    compiler = at_hand() or fetched()
    if not compiler:
        print(
            f"JavaScript: types NOT checked: no tsc here, and no npm that gives typescript@{VERSION}", file=sys.stderr
        )
        return 0
    done = check(compiler)
    print(done.stdout, end="")
    print(f"JavaScript: types of {len(files())} files {'do not fit' if done.returncode else 'checked'}")
    return int(done.returncode != 0)


def files() -> list[Path]:
    """All that is checked."""
    return sorted(path for folder in FOLDERS for path in folder.glob("*.js"))


def at_hand() -> Sequence[str]:
    """The compiler that is installed; () if none is."""
    found = shutil.which("tsc")
    return (found,) if found else ()


def fetched() -> Sequence[str]:
    """The compiler as npm gives it; () if it does not."""
    npm = shutil.which("npm")
    if not npm:
        return ()
    command = (npm, "exec", "--yes", f"--package=typescript@{VERSION}", "--", "tsc")
    try:
        asked = subprocess.run(  # noqa: S603 - npm as it is installed
            [*command, "--version"], capture_output=True, check=False, cwd=ROOT, timeout=60
        )
    except subprocess.TimeoutExpired:
        return ()
    return command if asked.returncode == 0 else ()


def check(compiler: Sequence[str], checked: Sequence[Path] = ()) -> "subprocess.CompletedProcess[str]":
    """Run it over all files, or over some."""
    command = [*compiler, *OPTIONS, *map(str, checked or files())]
    return subprocess.run(  # noqa: S603 - a compiler, over files of ours
        command, capture_output=True, text=True, check=False, cwd=ROOT
    )


if __name__ == "__main__":
    sys.exit(main())
