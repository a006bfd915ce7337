"""The README and docs/ say what the code does: examples run, options exist, the schema is that of the types."""

import json
import re
import shlex
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from shapetrace import ir
from shapetrace.cli import main as command_line
from shapetrace.cli.examples import SHORT
from shapetrace.cli.format_options import loaded
from shapetrace.serialize import FORMAT, VERSION

ROOT = Path(__file__).resolve().parents[1]
README = ROOT / "README.md"
TRANSCRIPT = re.compile(r"```console\n\$ (.+)\n((?:.*\n)*?)```\n")


def transcripts() -> list[tuple[str, str]]:
    return TRANSCRIPT.findall(README.read_text(encoding="utf-8"))


@pytest.fixture
def output(capsys, monkeypatch) -> Callable[..., tuple[object, str]]:
    """Runs a command in this process: its exit code, and what it printed."""

    def run(command: str, folder: Path, columns: int = 100) -> tuple[object, str]:
        monkeypatch.chdir(folder)
        monkeypatch.setenv("COLUMNS", str(columns))
        monkeypatch.setenv("NO_COLOR", "1")
        monkeypatch.setattr("sys.argv", shlex.split(command))
        with pytest.raises(SystemExit) as ended:
            command_line.main()
        return ended.value.code, capsys.readouterr().out

    return run


@pytest.mark.parametrize("command", [command for command, _ in transcripts()])
def test_the_readme_shows_what_a_command_prints(command, output, tmp_path, request):
    code, printed = output(command, tmp_path)
    assert code == 0
    if request.config.getoption("--rewrite-golden"):
        text = README.read_text(encoding="utf-8")
        start = text.index(f"```console\n$ {command}\n") + len(f"```console\n$ {command}\n")
        README.write_text(text[:start] + printed + text[text.index("```\n", start) :], encoding="utf-8")
    assert dict(transcripts())[command] == printed


@pytest.mark.parametrize("command", [command for command, _ in transcripts()])
def test_every_transcript_fits_80_columns_and_cuts_nothing(command, output, tmp_path):
    lines = output(command, tmp_path, columns=80)[1].splitlines()
    assert max(map(len, lines)) <= 80
    assert not any(line.rstrip().endswith("…") for line in lines)


def test_the_python_of_the_readme_runs(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    assert blocks
    names: dict[str, object] = {}
    for block in blocks:
        exec(compile(block, "README.md", "exec"), names)
    assert "[10,2048]×[2048,64]→[10,64]" in capsys.readouterr().out
    assert {"layer.svg", "trace.json"} <= {path.name for path in tmp_path.iterdir()}


def test_links_and_files_that_the_documents_name_exist():
    for document in [README, ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")]:
        for target in re.findall(r"\]\(([^)#:]+)\)", document.read_text(encoding="utf-8")):
            assert (document.parent / target).exists() or target.startswith("gallery/"), f"{document.name}: {target}"


def test_the_file_tree_of_the_readme_names_everything():
    text = README.read_text(encoding="utf-8")
    for path in (ROOT / "shapetrace").iterdir():
        if not path.name.startswith(("_", ".")) and path.name != "py.typed":
            assert f"  {path.name}" in text, path.name


def test_every_command_and_option_is_documented():
    text = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")
    for name in SHORT:
        assert f"\n## {name}\n" in text
        for parameter in loaded(name).params:
            for option in parameter.opts:
                if option.startswith("--") and option != "--help":
                    assert option in text, f"{name} {option}"


def test_the_schema_is_that_of_the_types(golden):
    schema, parts = msgspec.json.schema_components([ir.Trace], ref_template="#/$defs/{name}")
    trace = parts.pop("Trace")
    trace["properties"] = {"format": {"const": FORMAT}, "version": {"const": VERSION}} | trace["properties"]
    trace["required"] = ["format", "version", *trace["required"]]
    document = {"$schema": "https://json-schema.org/draft/2020-12/schema", **trace, "$defs": parts}
    assert schema
    golden("../../docs/trace.schema.json", json.dumps(document, indent=1, ensure_ascii=False) + "\n")


@pytest.mark.parametrize("post", ["post-en.md", "post-zh.md"])
def test_the_example_posts_show_what_shapetrace_draws(post, output):
    code, printed = output(f"shapetrace embed --check {post}", ROOT / "docs")
    assert code == 0, f"{printed}make gallery refreshes it"
