"""DOT: a graph that Graphviz reads, whatever the names in it."""

import re
import shutil
from dataclasses import replace

import pytest

from shapetrace.errors import MissingPartError
from shapetrace.formats import dot
from shapetrace.formats.contract import Excerpt
from shapetrace.formats.rendering import narrowed
from shapetrace.models import presets
from shapetrace.obtaining import obtain
from shapetrace.request import Request
from tests.drawing.outlines import gpt2

needs_dot = pytest.mark.skipif(not shutil.which("dot"), reason="needs Graphviz")
FEW = 5
"""Layers in which each preset has all kinds that it has."""
HOSTILE = [
    "<b>x</b>",
    'a"b',
    "a\\N\\",
    "}{;]->",
    "x\x00\n\r\ty",
    "\ud800",
    "&lt;&#34;",
    "{a|<b>c}",
    "שלום 🎉",
    "x" * 500,
]


def test_the_graph_reads_as_ever(golden):
    golden("gpt2.dot", dot.render(gpt2()))


def test_every_step_is_a_node_every_section_a_cluster():
    outline, source = gpt2(), dot.render(gpt2())
    assert len(re.findall(r"^\s*step\d+ \[", source, re.MULTILINE)) == len(list(outline.steps()))
    assert source.count("subgraph cluster_") == len(list(outline.root.sections())) - 1


def test_data_is_blue_weights_are_grey_and_residuals_are_dashed():
    source = dot.render(gpt2())
    assert 'step3_weight2 [label="W_Q [768, 64] ×12' in source.replace("step4", "step3")
    assert source.count("style=dashed") == 2
    assert 'fillcolor="#e5e7eb"' in source
    assert "Block ×12" in source


def test_words_follow_the_language():
    assert "加权求和" in dot.render(gpt2(), lang="zh")


@needs_dot
@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_are_text(name):
    outline = gpt2()
    first = outline.root.items[1]
    section = replace(first, title=name, path=name)
    changed = replace(
        outline,
        model=replace(outline.model, name=name),
        root=replace(outline.root, items=(section, *outline.root.items[2:])),
    )
    document = dot.drawn(dot.render(changed), "svg").decode()
    assert "<b>" not in document
    assert "<script" not in document


@needs_dot
@pytest.mark.parametrize("name", presets.names())
def test_dot_draws_every_preset(name):
    """Layers that are alike are one cluster with their number: of no kind there are more than a few."""
    layers = min(presets.preset(name).settings.layers, FEW)
    outline = obtain(Request(model=name, shape={"layers": layers}), lambda _: None).outline()
    assert dot.drawn(dot.render(outline), "dot").startswith(b"digraph shapetrace")


@needs_dot
def test_dot_draws_one_section():
    source = dot.render(narrowed(gpt2(), Excerpt("attention", "attention")))
    assert b"Softmax" in dot.drawn(source, "svg")
    assert "Token lookup" not in source


def test_without_the_program_one_line_says_what_to_install(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MissingPartError, match="apt install graphviz"):
        dot.drawn("digraph {}", "svg")
