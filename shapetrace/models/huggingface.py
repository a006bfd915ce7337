"""Models of transformers from a configuration alone: never downloaded, built on the meta device."""

import difflib
import importlib
import inspect
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from torch import nn

from shapetrace.capture.known_calls import building
from shapetrace.errors import MissingPartError, UsageError
from shapetrace.models.hf_completing import completed, within_vocabulary
from shapetrace.models.hf_reading import config, one_line, parse_entries, transformers

__all__ = ["ORDER", "build", "config", "model_class", "parse_entries", "parts", "transformers"]

ORDER = (
    "MODEL_FOR_CAUSAL_LM_MAPPING",
    "MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING",
    "MODEL_FOR_MULTIMODAL_LM_MAPPING",
    "MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING",
    "MODEL_FOR_SPEECH_SEQ_2_SEQ_MAPPING",
    "MODEL_MAPPING",
)
"""Which of transformers' tables is asked first for a model class."""


def build(
    configuration: Any,
    *,
    device: str = "meta",
    dtype: str | None = None,
    hf_class: str | None = None,
    say: Callable[[str], object] = str,
    caching: bool = False,
) -> nn.Module:
    """A model in eval mode with no trained weights.

    Mixtures of experts run as batched products where the model lets us choose: that works on meta in
    every dtype.

    Args:
        configuration: What `config` gave.
        device: meta needs no memory.
        dtype: torch's name; None is float32.
        hf_class: A class of transformers by name; None chooses by the configuration.
        say: Takes a sentence for every entry that the configuration lacks and that was filled in.
        caching: True for a model that keeps what later passes need; one pass needs nothing.

    Raises:
        UsageError: If there is no such class, or the configuration is not enough for it.
        MissingPartError: If the model needs a package that is not installed.
    """
    cls = model_class(configuration, hf_class)
    for part in parts(configuration):
        part._experts_implementation = "batched_mm"
        part.use_cache = caching
    beyond = within_vocabulary(configuration)
    torch_dtype = getattr(torch, dtype or "float32")
    with torch.random.fork_rng(devices=[]), torch.device(device), building(device):
        torch.manual_seed(0)
        try:
            model, said = completed(lambda: _made(cls, configuration, torch_dtype), configuration)
        except ImportError as error:
            raise MissingPartError(f"{cls.__name__} needs a package: {one_line(error)}") from error
        except Exception as error:
            raise UsageError(
                f"{cls.__name__} cannot be built from this configuration ({type(error).__name__}: {one_line(error)}): "
                "a config.json or --set key=value may give what is missing."
            ) from error
    for sentence in [*beyond, *said]:
        say(sentence)
    made: nn.Module = model.eval()
    return made


def parts(configuration: Any) -> Iterator[Any]:
    """A configuration and those nested in it."""
    from transformers import PretrainedConfig

    yield configuration
    for value in vars(configuration).values():
        if isinstance(value, PretrainedConfig):
            yield from parts(value)


def model_class(configuration: Any, name: str | None = None) -> Any:
    """The class that builds a configuration: the one named, the one it names, or the one that fits its type.

    Raises:
        UsageError: If there is no such class, or none for this configuration.
        MissingPartError: If the class needs a package that is not installed.
    """
    package = transformers()
    if name is not None:
        return _named_class(package, name, configuration)
    for named in configuration.architectures or ():
        if hasattr(package, named):
            return getattr(package, named)
    auto = importlib.import_module("transformers.models.auto.modeling_auto")
    order = list(ORDER)
    if getattr(configuration, "is_encoder_decoder", False):
        order[:0] = ["MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING", "MODEL_FOR_SPEECH_SEQ_2_SEQ_MAPPING"]
    elif not getattr(configuration, "is_decoder", False):
        order.insert(0, "MODEL_FOR_MASKED_LM_MAPPING")
    order += [table for table in dir(auto) if table.startswith("MODEL_FOR_") and table.endswith("_MAPPING")]
    try:
        for table in order:
            found = _in_table(getattr(auto, table), configuration)
            if found is not None:
                return found
        return _by_config_class(configuration)
    except ImportError as error:  # the class stands for one that cannot be imported
        raise MissingPartError(f"{configuration.model_type} needs a package: {one_line(error)}") from error


