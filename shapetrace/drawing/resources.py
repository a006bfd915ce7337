"""Where templates, themes and label files are: the user's folder first, then the package's own."""

from pathlib import Path

from shapetrace.errors import MissingPartError, UsageError

_PACKAGE = Path(__file__).resolve().parents[1]
_OWN = (
    _PACKAGE / "_templates",  # in an installed wheel
    _PACKAGE.parent / "templates",  # in a source checkout or an editable install
)


def template_folders(templates: Path | None = None) -> tuple[Path, ...]:
    """Folders to look for a template in, first one first.

    Args:
        templates: Folder of the user, whose files replace single ones of ours.

    Raises:
        UsageError: If there is no such folder.
    """
    if templates is not None and not templates.is_dir():
        raise UsageError(f"there is no folder {templates} of templates")
    own = tuple(folder for folder in _OWN if folder.is_dir())
    if not own:
        raise MissingPartError(f"shapetrace is installed without its templates: expected them in {_OWN[0]}")
    return (templates, *own[:1]) if templates else own[:1]


def read(name: str, templates: Path | None = None) -> str:
    """Read a file such as ``themes/default.toml``.

    Raises:
        MissingPartError: If no folder has it.
    """
    folders = template_folders(templates)
    for folder in folders:
        if (folder / name).is_file():
            return (folder / name).read_text(encoding="utf-8")
    raise MissingPartError(f"no file {name} in {', '.join(map(str, folders))}")


def names_in(folder: str, templates: Path | None = None) -> tuple[str, ...]:
    """Names of the TOML files in a folder, without their suffix, sorted."""
    return tuple(sorted({path.stem for root in template_folders(templates) for path in (root / folder).glob("*.toml")}))
