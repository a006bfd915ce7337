"""How names and sizes are written: real subscripts, transposes, shapes."""

import re

from shapetrace.drawing.layout.sharing import stacks, summands
from shapetrace.drawing.metrics import clean, shortened, width_px
from shapetrace.drawing.primitives import Span
from shapetrace.outlining.structure import Operand

_SUBSCRIPTED = re.compile(r"((?:[^\W_]·)?[^\W_]{1,2}[^\w\s]?)_([^\W_][\w,]{0,7})(′?)")
_LONGEST_SHAPE = 30


def name_spans(text: str, ink: str, room_px: float, *, transposed: bool = False) -> tuple[Span, ...]:
    """Write a name: ``W_Q`` as W with a subscript Q, a turned ``K`` as K with a superscript T."""
    text = clean(text)
    raised = (Span("T", -1),) if transposed and text and not text.endswith(("ᵀ", "^T")) else ()
    if match := _SUBSCRIPTED.fullmatch(text):
        prime = (Span(match[3]),) if match[3] else ()
        return (Span(match[1]), Span(match[2], 1), *prime, *raised)
    if "+" in text and (spans := _sum_spans(text)) and width_px(spans, ink) <= room_px:
        return (*spans, *raised)
    shown = shortened(text, ink, room_px)
    return (Span(shown, whole="" if shown == text else text), *raised) if text else ()


def _sum_spans(text: str) -> tuple[Span, ...]:
    """A sum of names, each with its subscript: ``d_qk+d_rope``; () where one of them is no such name."""
    parts = [_SUBSCRIPTED.fullmatch(part) for part in text.split("+")]
    spans = [(Span(f"{'+' if place else ''}{each[1]}"), Span(each[2], 1)) for place, each in enumerate(parts) if each]
    return tuple(span for pair in spans for span in pair) if all(parts) else ()


def shape_pieces(shape: tuple[int, ...]) -> list[tuple[str, int | None]]:
    """Write a shape, ``[1024, 768]``, in pieces, each with the axis it tells of.

    Where it is too long, the middle axes are left out.
    """
    sizes: list[tuple[str, int | None]] = [(str(size), axis) for axis, size in enumerate(shape)]
    for head, tail in ((len(sizes), 0), (3, 2), (1, 2), (1, 1)):
        shown = [*sizes[:head], ("…", None), *sizes[-tail:]] if tail else sizes
        between = [piece for size in shown for piece in ((", ", None), size)][1:]
        pieces = [("[", None), *between, ("]", None)]
        if sum(len(text) for text, _ in pieces) <= _LONGEST_SHAPE:
            break
    return pieces


def stack_spans(operand: Operand, dims: str) -> tuple[Span, ...]:
    """How many matrices a stack has: ``×12``, with names ``×h``; () for one that is none."""
    text, names = badge(operand), operand.stack_dims
    if dims == "names" and len(names) == 1 and names[0] and text == f"×{operand.stack_axes[0]}":
        return (Span("×"), *name_spans(names[0], "stack", 60))
    return (Span(text),) if text else ()


def called(operand: Operand) -> str:
    """What an operand is called in a sum: its name, that of what it comes from, or its shape: ``[1024,768]``."""
    shape = "".join(text for text, _ in shape_pieces(operand.shape)).replace(", ", ",")
    return clean(operand.name) or clean(operand.source.rpartition(".")[2]) or shape


def stack_sizes(operand: Operand) -> tuple[int, ...]:
    """Sizes of the stack an operand is drawn as, outermost first; leading axes of its shape belong to it."""
    axes = operand.stack_axes or ((operand.stack,) if operand.stack > 1 else ())
    return tuple(size for size in (*axes, *operand.shape[:-2]) if size != 1)


def stack_text(operand: Operand) -> str:
    """``×12``, ``×4×12``; empty for a single matrix."""
    sizes = stack_sizes(operand)
    if len(sizes) > 3:
        sizes = (*sizes[:2], sizes[-1])
        return f"×{sizes[0]}×{sizes[1]}…×{sizes[2]}"
    return "".join(f"×{size}" for size in sizes)


def badge(operand: Operand) -> str:
    """What stands at a stack: ``×12``; ``×8·16`` where 8 ranks have 16 each, ``Σ 8`` for a summand of 8."""
    n_ranks, n_summands = stacks(operand), summands(operand)
    stacked = f"×{n_ranks}·{stack_text(operand).removeprefix('×') or 1}" if n_ranks > 1 else stack_text(operand)
    return " ".join(filter(None, (stacked, f"Σ {n_summands}" if n_summands > 1 else "")))


def joined_path(paths: tuple[str, ...]) -> str:
    """Write several module paths as one where they differ little: ``h.0.attn.{q,k,v}_proj``."""
    different = tuple(dict.fromkeys(paths))
    if len(different) == 1:
        return different[0]
    shortest = min(map(len, different))
    head = next((i for i in range(shortest) if len({path[i] for path in different}) > 1), shortest)
    rest = min(len(path) - head for path in different)
    tail = next((i for i in range(rest) if len({path[-1 - i] for path in different}) > 1), rest)
    middles = [path[head : len(path) - tail] for path in different]
    if any("." in middle or len(middle) > 8 or not middle for middle in middles):
        return different[0]
    return f"{different[0][:head]}{{{','.join(middles)}}}{different[0][len(different[0]) - tail :]}"
