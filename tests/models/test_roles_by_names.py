"""What matrices are called in architectures of transformers, against the names that their authors gave them."""

from dataclasses import replace

import msgspec
import pytest

pytest.importorskip("transformers")

from tests.capture.test_corpus import all_measured
from tests.models.role_names import Names
from tests.models.role_reading import compared, traced

FEW = """bart bert clip deberta-v2 deepseek_v3 gemma3_text gpt2 gpt_neox llama mixtral modernbert phi3 qwen3_moe t5
    videoprism vit""".split()

PRODUCTS = 0.98
MODELS = 0.92

MLP = {"mlp.fc1.weight": (64, 16), "mlp.fc2.weight": (16, 64)}
T5 = {"a.q.weight": (16, 16), "a.k.weight": (16, 16), "a.v.weight": (16, 16), "a.o.weight": (16, 16),
      "f.wi.weight": (64, 16), "f.wo.weight": (16, 64)}  # fmt: skip


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("model_type", FEW)
def test_no_matrix_is_called_what_its_name_denies(model_type: str) -> None:
    found = compared(traced(model_type))
    assert found.wrong == ()
    assert found.right >= 6


@pytest.mark.filterwarnings("ignore")
def test_names_that_were_swapped_are_found() -> None:
    trace = traced("llama")
    swapped = {"q_proj": "k_proj", "k_proj": "q_proj"}

    def renamed(name: str) -> str:
        return ".".join(swapped.get(part, part) for part in name.split("."))

    other = replace(
        trace,
        tensors=tuple(msgspec.structs.replace(tensor, name=renamed(tensor.name)) for tensor in trace.tensors),
        parameters=tuple(replace(parameter, name=renamed(parameter.name)) for parameter in trace.parameters),
    )
    assert [line.split(": ")[1] for line in compared(other).wrong] == [
        "QUERY, its name says KEY", "KEY, its name says QUERY",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("shapes", "name", "said"),
    [
        (MLP, "mlp.fc1.weight", "EXPAND"),
        (MLP | {"mlp.fc1.weight": (128, 16)}, "mlp.fc1.weight", "GATE_UP"),
        (MLP | {"mlp.fc1.weight": (128, 16)}, "mlp.fc2.weight", "DOWN"),
        (T5, "a.o.weight", "OUT_PROJ"),
        (T5, "f.wo.weight", "SHRINK"),
        ({"moe.gate.weight": (8, 16), "moe.experts.0.w1.weight": (64, 16)}, "moe.gate.weight", "ROUTER"),
    ],
)
def test_siblings_decide_what_a_name_says(shapes: dict[str, tuple[int, ...]], name: str, said: str) -> None:
    assert Names(shapes).answers(name)[0] == {said}


@pytest.mark.parametrize("name", ["gate.weight", "a.dense.weight", "q.weight", "block.wo.weight", "x.out_proj.weight"])
def test_a_name_without_siblings_that_bear_it_out_says_nothing(name: str) -> None:
    assert Names({name: (16, 16), "other.weight": (16, 16)}).answers(name) == ()


@pytest.mark.slow
def test_matrices_of_all_architectures_are_called_what_their_names_say(capsys: pytest.CaptureFixture[str]) -> None:
    rows = [row for row in all_measured("tests.models.role_reading") if row["cpu"] == ""]
    named = [row for row in rows if row["right"] or row["wrong"]]
    right, wrong = sum(row["right"] for row in named), sum(len(row["wrong"]) for row in named)
    clean = sum(not row["wrong"] for row in named)
    with capsys.disabled():
        print()
        for row in named:
            for line in row["wrong"]:
                print(row["type"], line)
        print(f"{right} of {right + wrong} matrices, {clean} of {len(named)} architectures without a wrong one")
    assert len(named) >= 400
    assert right >= PRODUCTS * (right + wrong)
    assert clean >= MODELS * len(named)
