"""From a request for a model of transformers to a trace."""

from collections.abc import Collection, Iterator, Sequence
from functools import partial
from inspect import signature
from typing import Any

from shapetrace import ir
from shapetrace.api import Trace
from shapetrace.errors import TooManyOpsError, UsageError
from shapetrace.generations.decoding import Generation
from shapetrace.models import hf_completing, hf_inputs, huggingface
from shapetrace.models.hf_facts import longest, sizes
from shapetrace.models.hf_repairs import excess
from shapetrace.models.specs import parse_all
from shapetrace.models.user_inputs import Inputs, device_of_model
from shapetrace.outlining.choice import Choice
from shapetrace.request import Request, check
from shapetrace.running import UNLIMITED, Limits, Say, checked_run, given_inputs, part_of, placed_run

_LONGEST_SEQ = 1024
"""Tokens of a model of transformers, unless its context is shorter or ``--seq`` says otherwise."""

_MOST_OPS = 60_000
_SHORT_SEQ = 64
"""Where nobody says how many tokens: a pass that takes its tokens one by one (more operations than this) gets few."""

_MOST_LENGTHS = 4
"""Lengths that are tried."""

_FACTS = {
    "layers": ("num_hidden_layers", "n_layer", "n_layers", "num_layers"),
    "d_model": ("hidden_size", "n_embd", "d_model", "dim"),
    "heads": ("num_attention_heads", "n_head", "n_heads", "num_heads"),
    "kv_heads": ("num_key_value_heads",),
    "d_ff": ("intermediate_size", "n_inner", "ffn_dim", "d_ff"),
    "vocab": ("vocab_size",),
}
"""What people print beside a model, by what configurations call it."""


class TooLongError(Exception):
    """A model has no positions for so many tokens.

    Attributes:
        excess: How many tokens there are too many.
    """

    def __init__(self, excess: int) -> None:
        super().__init__(f"{excess} tokens too many")
        self.excess = excess


def obtain(request: Request, say: Say, config: Any = None, *, completes: bool = True) -> Trace:
    """The trace of a model that transformers builds from a configuration.

    What the configuration lacks is filled in, and said; then the model is built again.

    Args:
        request: What is asked for.
        say: Takes a sentence for what was filled in.
        config: The configuration, or its entries; None for the one that the request names.
        completes: False to take a pass that fails as it is.

    Raises:
        ShapetraceError: If the request is wrong or cannot be carried out.
    """
    asked = _Asked(request, say, config)
    for _ in range(hf_completing.MOST if completes else 0):
        try:
            return placed_run(request, say, asked.build, asked.run)
        except hf_completing.IncompleteError as error:
            say(str(error))
    asked.completes = False
    return placed_run(request, say, asked.build, asked.run)


def generated(
    request: Request, say: Say, n_steps: int, found: Generation | None = None, config: Any = None
) -> Generation:
    """A prefill and decode steps of a decoder of transformers, with its own cache.

    Args:
        request: What is asked for; ``seq`` is the length of the prompt.
        say: Takes a sentence for what was filled in.
        n_steps: Decode steps behind the prefill.
        found: Takes the passes, and says whether there is a cache; without it there is one.
        config: The configuration, or its entries; None for the one that the request names.

    Raises:
        UsageError: If the model keeps no cache.
        ShapetraceError: If the request is wrong or cannot be carried out.
    """
    check(request)
    found = Generation() if found is None else found
    asked = _Asked(request, say, config)
    asked.completes, asked.caching = False, found.is_cached
    passes = asked.passes if found.is_cached else asked.whole_passes

    def run(model: Any) -> Trace:
        found.passes.clear()
        for trace in passes(model, n_steps):
            found.add(trace)
            found.passes[-1].choice = Choice(place="nowhere")
        return found.passes[-1].trace

    placed_run(request, say, asked.build, run)
    return found


def _encoded(model: Any) -> list[Any]:
    """What the encoder of a model gives, once it has run: the next passes get it, and do not run it again."""
    found: list[Any] = []
    encoder = model.get_encoder() if getattr(model.config, "is_encoder_decoder", False) else None
    if encoder is not None:
        encoder.register_forward_hook(lambda _module, _args, output: found.append(output))
    return found


def _handed_on(model: Any, output: Any, given: Collection[str]) -> dict[str, Any]:
    """What a pass gives back that the next one takes: a cache under any name, states, what an image became.

    What the first pass was given is its input, and not handed on.
    """
    taken = signature(model.forward).parameters
    fields = output.items() if hasattr(output, "items") else ()
    return {name: value for name, value in fields if name in taken and name not in given}


def _zeros(rows: Sequence[int], n: int) -> Any:
    """Ids that nobody chose: (..., n)."""
    import torch

    return torch.zeros(*rows, n, dtype=torch.long)


