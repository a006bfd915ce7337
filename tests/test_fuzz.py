"""Commands, posts, themes, labels and configurations made by chance: an exit code and a line, never a traceback.

``-m nightly`` runs 10,000 of each kind.
"""

import json
import random
import re
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

import shapetrace
from shapetrace.cli import main as command_line
from shapetrace.errors import UsageError
from shapetrace.models import huggingface

ROOT = Path(__file__).resolve().parents[1]
N_CASES = 200
MOST_SECONDS = 30
"""A case that takes longer hangs: each does next to nothing."""

COMMANDS = ("run", "diagram", "compare", "models", "diff", "check", "embed")
OPTIONS = (
    "--format --save --ops --section --depth --fused --lang --templates --out --step --theme --width --title --caption "
    "--dims --hide --expand --view --scale --font --list-alike --layers --seq --batch --text --tokens --tokenizer "
    "--pad --heads --d-model --input --inputs --set --hf-class --strict --ignore --update --check --family --name"
).split()
WORDS = (
    "", "-1", "0", "1", "99999999999999999999", "1e9", "nan", "x", "\x00", "\n", "🙂", "中文", "a b", "t.json",
    "nope.json", "--", "-", "h.0.attn", "attention", "*", "[", "svg", "png", "json", "table", "en", "zh", "default",
    "{}", "%s", "0x10", "1,2", "a" * 300, "svg,png", "names", "0.5",
)  # fmt: skip
LINES = (
    "<!-- shapetrace: t.json -->", "<!-- shapetrace:", "-->", "```shapetrace", "t.json --section attention", "```",
    "<!-- shapetrace: t.json --name ../x -->", "<!-- shapetrace: t.json --name a/b -->", "![x](y.svg)", "", "# Title",
    "> ", "~~~", "<!-- shapetrace: nope -->", "<!--", "中文", "<!-- shapetrace: t.json --section h.9 -->", "    ",
    "<!-- shapetrace: t.json --name CON -->", "<!-- shapetrace: t.json --step 99 -->",
    "\x00", "- ", "<!-- shapetrace: t.json t.json -->",
)  # fmt: skip
TOML = (
    "x=1",
    "[a]",
    "=",
    "'",
    "data = 3",
    "data = '#12'",
    "[dark]",
    "a.b=[1,2",
    "'{n}' = '{q}'",
    "'Query' = '{0.__class__}'",
)
VALUES: tuple[Any, ...] = (None, True, -1, 0, 1, 3, 2.5, 1e308, "x", "", [], [1], {}, "gelu", "\u202e")


@pytest.fixture(scope="module")
def tiny() -> shapetrace.Trace:
    from shapetrace.obtaining import obtain
    from shapetrace.request import Request

    shape = {"d_model": 16, "heads": 2, "layers": 2, "vocab": 20, "seq": 5, "d_ff": 32, "device": "meta"}
    return obtain(Request(shape=shape), lambda _sentence: None)


@pytest.fixture
def ends_well(tiny, tmp_path, monkeypatch, capsys) -> Callable[..., None]:
    """Runs a command in a folder with a trace; it may fail, in one line."""
    folder = tmp_path / "here"
    folder.mkdir()
    tiny.save(folder / "t.json")
    monkeypatch.chdir(folder)

    def run(*words: str) -> None:
        monkeypatch.setattr("sys.argv", ["shapetrace", *words])
        with within_seconds(words), pytest.raises(SystemExit) as ended:
            command_line.main()
        _, err = capsys.readouterr()
        assert ended.value.code in {0, 1, 2}, (words, err)
        assert "Traceback" not in err, (words, err)

    return run


@contextmanager
def within_seconds(what: object) -> Iterator[None]:
    def hang(*_: object) -> None:
        raise TimeoutError(f"{what} hangs")

    usual = signal.signal(signal.SIGALRM, hang)
    signal.alarm(MOST_SECONDS)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, usual)


def cases() -> Any:
    """Two hundred; ten thousand where time does not count."""
    return pytest.mark.parametrize(
        ("seed", "n"), [(0, N_CASES), pytest.param(1, 10_000, marks=pytest.mark.nightly)], ids=["some", "many"]
    )


