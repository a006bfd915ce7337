"""The words of an outline: every role and part has some, and every language has them."""

import ast
import re
import tomllib
from pathlib import Path

import pytest

from shapetrace.outlining import words
from shapetrace.outlining.roles import Part, Role
from shapetrace.outlining.sections import Node

ROOT = Path(__file__).resolve().parents[2]
OUTLINING = ROOT / "shapetrace" / "outlining"
CALLED_BY_FUNCTION = {
    Role.OTHER, Role.ATTENTION_WEIGHTS, Role.EXPAND, Role.SHRINK, Role.NORM, Role.ACTIVATION, Role.GATED_ACTIVATION,
    Role.GLU, Role.SELECT, Role.LOSS,
}  # fmt: skip
"""Roles whose steps are called by what they compute, or by how their widths compare."""


def source(*folders: str) -> str:
    return "\n".join(path.read_text() for folder in folders for path in sorted((OUTLINING / folder).glob("*.py")))


def constants(code: str) -> set[str]:
    """Texts in a piece of Python, documentation left out."""
    return {
        node.value
        for node in ast.walk(ast.parse(code))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }


def notes() -> set[str]:
    """Templates of all notes that steps carry, where they have words: what `Phrase` is called with, by name or not."""
    trees = [ast.parse(path.read_text()) for path in OUTLINING.rglob("*.py")]
    named = {
        target.id: node.value
        for tree in trees
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    first = [
        node.args[0]
        for tree in trees
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Phrase" and node.args
    ]
    found = {text for value in first for text in constants(ast.unparse(value))}
    for name in {node.id for value in first for node in ast.walk(value) if isinstance(node, ast.Name)} & named.keys():
        value = named[name]
        texts = value.values if isinstance(value, ast.Dict) else [value]
        found |= {text for each in texts for text in constants(ast.unparse(each))}
    return {text for text in found if re.search("[a-z]{2}", re.sub(r"{.*?}", "", text))}


def titles() -> set[str]:
    by_width = constants(ast.unparse(next(
        node for node in ast.walk(ast.parse((OUTLINING / "words.py").read_text()))
        if isinstance(node, ast.FunctionDef) and node.name == "_by_width"
    ).body[-1]))  # fmt: skip
    return {*words.TITLES.values(), *words.SECTIONS.values(), *words._SELECTIONS.values(), *by_width}


def test_every_role_is_given_by_a_recogniser_or_a_step() -> None:
    given = source("recognise", "steps")
    assert [role for role in Role if not re.search(rf"\bRole\.{role.name}\b", given)] == []


def test_every_role_has_a_title_or_is_called_by_its_function() -> None:
    assert set(Role) - words.TITLES.keys() == CALLED_BY_FUNCTION


def test_every_part_has_a_symbol() -> None:
    assert set(Part) - words.SYMBOLS.keys() == {Part.OTHER}


@pytest.mark.parametrize("language", sorted(path.stem for path in (ROOT / "templates" / "labels").glob("*.toml")))
def test_every_title_and_note_is_in_every_language(language: str) -> None:
    phrases = tomllib.loads((ROOT / "templates" / "labels" / f"{language}.toml").read_text())["phrases"]
    assert len(notes()) > 20  # they are found
    assert sorted((titles() | notes()) - phrases.keys()) == []


@pytest.mark.parametrize("language", sorted(path.stem for path in (ROOT / "templates" / "labels").glob("*.toml")))
def test_every_phrase_of_a_figure_is_in_every_language(language: str) -> None:
    phrases = tomllib.loads((ROOT / "templates" / "labels" / f"{language}.toml").read_text())["phrases"]
    code = "\n".join(path.read_text() for path in sorted((ROOT / "shapetrace" / "drawing").rglob("*.py")))
    said = set(re.findall(r"""words\.(?:say|several)\(\s*["']([^"']+)["']""", code))
    assert len(said) > 100  # they are found
    assert sorted(said - phrases.keys()) == []


@pytest.mark.parametrize(
    ("path", "type_", "title"),
    [
        ("down.d1", "ResBlock", "ResBlock"),
        ("m", "ResBlock", "ResBlock"),
        ("stages.0", "Stage", "Stage"),
        ("bert.pooler", "BertPooler", "Pooler"),
        ("layer1", "Sequential", "Layer1"),
        ("", "UNet", "UNet"),
    ],
)
def test_a_section_that_nothing_is_known_of_is_called_by_its_place_where_that_is_a_word(path, type_, title) -> None:
    assert words.section_title(Node(path, type_, kind="other"), frozenset(), "model") == title
