"""Snapshots: texts that say what a comparison reads, and change where the model changes."""

import difflib
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

import shapetrace
from shapetrace.comparing import compare_outlines, reading, snapshots
from shapetrace.errors import UsageError
from shapetrace.holding import compared, held, hold
from tests.outlines import gpt2

PRESETS = ["gpt2", "llama-3.2-1b", "mixtral-8x7b", "deepseek-v2-lite"]
TOYS = ["toy:mha", "toy:nsa", "toy:cross-words"]


def outline(name: str, **settings: object) -> shapetrace.Trace:
    settings = {"seq": 16, **settings} if not name.startswith("toy:") else settings
    return shapetrace.preset(name, **settings)


def changed_lines(before: str, after: str) -> tuple[list[str], list[str]]:
    lines = list(difflib.unified_diff(before.splitlines(), after.splitlines(), n=0, lineterm=""))[2:]
    return [line[1:] for line in lines if line[0] == "-"], [line[1:] for line in lines if line[0] == "+"]


@pytest.mark.parametrize("name", PRESETS + TOYS)
def test_what_is_written_is_read(name):
    trace = outline(name)
    text = snapshots.written(trace.outline())
    read = reading.read(text, "it")
    assert snapshots.written(read) == text
    for theirs, ours in zip(read.steps(), trace.outline().steps(), strict=True):
        assert (theirs.kind, theirs.role, theirs.repeat, theirs.parameters_in_all) == (
            ours.kind, ours.role, ours.repeat, ours.parameters_in_all,
        )  # fmt: skip
        shapes = [[(o.role, o.shape, o.stack, o.transposed) for o in (*s.operands, *s.results)] for s in (theirs, ours)]
        assert shapes[0] == shapes[1]
        assert theirs.path == ours.path
    for theirs, ours in zip(read.root.sections(), trace.outline().root.sections(), strict=True):
        assert (theirs.kind, theirs.repeat, theirs.members) == (ours.kind, ours.repeat, ours.members) or not ours.path


@pytest.mark.parametrize(("a", "b"), [("gpt2", "gpt2"), ("gpt2", "gpt2-medium"), ("llama-3.2-1b", "gpt2")])
def test_two_snapshots_differ_in_what_two_traces_differ(tmp_path, a, b):
    before, after = outline(a), outline(b)
    found = []
    for suffix in ("txt", "json"):
        path = tmp_path / f"shapes.{suffix}"
        hold(before, path)
        found.append(compared(held(path), after, path.name))
    text, whole = found
    assert text.products_equal == whole.products_equal == (a == b)
    assert text.differs() == whole.differs()
    assert text.n_in("products") == whole.n_in("products")


def test_fewer_kv_heads_are_a_diff_of_the_lines_that_changed():
    texts = [snapshots.written(outline("gpt2", layers=4, kv_heads=n).outline()) for n in (12, 4)]
    removed, added = changed_lines(*texts)
    assert len(removed) == len(added) <= 10
    assert {line.split("|")[0].strip() for line in removed if "|" in line} == {
        "Query", "Key", "Value", "Scores", "Weighted sum",
    } - ({"Query"} if not any("Query" in line for line in removed) else set())  # fmt: skip
    assert all(len(text) < 4000 for text in texts)


def test_one_layer_more_changes_few_lines():
    removed, added = changed_lines(*(snapshots.written(outline("gpt2", layers=n).outline()) for n in (4, 5)))
    assert len(removed) == len(added) <= 5


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("Query | . | nothing | 3 | product", "it has no shapes|no shapes"),
        ("Query | . | [1] → [1] | many | product query", "'many' is no number of parameters"),
        ("Query | . | [1] → [1] | 3 | dance", "no kind of step is called 'dance'"),
        ("Query | . | [1] → [1] | 3 | product jester", "jester"),
        ("        Query | . | [1] → [1] | 3 | product", "in no section"),
        ("Query", "expected TITLE"),
        ("Block | h.{0..99999999} | block", "so many layers"),
        ("Block | h | barn", "no kind of section"),
    ],
)
def test_a_broken_line_is_named(line, said):
    with pytest.raises(UsageError, match=rf"shapes\.txt:4: .*({said})"):
        reading.read(f"{snapshots.FORMAT}\nmodel: x\n\n{line}\n", "shapes.txt")


def test_what_is_no_snapshot_is_told():
    with pytest.raises(UsageError, match="is no snapshot"):
        reading.read("# README\n", "README.txt")


@given(st.text(max_size=40), st.text(max_size=40), st.text(max_size=40))
def test_any_name_can_be_held(title, path, function):
    outline = gpt2()
    first, *_ = outline.root.items
    section = outline.root.items[1]
    step = replace(section.items[0], title=title, path=path, function=function)
    changed = replace(
        outline, root=replace(outline.root, items=(first, replace(section, items=(step, *section.items[1:]))))
    )
    text = snapshots.written(changed)
    assert not compare_outlines(reading.read(text, "a"), reading.read(text, "b")).differs(())
