"""One model of a library: is it traced, is all of it covered, are parameters and FLOPs those that torch counts?

Run as a program it reads ``LIBRARY NAME`` from its standard input, one a line, and writes a line of JSON for each.
"""

import sys
from dataclasses import dataclass, field
from functools import partial
from importlib import import_module
from typing import Any

import torch

from shapetrace.capture import capture
from shapetrace.formats.json import render
from shapetrace.outlining import outline
from tests.capture.corpus import main, told
from tests.capture.oracles import Counting, written_out

LIBRARIES = {
    "timm": "timm", "diffusers": "diffusers", "peft": "peft", "open_clip": "open_clip",
    "x_transformers": "x_transformers", "vit_pytorch": "vit_pytorch", "transformers": "transformers",
}  # fmt: skip
"""The module that a library is imported as; that with its models here is ``models_of_NAME``."""


@dataclass(frozen=True)
class Case:
    """A model and what goes into it."""

    model: torch.nn.Module
    args: tuple[Any, ...] = ()
    kwargs: dict[str, Any] = field(default_factory=dict)


def names(library: str) -> list[str]:
    """The models of a library that are measured."""
    return [f"{library} {name}" for name in import_module(f"tests.nightly.models_of_{library}").names()]


def measure(line: str) -> dict[str, Any]:
    """Build the model that a line names, and measure it; ``cpu`` says why a model does not run untraced."""
    library, name = line.split(" ", 1)
    torch.manual_seed(0)
    try:
        case = import_module(f"tests.nightly.models_of_{library}").build(name)
        counted = independent_flops(case)
    except Exception as error:  # noqa: BLE001 - whatever a model raises is the finding
        return {"cpu": told(error)}
    try:
        return {"cpu": "", **found_of(case, counted)}
    except Exception as error:  # noqa: BLE001 - whatever we raise is the finding
        return {"cpu": "", "traced": told(error)}


def independent_flops(case: Case) -> int:
    """What torch counts by its formulas, attention written out."""
    case.model.eval()
    with torch.no_grad(), written_out(), Counting() as counting:
        torch.manual_seed(0)
        case.model(*case.args, **case.kwargs)
    return counting.flops


def found_of(case: Case, counted: int) -> dict[str, Any]:
    """An empty text for each thing that holds, else what does not."""
    with torch.no_grad():
        torch.manual_seed(0)
        trace = capture(case.model, case.args, case.kwargs)
    result = outline(trace)
    totals, coverage = result.totals, result.coverage
    render(result)
    shown = sum(step.parameters_in_all for step in result.steps()) + totals.unused_parameters
    parameters = sum({id(each): each.numel() for each in case.model.parameters()}.values())
    placed = coverage.drawn + coverage.folded + coverage.elided
    return {
        "traced": "",
        "covered": differing("operations", placed, coverage.operations)
        or differing("misplaced", coverage.misplaced, 0),
        "parameters": differing("parameters", totals.parameters, parameters) or differing("shown", shown, parameters),
        "flops": differing("FLOPs", totals.flops, counted),
        "unknown": coverage.unknown,
        "operations": coverage.operations,
    }


def differing(what: str, ours: int, theirs: int) -> str:
    """What is wrong with a number, if it is."""
    return "" if ours == theirs else f"{what}: {ours:,}, not {theirs:,}"


if __name__ == "__main__":
    sys.dont_write_bytecode = True
    main(partial(measure))
