"""Sections by path, by a folded member's path, by kind."""

import pytest

from shapetrace.drawing.content.selecting import section_named, step_numbered
from shapetrace.errors import UsageError
from tests.drawing.outlines import gpt2


@pytest.mark.parametrize("name", ["h.0.attn", "h.7.attn", "h.11.attn", "attention"])
def test_one_section_has_many_names(name):
    assert section_named(gpt2(), name).path == "h.0.attn"


GROUPS = [("embedding", "<embedding>"), ("<embedding>", "<embedding>"), ("mlp", "h.0.mlp"), ("unembedding", "lm_head")]


@pytest.mark.parametrize(("name", "path"), GROUPS)
def test_kinds_and_groups_are_names_too(name, path):
    assert section_named(gpt2(), name).path == path


def test_an_unknown_section_lists_those_that_exist():
    with pytest.raises(UsageError, match=r"no section 'h\.12\.attn' in GPT-2 small; there are embedding, h\.0, "):
        section_named(gpt2(), "h.12.attn")


def test_steps_are_counted_from_one():
    assert step_numbered(gpt2(), 1).title == "Token embedding"
    with pytest.raises(UsageError, match="no step 0"):
        step_numbered(gpt2(), 0)
