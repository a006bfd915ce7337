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


def test_jupyter_gets_the_figure_and_the_table(trace):
    assert trace._repr_svg_().startswith("<svg")
    assert "<svg" in trace._repr_html_()
    assert "shapetrace-table" in trace._repr_html_()
    assert shapetrace.figure(trace)._repr_svg_().startswith("<svg")


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
