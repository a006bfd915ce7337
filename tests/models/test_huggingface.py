"""Models of transformers from configurations alone, and inputs that fit them."""

import json
import sys
import warnings
from pathlib import Path
from typing import Any

import pytest
import torch

from shapetrace.capture import capture
from shapetrace.capture.known_calls import building, forward
from shapetrace.errors import MissingPartError, ShapetraceError, UsageError
from shapetrace.models import hf_docs, hf_facts, hf_inputs, huggingface
from tests.models.shrinking import shrink

transformers = pytest.importorskip("transformers")

pytestmark = pytest.mark.filterwarnings("ignore")  # those of other people's models

KINDS = {
    "gpt2": {"input_ids"}, "llama": {"input_ids"}, "mixtral": {"input_ids"}, "bert": {"input_ids"},
    "mamba": {"input_ids"}, "t5": {"input_ids", "decoder_input_ids"}, "bart": {"input_ids", "decoder_input_ids"},
    "whisper": {"input_features", "decoder_input_ids"}, "wav2vec2": {"input_values"}, "vit": {"pixel_values"},
    "clip": {"input_ids", "pixel_values"}, "llava": {"input_ids", "pixel_values"}, "bros": {"input_ids", "bbox"},
    "opt": {"input_ids"}, "deepseek_v3": {"input_ids"},
}  # fmt: skip


def built(model_type: str, device: str, *, widths: bool = True) -> torch.nn.Module:
    config = shrink(huggingface.config(model_type), widths=widths)
    with building(device):
        return huggingface.build(config, device=device)


@pytest.mark.parametrize("model_type", ["gpt2", "mixtral", "bert", "t5", "vit", "clip"])
def test_inputs_fit_every_kind_of_model_on_cpu(model_type: str) -> None:
    model = built(model_type, "cpu")
    kwargs = hf_inputs.inputs(model, seq=8)
    assert set(kwargs) == KINDS[model_type]
    with torch.no_grad():
        model(**kwargs)


@pytest.mark.parametrize("model_type", KINDS)
def test_inputs_fit_every_kind_of_model_on_meta(model_type: str) -> None:
    model = built(model_type, "meta", widths=False)
    kwargs = hf_inputs.inputs(model, seq=8)
    assert set(kwargs) == KINDS[model_type]
    assert not any(value.is_meta for value in kwargs.values())  # code looks at them
    with torch.no_grad():
        forward(model, (), kwargs)


def test_batch_and_length_are_those_asked_for() -> None:
    kwargs = hf_inputs.inputs(built("gpt2", "meta"), batch=3, seq=5)
    assert kwargs["input_ids"].shape == (3, 5)


def test_ids_mean_nothing_special() -> None:
    model = built("llama", "meta")
    ids = hf_inputs.inputs(model)["input_ids"]
    assert not set(ids.flatten().tolist()) & hf_facts.special_ids(model.config)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_experts_run_on_meta_in_every_dtype(dtype: str) -> None:
    config = shrink(huggingface.config("mixtral"), widths=False)
    with building("meta"):
        model = huggingface.build(config, dtype=dtype)
    trace = capture(model, (), hf_inputs.inputs(model, seq=4))
    kernels = [kernel for op in trace.ops for kernel in op.kernels if kernel.name == "aten.bmm.default"]
    seen = [tuple(trace.tensors[kernel.inputs[0]].shape) for kernel in kernels]
    layers = config.num_hidden_layers
    assert seen.count((8, 28672, 4096)) == seen.count((8, 4096, 14336)) == layers  # 4 tokens x 2 experts


def test_a_file_and_its_folder_give_the_same_configuration(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "gpt2", "n_layer": 3}))
    for place in (tmp_path, tmp_path / "config.json"):
        assert huggingface.config(str(place)).n_layer == 3


def test_the_class_that_a_configuration_names_is_built(tmp_path: Path) -> None:
    entries = {"model_type": "bert", "architectures": ["BertForSequenceClassification"], "num_hidden_layers": 1}
    (tmp_path / "config.json").write_text(json.dumps(entries))
    model = huggingface.build(huggingface.config(str(tmp_path)))
    assert type(model).__name__ == "BertForSequenceClassification"


def test_entries_are_changed_also_inside() -> None:
    entries = huggingface.parse_entries(["text_config.num_hidden_layers=3", "vision_config.hidden_act=relu"])
    config = huggingface.config("clip", entries)
    assert config.text_config.num_hidden_layers == 3
    assert config.vision_config.hidden_act == "relu"
    assert config.text_config.hidden_size == huggingface.config("clip").text_config.hidden_size


