"""The user's own model and inputs."""

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from shapetrace.capture import capture
from shapetrace.errors import UsageError
from shapetrace.models import specs, user_code, user_inputs
from shapetrace.models.specs import InputSpec, parse_all
from shapetrace.obtaining import obtain
from shapetrace.request import Request, check

MINE = """
import torch
from torch import nn
import neighbour

class Mine(nn.Module):
    def __init__(self):
        super().__init__()
        self.table = nn.Embedding(10, 4)
        self.out = nn.Linear(4, neighbour.WIDTH)
    def forward(self, ids, scale=1.0):
        return self.out(self.table(ids)) * scale

class Needy(nn.Module):
    def __init__(self, config):
        super().__init__()

def factory():
    return Mine()

def broken():
    raise ValueError("my own fault")

def one(): return torch.zeros(1, 3, dtype=torch.int64)
def several(): return torch.zeros(1, 3, dtype=torch.int64), 2.0
def named(): return {"ids": torch.zeros(1, 3, dtype=torch.int64)}
def both(): return (torch.zeros(1, 3, dtype=torch.int64),), {"scale": 2.0}
def nothing(): return None

instance = Mine()
settings = {"a": 1}
"""


@pytest.fixture
def mine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr("sys.path", ["", *__import__("sys").path])
    (tmp_path / "neighbour.py").write_text("WIDTH = 5\n")
    (tmp_path / "mine_models.py").write_text(MINE)
    (tmp_path / "wrong.py").write_text("import no_such_module_at_all\n")
    monkeypatch.chdir(tmp_path)
    for name in ("neighbour", "mine_models", "wrong"):
        monkeypatch.delitem(__import__("sys").modules, name, raising=False)
    return str(tmp_path / "mine_models.py")


def refusal(reference: str) -> str:
    with pytest.raises(UsageError) as caught:
        user_code.load(reference)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_class_or_a_factory_is_built_on_meta(mine: str) -> None:
    for name in ("Mine", "factory"):
        assert next(user_code.load(f"{mine}:{name}").parameters()).is_meta
    assert not next(user_code.load(f"{mine}:Mine", device="cpu").parameters()).is_meta


def test_an_instance_stays_where_it_is(mine: str) -> None:
    assert not next(user_code.load(f"{mine}:instance").parameters()).is_meta


def test_a_module_is_found_in_the_current_folder(mine: str) -> None:
    assert type(user_code.load("mine_models:Mine")).__name__ == "Mine"


def test_an_attribute_may_be_nested(mine: str) -> None:
    assert isinstance(user_code.load(f"{mine}:instance.out"), nn.Linear)


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("Mine2", "did you mean Mine"), ("quite_another", "it has Mine, Needy"), ("Needy", "needs arguments (config)"),
        ("settings", "gives a dict"), ("one", "gives a Tensor"), ("instance.out.x", "has no 'x'"),
    ],
)  # fmt: skip
def test_what_is_no_model_is_refused_in_one_line(mine: str, name: str, part: str) -> None:
    assert part in refusal(f"{mine}:{name}")


def test_a_missing_file_module_or_colon_is_refused_in_one_line(mine: str) -> None:
    assert "Did you mean mine_models.py" in refusal("mine_model.py:Mine")
    assert "no_such" in refusal("no_such.package:Model")
    assert "write package.module:attr" in refusal("model")
    assert "no_such_module_at_all" in refusal("wrong.py:Model")
    assert "write package.module:attr" in refusal("wrong.py:")


def test_an_error_of_the_users_own_code_comes_through_with_a_note(mine: str) -> None:
    with pytest.raises(ValueError, match="my own fault") as caught:
        user_code.load(f"{mine}:broken")
    assert "while calling" in caught.value.__notes__[0]


@pytest.mark.parametrize(
    ("text", "spec"),
    [
        ("ids=1x1024:int64", InputSpec((1, 1024), "int64", "ids")), ("1x16x768", InputSpec((1, 16, 768))),
        ("x = 2,3 : half", InputSpec((2, 3), "float16", "x")), ("7:long", InputSpec((7,), "int64")),
        ("t=():float", InputSpec((), "float32", "t")),
    ],
)  # fmt: skip
def test_shapes_are_read_as_people_type_them(text: str, spec: InputSpec) -> None:
    assert specs.parse(text) == spec


@pytest.mark.parametrize("text", ["", "ids=", "1xx2", "ids=1x2:int3", "a b=1", "-1x2"])
def test_what_is_no_shape_is_refused_in_one_line(text: str) -> None:
    with pytest.raises(UsageError, match="input"):
        specs.parse(text)


def test_one_input_given_twice_is_refused() -> None:
    with pytest.raises(UsageError, match="given 2 times"):
        specs.parse_all(["ids=1x2:int64", "ids=1x3:int64"])
    with pytest.raises(UsageError, match="without names first"):
        specs.parse_all(["ids=1x2:int64", "1x3"])