@cases()
def test_any_words_after_the_command_end_well(ends_well, seed, n) -> None:
    chance = random.Random(seed)
    for _ in range(n):
        command = chance.choice(COMMANDS)
        words = [command]
        if command not in {"models", "embed"}:
            words.append(chance.choice(["t.json", "t.json", chance.choice(WORDS)]))
        if command in {"diff", "check"}:
            words.append(chance.choice(["t.json", chance.choice(WORDS)]))
        for _ in range(chance.randrange(4)):
            words.append(chance.choice(OPTIONS))
            words += [chance.choice(WORDS)] * (chance.random() < 0.8)
        ends_well(*words)


@cases()
def test_any_post_ends_well(ends_well, seed, n) -> None:
    chance = random.Random(seed)
    for _ in range(n):
        text = "\n".join(chance.choice(LINES) for _ in range(chance.randrange(12)))
        Path("post.md").write_text(text, encoding="utf-8")
        ends_well("embed", "post.md", *(["--check"] if chance.random() < 0.3 else []))
        written = Path("post.md").read_text(encoding="utf-8")
        assert words_beside_images(written) == words_beside_images(text), text
        if "```shapetrace" not in text:  # which becomes a comment
            assert lines_beside_images(written) == lines_beside_images(text), text
    assert [path.name for path in Path("..").iterdir()] == ["here"]


def lines_beside_images(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.strip() and not line.startswith("![")]


def words_beside_images(text: str) -> list[str]:
    """All that is said, without what tells markers and fences."""
    return re.sub(r"```shapetrace|```|<!-- shapetrace:|-->", " ", "\n".join(lines_beside_images(text))).split()


@cases()
def test_any_theme_ends_well(ends_well, seed, n) -> None:
    chance, base = random.Random(seed), (ROOT / "templates" / "themes" / "default.toml").read_text(encoding="utf-8")
    for _ in range(n):
        Path("theme.toml").write_text(spoiled_lines(base, chance), encoding="utf-8")
        ends_well("diagram", "t.json", "--out", "out", "--section", "mlp", "--theme", "theme.toml")


@cases()
def test_any_labels_end_well(ends_well, seed, n) -> None:
    chance, base = random.Random(seed), (ROOT / "templates" / "labels" / "en.toml").read_text(encoding="utf-8")
    labels = Path("templates/labels")
    labels.mkdir(parents=True)
    for _ in range(n):
        (labels / "xx.toml").write_text(spoiled_lines(base, chance), encoding="utf-8")
        ends_well("run", "t.json", "--lang", "xx", "--templates", "templates")


def spoiled_lines(text: str, chance: random.Random) -> str:
    lines = text.splitlines()
    for _ in range(chance.randrange(1, 6)):
        place = chance.randrange(len(lines))
        kind = chance.randrange(4)
        if kind == 0:
            del lines[place]
        elif kind == 1:
            lines[place] = lines[place][: len(lines[place]) // 2]
        elif kind == 2:
            lines[place] = lines[place].replace("{", "{{", 1).replace("#", "")
        else:
            lines.insert(place, chance.choice(TOML))
    return "\n".join(lines)


def refused(path: Path) -> str:
    try:
        huggingface.config(str(path))
    except UsageError as error:
        return str(error)
    return ""


@cases()
def test_any_configuration_is_built_or_refused_in_one_line(tmp_path, seed, n) -> None:
    chance, path = random.Random(seed), tmp_path / "config.json"
    for _ in range(n):
        entries: dict[str, Any] = {"model_type": "gpt2", "n_layer": 1, "n_embd": 8, "n_head": 2, "vocab_size": 20}
        for _ in range(chance.randrange(1, 4)):
            name = chance.choice([*entries, "n_positions", "activation_function", "torch_dtype", "architectures", "x"])
            entries[name] = chance.choice(VALUES)
        path.write_text(json.dumps(entries), encoding="utf-8")
        with within_seconds(entries):
            error = refused(path)
        assert len(error.splitlines()) <= 1, entries
