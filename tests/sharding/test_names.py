"""Names of a rank's sizes are proved by the same rank of models of other sizes, and so are the bytes that it sends."""

from typing import Any

import pytest

from shapetrace.obtaining import obtain
from shapetrace.outlining.structure import Outline
from shapetrace.proving import prove
from shapetrace.request import Request
from shapetrace.sharding.degrees import Degrees
from shapetrace.sizing.parsing import parse
from tests.sharding.small import SHAPES


def named(name: str, **degrees: Any) -> Outline:
    request = Request(model=name, shape=SHAPES[name], ranks=Degrees(**degrees))
    return prove(request, obtain(request, print)).outline()


@pytest.fixture(scope="module")
def llama() -> Outline:
    return named("llama-3.1-8b", tp=4)


def test_what_is_cut_is_a_part_of_a_named_size(llama: Outline) -> None:
    (down,) = (step for step in llama.steps() if step.path.endswith("down_proj"))
    assert down.operands[1].dims == ("d_ff/4", "d_model")


def test_bytes_of_an_all_reduce_have_a_formula(llama: Outline) -> None:
    step = next(step for step in llama.steps() if step.transfer and step.section == "h.0.mlp")
    assert step.formulas is not None
    tp, item = 4, 4
    assert str(step.formulas.sent_bytes) == str(parse("B·T·d_model") * (2 * item * (tp - 1)) * parse("1/4"))


def test_bytes_of_the_whole_pass_are_those_that_were_counted(llama: Outline) -> None:
    assert llama.formulas is not None
    assert llama.formulas.sent_bytes == parse("B·T·(30·d_model+3·V)")
    sizes = {"B": 1, "T": 16, "d_model": 64, "V": 96}
    assert llama.ranks is not None
    assert llama.formulas.sent_bytes.at(sizes) == llama.ranks.sent


def test_rows_between_stages_have_one_too() -> None:
    found = named("llama-3.1-8b", pp=2)
    (step,) = (step for step in found.steps() if step.transfer)
    assert step.formulas is not None
    assert str(step.formulas.sent_bytes) == "4·B·T·d_model"