class _Asked:
    """A model of transformers with inputs made for it.

    Attributes:
        completes: True while entries that the configuration lacks are filled in.
        caching: True to have models that keep rows or states for the passes behind.
    """

    def __init__(self, request: Request, say: Say, config: Any = None) -> None:
        self._request, self._say, shape = request, say, request.shape
        self._specs = parse_all(request.inputs)
        named = request.model.removeprefix("hf:") if config is None else config
        self._config = huggingface.config(named, huggingface.parse_entries(request.hf_set), say)
        self.completes, self.caching = True, False
        self._whole = 0
        self._class = ""
        self._batch = int(shape.get("batch", 1))
        self._is_free = "seq" not in shape
        self._seq = int(shape.get("seq") or longest(self._config, at_most=_LONGEST_SEQ))

    def build(self, device: str) -> Any:
        """The model on a device."""
        from shapetrace.models.placing import check_room, n_parameters

        dtype, hf_class = self._request.shape.get("dtype"), self._request.hf_class or None
        made = partial(huggingface.build, self._config, dtype=dtype, hf_class=hf_class, caching=self.caching)
        if device == "cpu":
            check_room(made(device="meta"))
        model = made(device=device, say=self._say)
        self._class = type(model).__name__
        if self._request.ranks is None:
            return model
        from shapetrace.sharding import hf_plans

        self._whole = n_parameters(model) if self._request.ranks.pp > 1 else 0
        return hf_plans.shard(model, self._request.ranks)

    def run(self, model: Any) -> Trace:
        """Its trace, with the inputs that were given or with as many tokens as it takes."""
        given = given_inputs(self._request, self._specs, model)
        if given is not None:
            return self._over(model, given, Limits(strict=True))
        most_ops = _MOST_OPS if self._is_free else 0
        for _ in range(_MOST_LENGTHS):
            try:
                return self._over(model, self._inputs(model), Limits(most_ops, self._failed))
            except TooManyOpsError as error:
                self._say(f"With {self._seq:,} tokens {error}: traced with {_SHORT_SEQ}; --seq says otherwise.")
                self._seq, most_ops = _SHORT_SEQ, 0
            except TooLongError as error:
                self._seq -= error.excess
        return self._over(model, self._inputs(model), UNLIMITED)

    def passes(self, model: Any, n_steps: int) -> Iterator[ir.Trace]:
        """Traces of a prefill and of decode steps; ids are zeros: shapes do not depend on them."""
        import torch

        outputs: list[Any] = []
        model.register_forward_hook(lambda _module, _args, output: outputs.append(output))
        encoded = _encoded(model)
        name, given = self._begun(model)
        begun = given.keys()
        asks = {"use_cache": True} if "use_cache" in signature(model.forward).parameters else {}
        for step in range(n_steps + 1):
            trace = self._over(model, ((), given | asks), UNLIMITED)
            yield trace
            if trace.failure is not None:
                return
            handed = _handed_on(model, outputs.pop(), begun)
            if not step and all(isinstance(value, torch.Tensor) for value in handed.values()):
                raise UsageError(f"{self._request.model} gives no cache back: it computes all of a text again")
            rows = given[name].shape[:-1] if name in given else (self._batch,)
            given = {name: _zeros(rows, 1), **handed}
            if encoded:
                given["encoder_outputs"] = encoded[0]

    def whole_passes(self, model: Any, n_steps: int) -> Iterator[ir.Trace]:
        """Traces of passes over all of a text that grows by one token, with nothing kept."""
        for step in range(n_steps + 1):
            _, given = self._begun(model, further=step)
            trace = self._over(model, ((), given), UNLIMITED)
            yield trace
            if trace.failure is not None:
                return

    def _begun(self, model: Any, *, further: int = 0) -> tuple[str, dict[str, Any]]:
        """What grows by a token in each pass, and what one that reads everything is given.

        A prompt is as long as was asked for; a decoder beside an encoder begins with one id.
        """
        if not getattr(model.config, "is_encoder_decoder", False):
            return "input_ids", dict(self._inputs(model, further=further)[1])
        given = dict(self._inputs(model)[1])
        rows = given["decoder_input_ids"].shape[:-1] if "decoder_input_ids" in given else (self._batch,)
        return "decoder_input_ids", {**given, "decoder_input_ids": _zeros(rows, 1 + further)}

    def _inputs(self, model: Any, *, further: int = 0) -> Inputs:
        return (), hf_inputs.inputs(model, batch=self._batch, seq=self._seq + further, failed=self._complete)

    def _over(self, model: Any, inputs: Inputs, limits: Limits) -> Trace:
        ranks = self._request.ranks
        device = "meta" if ranks and ranks.fsdp > 1 else device_of_model(model).type  # fake tensors say cpu
        info = ir.Model(f"{self._class} ({self._request.model})", {**sizes(self._config, _FACTS)}, device)
        trace = checked_run(model, inputs, info, limits, given="inputs" if self._request.inputs_from else "nothing")
        return part_of(trace, ranks, self._whole) if ranks and self._whole else trace

    def _complete(self, error: Exception) -> None:
        if self.completes:
            hf_completing.complete(error, self._config)

    def _failed(self, error: Exception) -> None:
        self._complete(error)
        less = excess(error)
        if self._is_free and 0 < less < self._seq:
            raise TooLongError(less)
