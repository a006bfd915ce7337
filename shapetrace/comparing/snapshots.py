"""Shapes as a text that people review: a line a step, without numbers that move when something else changes.

    Block ×12 | h.{0..11} | block
      LayerNorm | ln_1 | [64,768] → [64,768] | 1,536 | norm norm LayerNorm
      Attention | attn | attention
        Query | c_attn | [64,768] × w[768,64]×12 → [64,64]×12 | 590,592 | product query

It holds what a comparison reads but for kernels, which change with versions of PyTorch. ``w`` is weights, ``c``
constants, ``ᵀ`` turned, ×12 a stack; a path that starts with ``/`` is that from the model.

With names, what depends on the input is a formula, ``[B,T,768]``, and holds for any batch and length; the sizes that
the input had stand above: ``inputs: B = 1, T = 64``.
"""

import re
from collections.abc import Iterator, Sequence
from math import prod

from shapetrace.ir import Plain, Sizes
from shapetrace.ir import Role as Origin
from shapetrace.language import printable
from shapetrace.outlining.roles import Role
from shapetrace.outlining.structure import Operand, Outline, Section, Step
from shapetrace.sizing import Formula, parse

FORMAT = "shapetrace shapes 1"
INPUTS = "inputs"
"""Of a snapshot with names: the sizes that the input had."""

_LETTERS: dict[Origin, str] = {"data": "", "weight": "w", "constant": "c"}
_NUMBER = re.compile(r"\d+")


def written(outline: Outline, command: str = "", sizes: Sizes | None = None) -> str:
    """The snapshot of an outline.

    Args:
        outline: What a trace means.
        command: How it was made, for those who read it; on the second line.
        sizes: Names of the trace's sizes, to write what depends on the input as formulas.
    """
    counted = outline.totals
    facts: dict[str, Plain | str] = {"parameters": f"{counted.parameters:,}", "buffers": f"{counted.buffers:,}"}
    settings = dict(outline.model.settings)
    if sizes is None:
        facts["FLOPs in products"] = f"{counted.matmul_flops:,}"
    else:
        varied = {sizes.entries[name] for name in sizes.inputs}
        settings = {key: value for key, value in settings.items() if key not in varied}
        facts[INPUTS] = ", ".join(f"{name} = {sizes.symbols[name]}" for name in sizes.inputs)
    head = [FORMAT, *([f"# {cleaned(command)}"] if command else []), f"model: {cleaned(outline.model.name)}"]
    head += [f"{cleaned(name)}: {cleaned(str(value))}" for name, value in settings.items()]
    head += [f"{name}: {value}" for name, value in facts.items()]
    return "\n".join([*head, "", *_section(outline.root, 0, _Shapes(sizes))]) + "\n"


def _section(section: Section, depth: int, shapes: "_Shapes") -> Iterator[str]:
    indent = "  " * depth
    for item in section.items:
        if isinstance(item, Section):
            times = f" ×{item.repeat}" if item.repeat > 1 else ""
            yield f"{indent}{cleaned(item.title)}{times} | {_members(item, section)} | {item.kind}"
            yield from _section(item, depth + 1, shapes)
        elif shapes.holds(item):
            yield f"{indent}{' | '.join(_step(item, section, shapes))}"


def _step(step: Step, section: Section, shapes: "_Shapes") -> tuple[str, ...]:
    cost = f"{step.parameters:,}" if step.parameters else "–"
    if step.shared_parameters:
        cost += f" shared {step.shared_parameters:,}"
    if step.tied_to:
        cost += f" tied to {cleaned(step.tied_to)}"
    kind = " ".join(filter(None, [step.kind, step.role, cleaned(step.function) if step.function else ""]))
    return cleaned(step.title), relative(step.path, section.path), shapes.equation(step), cost, kind


class _Shapes:
    """Writes shapes, as numbers or with names of what depends on the input."""

    def __init__(self, sizes: Sizes | None) -> None:
        self._is_named = sizes is not None
        entries = {} if sizes is None else {k: v for k, v in sizes.symbols.items() if k not in sizes.inputs}
        self._entries = {name: Formula.of(value) for name, value in entries.items()}

    def holds(self, step: Step) -> bool:
        """Whether a step is there for any input: how heads are split is drawn for more than one example alone."""
        return not (self._is_named and step.role is Role.SPLIT_HEADS)

    def equation(self, step: Step) -> str:
        """All shapes of a step."""
        sign = f" {step.operator} " if step.operator in set("×+⊙∗") else ", "
        return f"{sign.join(map(self._operand, step.operands))} → {', '.join(map(self._operand, step.results))}"

    def _operand(self, operand: Operand) -> str:
        turned = "ᵀ" if operand.transposed else ""
        sizes, stack = list(map(str, operand.shape)), operand.stack
        if self._is_named:
            sizes, stack = self._by_name(operand)
        times = f"×{stack}" if stack > 1 else ""
        return f"{_LETTERS[operand.role]}[{','.join(sizes)}]{turned}{times}"

    def _by_name(self, operand: Operand) -> tuple[list[str], int]:
        """Sizes of a matrix, those of the stack that depend on the input before them; and the rest of the stack."""
        names = operand.dims or ("",) * len(operand.shape)
        matrix = [self._size(name) or str(size) for name, size in zip(names, operand.shape, strict=True)]
        stack = list(map(self._size, operand.stack_dims))
        if len(stack) != len(operand.stack_axes):
            return matrix, operand.stack
        lead = [size for size in (*map(self._size, operand.lead), *stack) if size and not size.isdigit()]
        varied = [n for size, n in zip(stack, operand.stack_axes, strict=True) if size and not size.isdigit()]
        return [*lead, *matrix], operand.stack // prod(varied)

    def _size(self, name: str) -> str:
        return str(parse(name).with_symbols(self._entries)) if name else ""


def relative(path: str, base: str) -> str:
    """A path as seen from a section: ``c_attn`` in it, ``.`` itself, ``/wte`` elsewhere."""
    if path == base:
        return "."
    inside = f"{base}." if base else ""
    return cleaned(path.removeprefix(inside) if path.startswith(inside) else f"/{path}")


def _members(section: Section, parent: Section) -> str:
    """``h.{0..11}``; the paths one by one where they are no row of numbers."""
    paths = [relative(path, parent.path) for path in section.members or (section.path,)]
    return ranged(paths) or ", ".join(paths)


def ranged(paths: Sequence[str]) -> str:
    """Paths that differ in one number which counts up by one, as one: ``h.{0..11}``; empty if they do not."""
    first, last = paths[0], paths[-1]
    for found in _NUMBER.finditer(first):
        before, after = first[: found.start()], first[found.end() :]
        if len(paths) > 1 and [f"{before}{int(found[0]) + n}{after}" for n in range(len(paths))] == list(paths):
            number = last[len(before) : len(last) - len(after)]
            return f"{before}{{{found[0]}..{number}}}{after}"
    return ""


def cleaned(text: str) -> str:
    """Words that can stand between bars on a line."""
    return " ".join(printable(text).replace("|", "¦").split()) or "·"
