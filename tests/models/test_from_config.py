"""Models of transformers from Python: a configuration, its entries, a type that transformers does not know."""

import json

import pytest

import shapetrace
from shapetrace.cli import main as command_line

transformers = pytest.importorskip("transformers")
SMALL = {"num_hidden_layers": 2, "hidden_size": 32, "intermediate_size": 48, "num_attention_heads": 4, "vocab_size": 64}


def test_a_configuration_its_entries_and_its_file_are_the_same_model(tmp_path):
    config = transformers.LlamaConfig(**SMALL, use_cache=True)
    before = config.to_dict()
    config.save_pretrained(tmp_path)
    traces = [
        shapetrace.from_config(each, seq=8)
        for each in (config, {"model_type": "llama", **SMALL}, tmp_path, tmp_path / "config.json")
    ]
    assert len({str(trace.outline().totals) for trace in traces}) == 1
    assert traces[0].outline().root == traces[1].outline().root
    assert config.to_dict() == before


def test_an_unknown_type_is_built_as_the_class_it_names_and_says_so():
    unknown = {"model_type": "brandnew", "architectures": ["OursForCausalLM", "LlamaForCausalLM"], **SMALL}
    said: list[str] = []
    found = shapetrace.from_config(unknown, seq=8, say=said.append)
    known = shapetrace.from_config({"model_type": "llama", **SMALL}, seq=8)
    assert found.outline().totals == known.outline().totals
    assert said == [
        "transformers has no model type 'brandnew': built as LlamaForCausalLM, which the configuration names."
    ]
    with pytest.warns(UserWarning, match="built as LlamaForCausalLM"):
        shapetrace.from_config(unknown, seq=8)


def test_the_command_line_builds_it_too(tmp_path, monkeypatch, capsys):
    file = tmp_path / "config.json"
    file.write_text(json.dumps({"architectures": ["LlamaForCausalLM"], **SMALL}), encoding="utf-8")
    monkeypatch.setattr("sys.argv", ["shapetrace", "run", f"hf:{file}", "--seq", "8"])
    with pytest.raises(SystemExit) as ended:
        command_line.main()
    out, err = capsys.readouterr()
    assert ended.value.code == 0, err
    assert "LlamaForCausalLM" in out
    assert "built as LlamaForCausalLM" in err


def test_a_class_that_transformers_does_not_have_is_no_help():
    with pytest.raises(shapetrace.UsageError, match="no model type 'brandnew'"):
        shapetrace.from_config({"model_type": "brandnew", "architectures": ["OursForCausalLM", 3]})
