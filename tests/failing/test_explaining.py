"""Every failing model is explained: what clashes, where it came from, what would fit."""

import copy
import json

import pytest
import torch

import shapetrace
from shapetrace.failing import explanation, report
from shapetrace.failing.reporting import carets
from shapetrace.formats import FORMATS
from shapetrace.formats.contract import Options
from shapetrace.serialize import from_json, to_json
from tests.failing.every import EVERY, failed, failed_case
from tests.failing.models import FAILING


@pytest.mark.parametrize("name", EVERY)
def test_a_failing_model_is_explained(name):
    case = EVERY[name]
    with pytest.raises(Exception) as untraced:  # noqa: PT011
        case.model(*case.inputs)
    with pytest.raises(type(untraced.value)) as caught:
        shapetrace.trace(case.model, *case.inputs)
    assert str(caught.value) == str(untraced.value)
    trace = caught.value.trace
    explained = explanation(trace)
    assert (explained.kind, str(explained.clash)) == (case.kind, case.clash)
    assert caught.value.__notes__ == [report(explained)]
    for words in case.says:
        assert words in report(explained)


@pytest.mark.parametrize("name", EVERY)
def test_the_same_is_said_from_the_file(name):
    trace = failed_case(name)
    assert explanation(from_json(to_json(trace))) == explanation(trace)


@pytest.mark.parametrize("name", EVERY)
def test_clashing_sizes_are_axes_of_their_operands(name):
    explained = explanation(failed_case(name))
    for part in explained.parts:
        assert all(0 <= axis < len(part.shape) for axis in part.clashing)
    marks = carets(explained)
    for place in (i for i, character in enumerate(marks) if character == "^"):
        assert explained.equation[place].isdigit()


@pytest.mark.parametrize("name", ["table", "markdown", "json", "html"])
def test_every_format_shows_the_clash(name):
    text = FORMATS[name].outline(failed_case("layers of different width").outline(), Options())
    assert "768 ≠ 512" in text
    assert "Linear(768, 10)" in text


def test_json_has_the_failure_as_an_object():
    document = json.loads(FORMATS["json"].outline(failed_case("layers of different width").outline(), Options()))
    failure = document["failure"]
    assert (failure["op"], failure["path"], failure["equation"]) == ("linear", "fc2", "[4,768]×[512,10]")
    assert [part["clashing"] for part in failure["parts"]] == [[1], [0]]
    assert document["steps"][0]["equation"] == "[4,512]×[512,768]→[4,768]"


def test_a_narrow_terminal_gets_the_panel_too():
    table = FORMATS["table"].outline(failed_case("an LSTM in a model").outline(), Options(width=50))
    assert all(len(line) <= 52 for line in table.splitlines() if "│" in line)


def test_a_sound_pass_has_no_explanation():
    case = FAILING["layers of different width"]
    assert explanation(shapetrace.trace(case.model.fc1, *case.inputs)) is None


_VALUES_ALONE = {
    "a label that is no class", "targets of int32", "nll_loss", "a mask of other rows", "two devices",
    "a bias of a convolution", "rows of another width, added by index",
    "rows added to others of another width", "whole numbers beside probabilities",
}  # fmt: skip
"""What only a pass with numbers finds: on meta labels, masks, biases of convolutions, added rows are not looked at."""


def on_meta(value: object) -> object:
    floating = isinstance(value, torch.Tensor) and value.dtype not in {torch.long, torch.bool}
    return value.to("meta") if floating else value


@pytest.mark.parametrize("name", [name for name in EVERY if name not in _VALUES_ALONE])
def test_a_pass_on_meta_fails_for_the_same_reason(name):
    case = EVERY[name]
    with pytest.raises(Exception) as caught:  # noqa: PT011 - each model has its own
        shapetrace.trace(copy.deepcopy(case.model).to("meta"), *map(on_meta, case.inputs))
    explained = explanation(caught.value.trace)
    assert (explained.kind, str(explained.clash)) == (case.kind, case.clash)
    with_numbers = explanation(failed(case.model, case.inputs))
    assert list(map(str, explained.fits)) == list(map(str, with_numbers.fits))


def test_an_explanation_that_fails_leaves_the_models_own_error(monkeypatch):
    def contradicted(*_: object) -> None:
        raise IndexError("tuple index out of range")

    for broken in ("finding", "case_of", "remade"):
        with monkeypatch.context() as patch:
            patch.setattr(f"shapetrace.failing.explaining.{broken}", contradicted)
            with pytest.raises(RuntimeError, match="cannot be multiplied") as caught:
                shapetrace.trace(torch.nn.Linear(3, 4), torch.zeros(2, 5))
            assert "while tracing" in caught.value.__notes__[0]