def _named_class(package: ModuleType, name: str, configuration: Any) -> Any:
    if not hasattr(package, name):
        near = difflib.get_close_matches(name, dir(package), n=3)
        raise UsageError(f"transformers has no class {name!r}: did you mean {' or '.join(near) or 'AutoModel'}?")
    cls = getattr(package, name)
    mapping = getattr(cls, "_model_mapping", None)
    if mapping is None:
        return cls
    found = _in_table(mapping, configuration)
    if found is None:
        raise UsageError(f"{name} has no model for the type {configuration.model_type!r}: try AutoModel.")
    return found


def _in_table(mapping: Any, configuration: Any) -> Any:
    """The class that a table has for a configuration, if that class takes the whole configuration and can run."""
    if type(configuration) not in mapping:
        return None
    try:
        found = mapping[type(configuration)]
    except ValueError:  # the table names a class that does not exist
        return None
    classes = found if isinstance(found, tuple | list) else (found,)
    return next((cls for cls in classes if _takes(cls, configuration) and _runs(cls)), None)


def _takes(cls: Any, configuration: Any) -> bool:
    """False for a class that is written for a part of the configuration: the text model of a multimodal one."""
    wanted = getattr(cls, "config_class", None)
    inner = list(parts(configuration))[1:]
    return not isinstance(wanted, type) or isinstance(configuration, wanted) or wanted not in map(type, inner)


def _runs(cls: Any) -> bool:
    """True if the class has a forward of its own."""
    return "forward" in {name for base in cls.__mro__ if base is not nn.Module for name in vars(base)}


def _by_config_class(configuration: Any) -> Any:
    """For parts of larger models: the class beside the configuration that is written for it."""
    classes = list(_beside(configuration))
    for cls in classes:
        if hasattr(cls, "_from_config") and cls.config_class is type(configuration):
            return cls
    parts_of = [cls for cls in classes if _first_annotation(cls) == type(configuration).__name__]
    named = [cls for cls in parts_of if cls.__name__ == type(configuration).__name__.removesuffix("Config")]
    if named or len(parts_of) == 1:
        return (named or parts_of)[0]
    inner = ", ".join(sorted({part.model_type for part in list(parts(configuration))[1:] if part.model_type}))
    raise UsageError(
        f"transformers has no model for {configuration.model_type!r} with a forward of its own: "
        f"{f'try its parts ({inner}), or ' if inner else ''}name a class with --hf-class."
    )


def _beside(configuration: Any) -> Iterator[Any]:
    """The modules that can run, out of the files of models in a configuration's package."""
    package = type(configuration).__module__.rpartition(".")[0]
    files = Path(str(inspect.getfile(type(configuration)))).parent.glob("modeling_*.py")
    for file in sorted(files):
        try:
            module = importlib.import_module(f"{package}.{file.stem}")
        except ImportError:
            continue
        for value in vars(module).values():
            if (
                inspect.isclass(value)
                and issubclass(value, nn.Module)
                and value.__module__ == module.__name__
                and _runs(value)
            ):
                yield value


def _first_annotation(cls: Any) -> str:
    """What a module wants to be made from, by its annotation."""
    taken = list(inspect.signature(cls.__init__).parameters.values())[1:]
    needed = [p for p in taken if p.default is p.empty and p.kind is p.POSITIONAL_OR_KEYWORD]
    if len(needed) != 1:
        return ""
    return str(getattr(needed[0].annotation, "__name__", needed[0].annotation)).strip("'\"")


def _made(cls: Any, configuration: Any, dtype: torch.dtype) -> nn.Module:
    """A model; a part of one is a plain module, and gets its configuration."""
    if hasattr(cls, "_from_config"):
        model: nn.Module = cls._from_config(configuration, dtype=dtype)
        return model
    for part in parts(configuration):
        part._attn_implementation = getattr(part, "_attn_implementation", None) or "sdpa"
    made: nn.Module = cls(configuration).to(dtype)
    if not hasattr(made, "config"):
        made.config = configuration
    return made
