"""Models by name from Python: a preset, or a configuration of transformers, run once on the meta device."""

import difflib
import importlib
import warnings
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from shapetrace.errors import UsageError
from shapetrace.models.settings import Attention, Settings
from shapetrace.obtaining import obtain
from shapetrace.request import Request, check
from shapetrace.running import Say

if TYPE_CHECKING:
    from shapetrace.api import Trace


def preset(
    name: str = "", *, text: str = "", tokens: str = "", tokenizer: Path | None = None, **settings: Any
) -> "Trace":
    """Run a published model, without weights and without arithmetic: ``preset("llama-3.1-8b", seq=4096)``.

    Args:
        name: A preset, as ``shapetrace models`` lists them, a toy (``toy:mha``); empty for the reference model.
        text: Words of the input, written beside its rows.
        tokens: Ids of the input, with commas.
        tokenizer: A tokenizer.json that makes ids of the text.
        settings: What to change: ``seq``, ``batch``, ``dtype``, ``layers``, ``d_model``, ``heads`` ...

    Raises:
        UsageError: If there is no such preset or setting, or the settings do not fit together.
    """
    known = [entry.name for kind in (Settings, Attention) for entry in fields(kind)]
    for given in settings:
        if given not in known:
            near = difflib.get_close_matches(given, known, n=1)
            raise UsageError(f"a model has no setting {given!r}{f': did you mean {near[0]}?' if near else ''}")
    request = Request(model=name, shape=settings, text=text, tokens=tokens, tokenizer=tokenizer)
    check(request)
    _load()
    return obtain(request, _warn)


def from_config(
    config: Any,
    *,
    seq: int | None = None,
    batch: int | None = None,
    dtype: str | None = None,
    hf_class: str = "",
    say: Say | None = None,
) -> "Trace":
    """Run a model of transformers from its configuration alone: nothing is downloaded.

    Args:
        config: A configuration of transformers, its entries as a dict, a config.json or its folder, or a model type.
        seq: Tokens; as many as the model has positions, 1024 at most, if None.
        batch: Sequences.
        dtype: Of the weights: ``bfloat16``.
        hf_class: Class of transformers to build, if not the one that the configuration names.
        say: Takes a sentence for what was filled in or changed; a warning if None.

    Raises:
        UsageError: If the configuration is not enough for a model.
        MissingPartError: If transformers is not installed.
    """
    _load()
    from shapetrace import hf_obtaining

    shape = {"seq": seq, "batch": batch, "dtype": dtype, "device": "meta"}
    given = {name: value for name, value in shape.items() if value is not None}
    is_path = isinstance(config, str | Path)
    kind = config if is_path else _entry(config, "model_type") or "config"
    request = Request(model=f"hf:{kind}", shape=given, hf_class=hf_class)
    check(request)
    return hf_obtaining.obtain(request, say or _warn, None if is_path else config)


def _load() -> None:
    """Import torch; where there is no NumPy it warns of that, which nobody here needs."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Failed to initialize NumPy")
        importlib.import_module("torch")


def _entry(config: Any, name: str) -> Any:
    return config.get(name) if isinstance(config, Mapping) else getattr(config, name, None)


def _warn(sentence: str) -> None:
    warnings.warn(sentence, stacklevel=3)