def test_tensors_are_made_for_shapes_and_fit_forward(mine: str) -> None:
    model = user_code.load(f"{mine}:Mine", device="cpu")
    args, kwargs = user_inputs.from_specs(specs.parse_all(["1x3:int64", "scale=1"]), torch.device("cpu"))
    user_inputs.check(model, args, kwargs)
    assert model(*args, **kwargs).shape == (1, 3, 5)


def test_inputs_that_do_not_fit_show_the_signature(mine: str) -> None:
    model = user_code.load(f"{mine}:Mine")
    with pytest.raises(UsageError, match=r"Mine\.forward\(ids, scale\)"):
        user_inputs.check(model, (), {"idx": torch.zeros(1)})


@pytest.mark.parametrize("name", ["one", "several", "named", "both"])
def test_a_function_may_give_the_inputs(mine: str, name: str) -> None:
    args, kwargs = user_inputs.from_function(f"{mine}:{name}")
    assert user_code.load(f"{mine}:instance")(*args, **kwargs).shape == (1, 3, 5)


def test_a_function_that_gives_no_inputs_is_refused(mine: str) -> None:
    with pytest.raises(UsageError, match="NoneType"):
        user_inputs.from_function(f"{mine}:nothing")


def test_ids_are_guessed_for_a_model_that_starts_with_a_table(mine: str) -> None:
    model = user_code.load(f"{mine}:Mine")
    guess = user_inputs.guess(model)
    assert "ids=1x16:int64" in guess.sentence and "Embedding" in guess.sentence
    assert model(*guess.args).shape == (1, 16, 5)


def test_features_are_guessed_for_a_model_that_starts_with_a_linear_layer() -> None:
    model = nn.Sequential(nn.Linear(6, 3), nn.ReLU())
    assert model(*user_inputs.guess(model).args).shape == (1, 16, 3)


def test_a_models_own_example_is_taken() -> None:
    from shapetrace.models.toys import SingleHead

    guess = user_inputs.guess(SingleHead())
    assert "example_inputs" in guess.sentence
    assert guess.args[0].shape == (1, 8, 16)


def test_nothing_is_guessed_for_a_model_with_two_inputs() -> None:
    with pytest.raises(UsageError, match=r"Transformer\.forward\(src, tgt"):
        user_inputs.guess(nn.Transformer(8, 2, 1, 1, 8, batch_first=True))


class Looks(nn.Module):
    """Looks at its input."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(4, 4)

    def forward(self, x: Tensor, ids: Tensor) -> Tensor:
        return self.layer(x if x.abs().sum() > 0 else -x)[:, ids[0]]


def test_inputs_of_a_model_on_meta_have_values_that_its_code_can_look_at() -> None:
    model = Looks().to("meta")
    args, kwargs = user_inputs.from_specs(parse_all(["1x3x4", "ids=1:int64"]), torch.device("meta"))
    assert capture(model, args, kwargs).failure is None


def test_names_that_forward_swallows_are_refused_where_it_knows_no_others() -> None:
    class Swallows(nn.Module):
        def forward(self, x: Tensor, **more: object) -> Tensor:
            return x * len(more)

    user_inputs.check(Swallows(), (torch.zeros(1),), {"y": 1})
    with pytest.raises(UsageError, match=r"Swallows.forward\(x\): got an unexpected keyword argument 'y'"):
        user_inputs.check(Swallows(), (torch.zeros(1),), {"y": 1}, strict=True)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"inputs": ("1x4",), "inputs_from": "m:f"}, "--input and --inputs both"),
        ({"inputs": ("input_ids=1x4:int64",), "shape": {"seq": 4}}, "--input and --seq both"),
    ],
)
def test_a_shape_is_given_once(given: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        check(Request(model="hf:gpt2", **given))


def weight_normed() -> nn.Module:
    return nn.Sequential(nn.utils.parametrizations.weight_norm(nn.Linear(32, 64)))


def scripted() -> nn.Module:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return torch.jit.script(nn.Sequential(nn.Linear(32, 64)))


def quantised() -> nn.Module:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return torch.ao.quantization.quantize_dynamic(nn.Sequential(nn.Linear(32, 64)), {nn.Linear}, dtype=torch.qint8)


def compiled() -> nn.Module:
    made: nn.Module = torch.compile(nn.Sequential(nn.Linear(32, 64)))
    return made


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of torch's own modules
@pytest.mark.parametrize("make", [weight_normed, scripted, quantised, compiled])
def test_wrapped_layers_say_what_they_take(make: Callable[[], nn.Module]) -> None:
    (guessed,) = user_inputs.guess(make()).args
    assert guessed.shape == (1, 16, 32)


def test_a_factory_that_needs_values_builds_on_the_cpu(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(
        "import torch\ndef make():\n    layer = torch.nn.Linear(4, 4)\n"
        "    return layer if layer.weight.sum().item() else layer\n"
    )
    said: list[str] = []
    trace = obtain(Request(model=f"{tmp_path / 'mine.py'}:make"), said.append)
    assert trace.model.device == "cpu"
    assert said[-1] == "item needs computed values: traced on the CPU with random weights (80 bytes)."
    assert len(set(said)) == len(said)
