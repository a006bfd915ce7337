"""What helps show below their options: a few lines to copy. Every one is run by a test."""

from collections.abc import Mapping

EXAMPLES: Mapping[str, tuple[tuple[str, str], ...]] = {
    "": (
        ("shapetrace run gpt2", "every shape, as a table"),
        ("shapetrace diagram gpt2 --out figures/", "the same drawn, and a page"),
        ("shapetrace run net.py:Net --input 1x3x32x32", "a model of yours"),
        ("shapetrace diff gpt2 gpt2-medium", "two models, step by step"),
        ("shapetrace embed post.md", "the figures of a post"),
    ),
    "run": (
        ("shapetrace run llama-3.1-8b --section attention", "one section"),
        ("shapetrace run gpt2 --costs", "parameters, FLOPs and bytes of each section"),
        ("shapetrace run net.py:Net --input 1x3x32x32", "a model of yours; its code runs"),
    ),
    "diagram": (
        ("shapetrace diagram gpt2 --out figures/", "an overview, its parts, a page"),
        ("shapetrace diagram toy:mha --out . --step 5 --format png", "one step for a slide"),
    ),
    "explore": (
        ("shapetrace explore gpt2", "gpt-2-small.html, one file"),
        ("shapetrace explore gpt2 --at h.7.attn --lang zh --out attention.html", "open at a place"),
        ("shapetrace explore gpt2 --seq 16 --generate 8", "a prefill and eight decode steps"),
        ("shapetrace explore gpt2 llama-3.1-8b", "two models side by side, in step"),
    ),
    "compare": (
        ("shapetrace compare --out attention.svg", "MHA, GQA and MLA side by side"),
        ("shapetrace compare gpt2 llama-3.2-1b --seq 64", "two models, as a table"),
    ),
    "models": (
        ("shapetrace models --family llama", "parameters, counted and published"),
        ("shapetrace models gpt2", "where its parameters live"),
    ),
    "scale": (
        ("shapetrace scale llama-3.1-8b --seq 1k:128k", "where attention costs more than the MLP"),
        ("shapetrace scale gpt2 --batch 1:64 --seq 256 --log", "at one length"),
    ),
    "diff": (
        ("shapetrace diff gpt2 gpt2-medium", "what grows"),
        ("shapetrace diff gpt2 hf:gpt2 --seq 64", "is it the same model?"),
    ),
    "check": (
        ("shapetrace check shapes.txt gpt2 --seq 64 --update", "once; commit shapes.txt"),
        ("shapetrace check shapes.txt gpt2 --seq 64", "in CI: exit code 1 if shapes changed"),
    ),
    "embed": (
        ("shapetrace embed post.md", "draw, and put or refresh the image lines"),
        ("shapetrace embed --check post.md", "in CI: exit code 1 if something is stale"),
    ),
    "mcp": (("shapetrace mcp", "started by the program that asks"),),
}


SHORT: Mapping[str, str] = {
    "run": "One forward pass as a table: every product, every shape.",
    "diagram": "The same drawn: SVG, PNG or PDF, and a page that shows them.",
    "explore": "One page to walk through a model: offline, with search and links.",
    "compare": "Two or three models side by side in one figure.",
    "models": "The presets; what their parameters are.",
    "scale": "How FLOPs, activations and the cache grow with length or batch.",
    "diff": "What differs between two models; exit code 1 if products do.",
    "check": "Hold a model to saved shapes, in CI.",
    "embed": "The figures that Markdown posts ask for.",
    "mcp": "Answer a language model's questions (Model Context Protocol).",
}
"""What a command does, in the list of all."""


def shown(command: str, width: int) -> str:
    """The examples of a command, for the end of its help; below each what it does if there is no room beside."""
    lines = EXAMPLES[command]
    longest = max(len(line) for line, _ in lines)
    fits = all(longest + len(why) + 5 <= width for _, why in lines)
    told = [f"   {line:<{longest}}  {why}" if fits else f"   {line}\n     {why}" for line, why in lines]
    return "\n".join([" Examples:", *told]) + "\n"
