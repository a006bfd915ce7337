"""Generations that several files of tests look at: each runs once, and nobody changes it."""

from functools import cache

from shapetrace.generations.decoding import Generation
from shapetrace.generations.running import generated
from shapetrace.request import Request

PARIS = "The capital of France is"
LAYERS = {
    "deepseek-v3": ("layers", 5),
    "hf:gpt_oss": ("num_hidden_layers", 4),
    "hf:gemma3_text": ("num_hidden_layers", 7),
}
"""Of each kind at least two layers, where there are dozens that are alike."""


@cache
def passes(
    model: str = "gpt2", n_steps: int = 4, *, seq: int = 0, text: str = "", cached: bool = True, whole: bool = False
) -> Generation:
    """A prompt of so many rows, or of words, with so many steps behind it.

    Args:
        model: As a command takes it.
        n_steps: How many ids are chosen.
        seq: Rows of the prompt; 0 for words.
        text: The words; a sentence of five if there are none.
        cached: Whether rows are kept from pass to pass.
        whole: Whether all layers run, where few of each kind say the same.
    """
    name, n_layers = ("", 0) if whole else LAYERS.get(model, ("", 0))
    shape = ({"seq": seq} if seq else {}) | ({"layers": n_layers} if name == "layers" else {})
    entries = (f"{name}={n_layers}",) if name and name != "layers" else ()
    request = Request(model=model, text="" if seq else text or PARIS, shape=shape, hf_set=entries)
    return generated(request, print, n_steps, cached=cached)