def test_values_of_entries_are_json_or_words() -> None:
    texts = ["a=1", "b=1.5", "c=true", "d=None", "e=[1, 2]", "f=gelu_new"]
    assert list(huggingface.parse_entries(texts).values()) == [1, 1.5, True, None, [1, 2], "gelu_new"]


@pytest.mark.parametrize(
    ("name", "cls"),
    [
        (None, "BertForMaskedLM"), ("BertModel", "BertModel"), ("AutoModel", "BertModel"),
        ("AutoModelForQuestionAnswering", "BertForQuestionAnswering"),
    ],
)  # fmt: skip
def test_a_class_may_be_named(name: str | None, cls: str) -> None:
    assert huggingface.model_class(huggingface.config("bert"), name).__name__ == cls


def refusal(do: Any) -> str:
    with pytest.raises(ShapetraceError) as caught:
        do()
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_what_is_wrong_is_said_in_one_line(tmp_path: Path) -> None:
    broken, typeless, unknown = tmp_path / "a.json", tmp_path / "b.json", tmp_path / "c.json"
    broken.write_text("{")
    typeless.write_text("{}")
    unknown.write_text('{"model_type": "lama"}')
    assert "is no JSON" in refusal(lambda: huggingface.config(str(broken)))
    assert "no model_type" in refusal(lambda: huggingface.config(str(typeless)))
    assert "did you mean llama" in refusal(lambda: huggingface.config(str(unknown)))
    assert "did you mean" in refusal(lambda: huggingface.config("gtp2"))
    assert "cannot be read" in refusal(lambda: huggingface.config(str(tmp_path / "none.json")))
    assert "did you mean n_layer" in refusal(lambda: huggingface.config("gpt2", {"n_layers": 2}))
    assert "key=value" in refusal(lambda: huggingface.parse_entries(["n_layer"]))
    assert "no class" in refusal(lambda: huggingface.model_class(huggingface.config("gpt2"), "GPT2Mode"))
    assert "try AutoModel" in refusal(lambda: huggingface.model_class(huggingface.config("vit"), "AutoModelForCTC"))
    assert "--set" in refusal(lambda: huggingface.build(huggingface.config("gpt2", {"n_head": 7})))


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(MissingPartError, match=r"shapetrace\[hf\]"):
        huggingface.config("gpt2")


def test_documentation_gives_dtypes_and_shapes() -> None:
    def run(boxes: object, ids: object) -> None:
        """Run.

        Args:
            boxes (`torch.FloatTensor` of shape `(batch_size, num_boxes, 4)`, *optional*):
                Boxes.
            ids (`torch.LongTensor` of shape `(batch_size,)`):
                Ids.
        """

    assert hf_docs.documented(run) == {
        "boxes": hf_docs.Documented("float32", ("batch_size", "num_boxes", "4")),
        "ids": hf_docs.Documented("int64", ("batch_size",)),
    }


@pytest.mark.parametrize(
    ("dim", "size"), [("a", 3), ("a * b", 12), ("a*b**2", 48), ("a x b", 12), ("7", 7), ("a+b", None)]
)
def test_documented_sizes_are_worked_out(dim: str, size: int | None) -> None:
    assert hf_docs.evaluate(dim, {"a": 3, "b": 4}.get) == size


@pytest.mark.slow
def test_most_types_of_transformers_run_on_meta_with_the_inputs_made_for_them() -> None:
    """Every fifth type, and of these the ones that transformers can build from its own defaults here."""
    ran, failed = [], []
    for model_type in list(transformers.CONFIG_MAPPING)[::5]:
        try:
            model = built(model_type, "meta", widths=False)
        except (UsageError, MissingPartError):
            continue
        try:
            with warnings.catch_warnings(), torch.no_grad():
                forward(model, (), hf_inputs.inputs(model, seq=8))
            ran.append(model_type)
        except Exception as error:  # noqa: BLE001 - whatever a model raises is counted
            failed.append(f"{model_type}: {type(error).__name__} {str(error)[:100]}")
    print(f"{len(ran)} of {len(ran) + len(failed)} run; not these:", *failed, sep="\n")
    assert len(ran) + len(failed) >= 100
    assert len(ran) >= 0.8 * (len(ran) + len(failed))


@pytest.mark.parametrize(
    ("model_type", "part", "layers"),
    [("gpt2", None, 12), ("llava", "text_config", 32), ("blip-2", "text_config", 12), ("whisper", None, 4)],
)
def test_sizes_beside_a_model_are_those_of_one_of_its_parts_and_say_of_which(model_type, part, layers):
    found = hf_facts.sizes(
        transformers.CONFIG_MAPPING[model_type](),
        {"layers": ("num_hidden_layers", "n_layer"), "width": ("hidden_size", "n_embd", "d_model")},
    )
    assert (found.get("part"), found["layers"]) == (part, layers)
