"""The gallery has what its list says, and stays small; `make check` compares it byte for byte."""

import tomllib
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

GALLERY = Path(__file__).resolve().parents[1] / "gallery"
FOLDERS = tomllib.loads((GALLERY / "figures.toml").read_text(encoding="utf-8"))["folders"]
FIGURES = [(folder["name"], figure["name"], figure["words"]) for folder in FOLDERS for figure in folder["figures"]]


@pytest.mark.parametrize(("folder", "name", "words"), FIGURES)
def test_a_listed_figure_is_there_and_small(folder, name, words):
    path = GALLERY / folder / f"{name}.svg"
    assert path.stat().st_size < (40_000 if "--section" in words or "--step" in words else 150_000)
    root = ET.parse(path).getroot()
    assert float(root.get("width", "0")) <= 1200
    assert (root[0].text, root[1].text) != (None, None)


def test_every_figure_is_listed_and_shown():
    listed = {f"{folder}/{name}.svg" for folder, name, _ in FIGURES}
    assert {
        path.relative_to(GALLERY).as_posix() for path in GALLERY.glob("*/*.svg") if path.parent.name != "parameters"
    } == listed
    for page in ("all.md", "all.html"):
        text = (GALLERY / page).read_text(encoding="utf-8")
        assert all(f'"{name}"' in text for name in listed)


def test_every_source_the_architectures_and_ranks_have_a_folder():
    assert [folder["name"][:2] for folder in FOLDERS] == ["a-", "b-", "c-", "d-", "e-", "ar", "ra"]


def test_figures_of_both_languages_are_there():
    for folder in FOLDERS:
        assert any(figure["name"].endswith("-zh") for figure in folder["figures"]), folder["name"]
