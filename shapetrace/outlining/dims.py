"""Names of sizes, in the field's standard terms, where a recognised pattern knows them.

They follow from what an operand is and from the step it stands in, never from how large it is: a weight's rows are
named as the columns of the data that it meets, its columns as those of the result.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from shapetrace.outlining.attention import Attention
from shapetrace.outlining.crossing import crosses
from shapetrace.outlining.drafts import HAT, Draft, Ref, base_of
from shapetrace.outlining.flow import Flow
from shapetrace.outlining.tree import Node

_HEADS = frozenset("QKVZ")
_WIDTHS = {
    "X": "d_model", "C": "d_model", "E": "d_model", "P": "d_model", "O": "d_model", "M": "d_model", "x": "d_model",
    "H": "d_ff", "G": "d_ff", "U": "d_ff", "GU": "2·d_ff", "R": "experts", "logits": "vocab",
}  # fmt: skip
"""What the columns of an operand count, by its symbol."""


def name_dims(flow: Flow, attentions: Sequence[Attention], root: Node) -> None:
    """Name the sizes of every operand that a recognised pattern knows, "" where it does not."""
    naming = _Naming(_Known.of(flow, attentions))
    for node in root.sections():
        crossing = crosses(flow, node)
        for draft in node.own():
            naming.of_step(draft, crossing=crossing)


@dataclass(frozen=True, slots=True)
class _Known:
    """Sizes that a name is checked against.

    Attributes:
        heads: Widths of one head.
        lengths: Positions of a sequence.
        batches: Examples.
    """

    heads: frozenset[int]
    lengths: frozenset[int]
    batches: frozenset[int]

    @classmethod
    def of(cls, flow: Flow, attentions: Sequence[Attention]) -> "_Known":
        """What attention and the inputs tell."""
        size, products = flow.facts.atoms.size, flow.facts.products
        scores = [products[attention.scores] for attention in attentions]
        weighted = [products[attention.weighted] for attention in attentions if attention.weighted is not None]
        inputs = [flow.facts.tensor(value).shape for value in flow.trace.inputs]
        ids = {shape[-1] for value, shape in zip(flow.trace.inputs, inputs, strict=True)
               if shape and not flow.is_floating(value)}  # fmt: skip
        return cls(
            frozenset([size(p.k) for p in scores] + [size(p.n) for p in weighted]),
            frozenset(ids | {size(axis) for p in scores for axis in (p.m, p.n)}),
            frozenset(shape[0] for shape in inputs if len(shape) > 1),
        )


class _Naming:
    def __init__(self, known: _Known) -> None:
        self._known = known

    def of_step(self, draft: Draft, *, crossing: bool) -> None:
        """Name the sizes of one step: data first, then the weights between them."""
        letter = draft.results[0].letter if draft.results else ""
        rows = "S" if crossing and letter in ("K", "V", "KV") else "T"
        for ref in (*draft.operands, *draft.results):
            if ref.role == "data":
                self._of_data(ref, rows, crossing=crossing)
        if draft.kind == "product" and len(draft.operands) == 2:
            self._of_weight(draft)
        elif draft.kind == "lookup" and draft.operands[1].letter[:1] == "E":
            draft.operands[1].dims = ("vocab", "d_model")
        for ref in draft.operands:
            if ref.role != "data" and ref.letter == "P" and len(ref.shape) == 2:
                ref.dims = ("T", "d_model")

    def _of_data(self, ref: Ref, rows: str, *, crossing: bool) -> None:
        base = base_of(ref.letter)
        if base == "ids":
            names: tuple[str, ...] = ("T",)
        elif base in ("S", "A"):
            names = ("T", "S" if crossing or ref.shape[-1] != ref.shape[-2] else "T")
        elif base in _HEADS:
            names = ("S" if crossing and base in "KV" else rows, self._width_of_heads(ref))
        elif base == "C" and ref.letter.replace(HAT, "") != "C":  # a latent: its width is a rank of its own
            names = (rows, "")
        elif base in _WIDTHS:
            names = ("S" if base == "C" and crossing else rows, _WIDTHS[base])
        else:
            return
        if not len(names) <= len(ref.shape) <= len(names) + 1:
            return
        names = names[::-1] if ref.transposed else names
        names = ("B", *names) if len(ref.shape) > len(names) else names
        if not (names[0] == "B" and ref.shape[0] not in self._known.batches):
            ref.dims = tuple(map(self._checked, names, ref.shape))

    def _checked(self, name: str, size: int) -> str:
        return "" if name in ("T", "S") and size not in self._known.lengths else name

    def _width_of_heads(self, ref: Ref) -> str:
        """One head's width, or that of all heads side by side."""
        width = ref.shape[0] if ref.transposed and len(ref.shape) == 2 else ref.shape[-1]
        return "h·d_head" if ref.pattern == "slices" or width not in self._known.heads else "d_head"

    def _of_weight(self, draft: Draft) -> None:
        """A weight's rows are the columns of the data, its columns those of the result."""
        weight = next((ref for ref in draft.operands if ref.role == "weight"), None)
        data = next((ref for ref in draft.operands if ref.role == "data"), None)
        if weight is None or data is None or len(weight.shape) != 2:
            return
        inner, outer = data.dims[-1:] or ("",), draft.results[0].dims[-1:] or ("",)
        if any((*inner, *outer)):
            weight.dims = (*inner, *outer)
