"""The types of the JavaScript: what its comments say holds, where a compiler is at hand."""

import pytest

from tests.tools import tool

CHECK = tool("check_javascript")


def test_all_modules_are_checked():
    names = {path.name for path in CHECK.files()}
    assert {"main.js", "bar.js", "types.js", "site.js"} <= names


@pytest.mark.skipif(not CHECK.at_hand(), reason="no tsc on this system")
def test_types_fit():
    done = CHECK.check(CHECK.at_hand())
    assert done.returncode == 0, done.stdout


@pytest.mark.skipif(not CHECK.at_hand(), reason="no tsc on this system")
def test_a_type_that_does_not_fit_is_found(tmp_path):
    wrong = tmp_path / "wrong.js"
    wrong.write_text("/** @param {number} n */\nexport const half = (n) => n / 2;\nhalf('a');\n", encoding="utf-8")
    done = CHECK.check(CHECK.at_hand(), [wrong])
    assert done.returncode != 0 and "wrong.js" in done.stdout


def test_without_a_compiler_it_says_that_nothing_was_checked(monkeypatch, capsys):
    monkeypatch.setenv("PATH", "")
    assert CHECK.main() == 0
    assert "types NOT checked: no tsc here" in capsys.readouterr().err
