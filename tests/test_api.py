import pytest
import torch
from torch import nn

import shapetrace
from shapetrace import ir
from shapetrace.outlining.structure import Outline


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(8, 16), nn.Linear(16, 4)

    def forward(self, x: torch.Tensor, *, twice: bool = False) -> torch.Tensor:
        x = self.fc2(self.fc1(x).relu())
        return x * 2 if twice else x


@pytest.fixture(scope="module")
def trace() -> shapetrace.Trace:
    return shapetrace.trace(Net(), torch.zeros(3, 8), twice=True)


def test_a_trace_counts_and_prints_itself(trace):
    assert trace.totals.parameters == sum(p.numel() for p in Net().parameters())
    assert trace.totals.matmul_flops == 2 * 3 * (8 * 16 + 16 * 4)
    assert trace.totals.buffers == 0
    assert trace.totals.parameter_bytes == 4 * trace.totals.parameters
    assert trace.totals.activation_bytes > 0
    assert "[3,8]×[8,16]→[3,16]" in str(trace)


def test_a_trace_is_the_plain_trace_with_methods(trace):
    assert isinstance(trace, ir.Trace)
    assert isinstance(shapetrace.outline(trace), Outline)
    assert trace.outline() == shapetrace.outline(trace)
    assert trace.outline().coverage.operations == len(trace.ops)


def test_what_is_saved_is_loaded(trace, tmp_path):
    trace.save(tmp_path / "trace.json")
    loaded = shapetrace.load(tmp_path / "trace.json")
    assert loaded == trace
    assert str(loaded) == str(trace)
    loaded.save(tmp_path / "again.json")
    assert (tmp_path / "again.json").read_bytes() == (tmp_path / "trace.json").read_bytes()


def test_the_cached_outline_is_no_part_of_the_file(tmp_path):
    trace = shapetrace.trace(Net(), torch.zeros(3, 8))
    trace.save(tmp_path / "before.json")
    str(trace)
    trace.save(tmp_path / "after.json")
    assert (tmp_path / "before.json").read_bytes() == (tmp_path / "after.json").read_bytes()


def test_a_figure_has_an_svg_and_saves_by_suffix(trace, tmp_path):
    figure = shapetrace.figure(shapetrace.outline(trace))
    assert figure.svg.startswith("<svg")
    figure.save(tmp_path / "net.svg")
    assert (tmp_path / "net.svg").read_text(encoding="utf-8") == figure.svg
    assert shapetrace.figure(trace).svg == figure.svg
    with pytest.raises(shapetrace.UsageError, match=r"no figure is a \.bmp: expected \.svg"):
        figure.save(tmp_path / "net.bmp")
    with pytest.raises(shapetrace.UsageError, match="svg has no option 'dpi': it has none"):
        figure.save(tmp_path / "net.svg", dpi=300)


def test_a_choice_of_a_figure_is_a_keyword(trace):
    from shapetrace.drawing import Look

    plain = shapetrace.figure(trace, width=700, title="Mine", hide="activations", dims="names", caption="below")
    as_one = Look(width_px=700, title="Mine", hide=("activations",), dims="names", caption="below")
    assert plain.svg == shapetrace.figure(trace, look=as_one).svg
    assert shapetrace.figure(trace, look=as_one, title="Yours").drawing.title == "Yours"
    assert shapetrace.figure(trace, hide=["norms", "activations"]).drawing.title
    with pytest.raises(shapetrace.UsageError, match=r"a figure has no 'widht'; it takes section, step, .*width"):
        shapetrace.figure(trace, widht=700)
    with pytest.raises(shapetrace.UsageError, match="width is 5 px"):
        shapetrace.compare(trace, trace, section=None, width=5)


def test_what_is_shown_at_a_prompt_is_one_line(trace):
    for shown in (trace, trace.outline(), shapetrace.figure(trace)):
        assert "\n" not in repr(shown)
        assert len(repr(shown)) < 140
    assert repr(trace).startswith("<Trace of Net: 4 operations, 4 steps, 212 parameters")
    assert str(trace.totals).splitlines()[0].split() == ["parameters", "212"]
    assert str(trace.outline()) == str(trace)


def test_a_preset_is_run_by_its_name():
    found = shapetrace.preset("gpt2", seq=8, layers=2)
    assert found.model.settings["layers"] == 2
    assert found.outline().model.settings["seq"] == 8
    assert shapetrace.preset("toy:mha").model.name == "toy:mha"
    with pytest.raises(shapetrace.UsageError, match="no setting 'layer': did you mean layers"):
        shapetrace.preset("gpt2", layer=2)


def test_the_models_own_exception_comes_through_with_the_partial_trace():
    with pytest.raises(RuntimeError, match="shapes cannot be multiplied") as caught:
        shapetrace.trace(Net(), torch.zeros(3, 9))
    assert isinstance(caught.value.trace, shapetrace.Trace)
    assert caught.value.trace.failure.op == "linear"
    assert any("while tracing Net" in note for note in caught.value.__notes__)


def test_what_is_no_module_is_told():
    with pytest.raises(shapetrace.TraceError, match=r"got str, expected a torch\.nn\.Module"):
        shapetrace.trace("gpt2")


def test_a_keyword_may_have_any_name():
    class Odd(nn.Module):
        def forward(self, model: torch.Tensor) -> torch.Tensor:
            return model @ model

    assert "[2,2]×[2,2]→[2,2]" in str(shapetrace.trace(Odd(), model=torch.ones(2, 2)))


def test_models_are_compared_side_by_side(trace, tmp_path):
    figure = shapetrace.compare(trace, trace.outline(), section=None, lang="zh", theme="dark")
    figure.save(tmp_path / "both.svg")
    assert (tmp_path / "both.svg").read_text(encoding="utf-8") == figure.svg
    assert figure.drawing.lang == "zh"
    with pytest.raises(shapetrace.UsageError, match="got 1 model to compare"):
        shapetrace.compare(trace)


def test_words_stand_beside_the_rows_of_a_users_own_model():
    model = torch.nn.Sequential(torch.nn.Embedding(50, 8), torch.nn.Linear(8, 50))
    trace = shapetrace.trace(model, torch.tensor([[3, 1, 4]]))
    named = trace.with_tokens(["who", "looks", "back"])
    assert named.model.tokens == ("who", "looks", "back") and not trace.model.tokens
    assert "looks" in shapetrace.figure(named).svg
    for wrong in (["who"], "who", "abc"):
        with pytest.raises(shapetrace.UsageError, match=r"one a row of the first input, \[1, 3\]"):
            trace.with_tokens(wrong)
