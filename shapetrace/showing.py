"""Outlines and totals that show themselves, in a notebook and at a prompt."""

import shutil
from dataclasses import fields
from typing import Any

from shapetrace.outlining import counts, structure

_WIDTH = 100


class Totals(counts.Totals):
    """Costs of a pass, which print as a list."""

    def __str__(self) -> str:
        from shapetrace.formats.notebook import lines

        told = lines(self)
        width = max(len(name) for name, _ in told)
        return "\n".join(f"{name:<{width}}  {number}" for name, number in told)

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text("…" if cycle else str(self))

    def _repr_html_(self) -> str:
        from shapetrace.formats.notebook import totals

        return totals(self)


class Outline(structure.Outline):
    """What a trace means, which prints as the table."""

    @classmethod
    def of(cls, read: structure.Outline) -> "Outline":
        """The same with these methods, and its totals too."""
        values = {field.name: getattr(read, field.name) for field in fields(structure.Outline)}
        counted = {field.name: getattr(read.totals, field.name) for field in fields(counts.Totals)}
        return cls(**{**values, "totals": Totals(**counted)})

    def __str__(self) -> str:
        from shapetrace.formats.contract import Options
        from shapetrace.formats.table import render

        return render(self, Options(width=shutil.get_terminal_size((_WIDTH, 40)).columns)).rstrip("\n")

    def __repr__(self) -> str:
        return f"<Outline {summary(self)}>"

    def _repr_html_(self) -> str:
        from shapetrace.formats.notebook import table

        return table(self)


def summary(outline: structure.Outline) -> str:
    """A pass in one line: ``of GPT-2 small: 296 operations, 19 steps, 124,439,808 parameters, 291.65 GFLOPs``."""
    from shapetrace.formats.numbers import exact, short

    counted, n_steps = outline.totals, len(list(outline.steps()))
    told = [f"{exact(outline.coverage.operations)} operations", f"{n_steps} steps"]
    told += [f"{exact(counted.parameters)} parameters", f"{short(counted.matmul_flops)}FLOPs in products"]
    failed = f", {outline.failure}" if outline.failure else ""
    return f"of {outline.model.name}: {', '.join(told)}{failed}"
