"""What a program hears that asks over the Model Context Protocol."""

import asyncio
from typing import Any

import pytest
import torch
from mcp import Client
from torch import nn

import shapetrace
from shapetrace.answering import Answers
from shapetrace.cli.mcp import server
from shapetrace.errors import UsageError


def asked(tool: str, **arguments: Any) -> tuple[bool, str]:
    """Whether the server told an error, and what it told."""

    async def ask() -> tuple[bool, str]:
        async with Client(server()) as client:
            told = await client.call_tool(tool, arguments)
            return bool(told.is_error), "".join(part.text for part in told.content if part.type == "text")

    return asyncio.run(ask())


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("traces") / "gpt2.json"
    Answers().trace("gpt2", save=str(path))
    return str(path)


@pytest.fixture
def failed(tmp_path):
    class Clashes(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.one, self.two = nn.Linear(8, 16), nn.Linear(12, 4)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.two(self.one(x))

    with pytest.raises(RuntimeError) as caught:
        shapetrace.trace(Clashes(), torch.ones(2, 8))
    path = tmp_path / "failed.json"
    shapetrace.api.Trace.of(caught.value.trace).save(path)
    return str(path)


def test_at_most_six_tools_tell_what_they_do() -> None:
    async def listed() -> list[Any]:
        async with Client(server()) as client:
            return list((await client.list_tools()).tools)

    tools = asyncio.run(listed())
    assert [tool.name for tool in tools] == ["trace", "section", "find", "diff", "explain_failure", "figure"]
    assert all(tool.description and "Args:" in tool.description for tool in tools)


def test_a_trace_is_the_table(saved) -> None:
    is_error, text = asked("trace", model=saved)
    assert not is_error
    assert "[1024,768]×[768,64]→[1024,64]" in text and "124,439,808 parameters" in text


def test_a_section_holds_its_own_steps_alone(saved) -> None:
    _, text = asked("section", model=saved, section="mlp")
    assert "[1024,768]×[768,3072]→[1024,3072]" in text and "Scores" not in text


@pytest.mark.parametrize("text", ["768x3072", "[768, 3072]", "c_fc", "Expand", "768×3072"])
def test_steps_are_found_by_shape_path_and_title(saved, text) -> None:
    _, found = asked("find", model=saved, text=text)
    assert found == "h.0.mlp: Expand (h.0.mlp.c_fc) [1024,768]×[768,3072]→[1024,3072], in 12 layers"


def test_nothing_found_says_so(saved) -> None:
    assert asked("find", model=saved, text="q_proj")[1].startswith("no step has 'q_proj'")


def test_two_models_are_compared(saved) -> None:
    _, text = asked("diff", model=saved, other="gpt2", seq=0)
    assert "equal" in text.lower()


def test_a_failure_is_explained(failed, saved) -> None:
    _, text = asked("explain_failure", model=failed)
    assert "16 ≠ 12" in text
    assert asked("explain_failure", model=saved)[1] == "the pass ended well: nothing to explain"


def test_a_figure_is_svg(saved) -> None:
    _, text = asked("figure", model=saved, section="attention")
    assert text.startswith(("<svg", "<?xml"))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"model": "gpt5"}, "gpt5"),
        ({"model": "os.path:join"}, "--run-code"),
        ({"model": "none.json"}, "none.json"),
        ({"model": "gpt2", "seq": -3}, "-3"),
    ],
)
def test_a_wrong_request_is_one_line(arguments, said) -> None:
    is_error, text = asked("trace", **arguments)
    assert is_error and said in text and "\n" not in text and "Traceback" not in text


def test_a_file_is_never_written_over(tmp_path) -> None:
    (tmp_path / "there.json").write_text("mine")
    with pytest.raises(UsageError, match="already"):
        Answers().trace("gpt2", seq=8, save=str(tmp_path / "there.json"))
    assert (tmp_path / "there.json").read_text() == "mine"
