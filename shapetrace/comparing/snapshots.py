"""Shapes as a text that people review: a line a step, without numbers that move when something else changes.

    Block ×12 | h.{0..11} | block
      LayerNorm | ln_1 | [64,768] → [64,768] | 1,536 | norm norm LayerNorm
      Attention | attn | attention
        Query | c_attn | [64,768] × w[768,64]×12 → [64,64]×12 | 590,592 | product query

It holds what a comparison reads but for kernels, which change with versions of PyTorch. ``w`` is weights, ``c``
constants, ``ᵀ`` turned, ×12 a stack; a path that starts with ``/`` is that from the model.
"""

import re
from collections.abc import Iterator, Sequence

from shapetrace.ir import Plain
from shapetrace.ir import Role as Origin
from shapetrace.outlining.structure import Operand, Outline, Section, Step

FORMAT = "shapetrace shapes 1"
_LETTERS: dict[Origin, str] = {"data": "", "weight": "w", "constant": "c"}
_NUMBER = re.compile(r"\d+")


def written(outline: Outline, command: str = "") -> str:
    """The snapshot of an outline.

    Args:
        outline: What a trace means.
        command: How it was made, for those who read it; on the second line.
    """
    counted = outline.totals
    facts: dict[str, Plain | str] = {
        "parameters": f"{counted.parameters:,}",
        "buffers": f"{counted.buffers:,}",
        "FLOPs in products": f"{counted.matmul_flops:,}",
    }
    head = [FORMAT, *([f"# {cleaned(command)}"] if command else []), f"model: {cleaned(outline.model.name)}"]
    head += [f"{cleaned(name)}: {cleaned(str(value))}" for name, value in outline.model.settings.items()]
    head += [f"{name}: {value}" for name, value in facts.items()]
    return "\n".join([*head, "", *_section(outline.root, 0)]) + "\n"


def _section(section: Section, depth: int) -> Iterator[str]:
    indent = "  " * depth
    for item in section.items:
        if isinstance(item, Section):
            times = f" ×{item.repeat}" if item.repeat > 1 else ""
            yield f"{indent}{cleaned(item.title)}{times} | {_members(item, section)} | {item.kind}"
            yield from _section(item, depth + 1)
        else:
            yield f"{indent}{' | '.join(_step(item, section))}"


def _step(step: Step, section: Section) -> tuple[str, ...]:
    cost = f"{step.parameters:,}" if step.parameters else "–"
    if step.shared_parameters:
        cost += f" shared {step.shared_parameters:,}"
    if step.tied_to:
        cost += f" tied to {cleaned(step.tied_to)}"
    kind = " ".join(filter(None, [step.kind, step.role, cleaned(step.function) if step.function else ""]))
    return cleaned(step.title), relative(step.path, section.path), equation(step), cost, kind


def equation(step: Step) -> str:
    """``[64,768] × w[768,64]×12 → [64,64]×12``."""
    sign = f" {step.operator} " if step.operator in set("×+⊙∗") else ", "
    return f"{sign.join(map(_operand, step.operands))} → {', '.join(map(_operand, step.results))}"


def _operand(operand: Operand) -> str:
    turned = "ᵀ" if operand.transposed else ""
    times = f"×{operand.stack}" if operand.stack > 1 else ""
    return f"{_LETTERS[operand.role]}[{','.join(map(str, operand.shape))}]{turned}{times}"


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
    plain = "".join(character if character.isprintable() else "·" for character in text)
    return " ".join(plain.replace("|", "¦").split()) or "·"
