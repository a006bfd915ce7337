"""Names of sizes, in the field's standard terms, where a recognised pattern knows them.

They follow from what an operand is and from the step it stands in, never from how large it is: a weight's rows are
named as the columns of the data that it meets, its columns as those of the result.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from shapetrace.outlining.drafts import Draft, Ref
from shapetrace.outlining.flow import Flow
from shapetrace.outlining.recognise.attention import Attention
from shapetrace.outlining.roles import Part
from shapetrace.outlining.sections import Node
from shapetrace.outlining.symbol_rules import Symbol
from shapetrace.outlining.symbols import Place

_HEADS = frozenset({Part.QUERY, Part.KEY, Part.VALUE, Part.HEADS})
_SCORES = frozenset({Part.SCORES, Part.ATTENTION_WEIGHTS})
_KEYS = frozenset({Part.KEY, Part.VALUE, Part.KEY_VALUE})
_WIDTHS: Mapping[Part, str] = {
    **dict.fromkeys((Part.STREAM, Part.CONTEXT, Part.TABLE, Part.POSITIONS, Part.ATTENTION, Part.FEED_FORWARD,
                     Part.SELECTED), "d_model"),
    **dict.fromkeys((Part.HIDDEN, Part.GATE, Part.UP), "d_ff"),
    Part.GATE_UP: "2·d_ff", Part.ROUTING: "experts", Part.LOGITS: "vocab", Part.SHARES: "vocab",
    Part.LATENT_QUERY: "", Part.LATENT_KEY_VALUE: "",
}  # fmt: skip
"""What the columns of an operand count, by what it is; of a latent its own rank, which has no name."""

Names = tuple[str, ...]


def sizes(
    flow: Flow, attentions: tuple[Attention, ...], folded: Node, symbols: Mapping[Place, Symbol]
) -> Mapping[Place, Names]:
    """Names of the sizes of every operand that a recognised pattern knows, "" where it does not."""
    naming = _Naming(_Known.of(flow, attentions), symbols)
    for node in folded.sections():
        for draft in node.own:
            naming.of_step(draft, crossing=node.crosses)
    return naming.found


@dataclass(frozen=True, slots=True)
class _Known:
    """Sizes that a name is checked against.

    Attributes:
        heads: Widths of one head.
        lengths: Positions of a sequence.
        batches: Examples.
        widths: Columns that products sum over, or of rows that are looked up: not the length of a signal.
    """

    heads: frozenset[int]
    lengths: frozenset[int]
    batches: frozenset[int]
    widths: frozenset[int]

    @classmethod
    def of(cls, flow: Flow, attentions: tuple[Attention, ...]) -> "_Known":
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
            frozenset(size(product.k) for product in flow.projections) | _columns_of_tables(flow),
        )


def _columns_of_tables(flow: Flow) -> frozenset[int]:
    lookups = (op for op in flow.trace.ops if flow.kinds[op.id] == "lookup")
    return frozenset(flow.facts.tensor(v).shape[-1] for op in lookups for v in op.inputs if flow.is_floating(v))


class _Naming:
    def __init__(self, known: _Known, symbols: Mapping[Place, Symbol]) -> None:
        self.found: dict[Place, Names] = {}
        self._known = known
        self._symbols = symbols

    def of_step(self, draft: Draft, *, crossing: bool) -> None:
        """Name the sizes of one step: data first, then the weights between them."""
        made = self._symbols[draft.key, True, 0].part if draft.results else Part.OTHER
        rows = "S" if crossing and made in _KEYS else "T"
        for is_result, refs in ((False, draft.operands), (True, draft.results)):
            for place, ref in enumerate(refs):
                where = (draft.key, is_result, place)
                symbol = self._symbols[where]
                names: Names = ()
                if ref.origin == "data":
                    names = self._of_data(ref, symbol, rows, crossing=crossing)
                elif symbol.part is Part.POSITIONS and len(ref.shape) == 2:
                    names = ("T", "d_model")
                if names:
                    self.found[where] = names
        if draft.kind == "product" and len(draft.operands) == 2:
            self._of_weight(draft)
        elif draft.kind == "lookup" and self._symbols[draft.key, False, 1].part is Part.TABLE:
            self._of_table(draft)

    def _of_table(self, draft: Draft) -> None:
        """A table of vectors; one of matrices has no names of its own."""
        if len(draft.operands[1].shape) == 2:
            self.found[draft.key, False, 1] = ("vocab", "d_model")

    def _of_data(self, ref: Ref, symbol: Symbol, rows: str, *, crossing: bool) -> Names:
        names = self._expected(ref, symbol, rows, crossing=crossing)
        if not names or not len(names) <= len(ref.shape) <= len(names) + 1:
            return ()
        names = names[::-1] if ref.transposed else names
        names = ("B", *names) if len(ref.shape) > len(names) else names
        if names[0] == "B" and ref.shape[0] not in self._known.batches:
            return ()
        return tuple(map(self._checked, names, ref.shape))

    def _expected(self, ref: Ref, symbol: Symbol, rows: str, *, crossing: bool) -> Names:
        part = symbol.part
        if part is Part.IDS:
            return ("T",)
        if part in _SCORES:
            return ("T", "S" if crossing or ref.shape[-1] != ref.shape[-2] else "T")
        if part in _HEADS:
            return ("S" if crossing and part in _KEYS else rows, self._width_of_heads(ref))
        if part in _WIDTHS:
            is_other = part is Part.CONTEXT or (part is Part.STREAM and symbol.index == "B")
            return ("S" if is_other and crossing else rows, _WIDTHS[part])
        return ()

    def _checked(self, name: str, size: int) -> str:
        known = {"T": self._known.lengths, "S": self._known.lengths, "d_model": self._known.widths}.get(name)
        return "" if known is not None and size not in known else name

    def _width_of_heads(self, ref: Ref) -> str:
        """One head's width, or that of all heads side by side."""
        width = ref.shape[0] if ref.transposed and len(ref.shape) == 2 else ref.columns
        return "h·d_head" if ref.pattern == "slices" or width not in self._known.heads else "d_head"

    def _of_weight(self, draft: Draft) -> None:
        """A weight's rows are the columns of the data, its columns those of the result."""
        places = {ref.origin: place for place, ref in reversed(list(enumerate(draft.operands)))}
        if not {"weight", "data"} <= places.keys() or len(draft.operands[places["weight"]].shape) != 2:
            return
        inner = self.found.get((draft.key, False, places["data"]), ("",))[-1:]
        outer = self.found.get((draft.key, True, 0), ("",))[-1:]
        if any((*inner, *outer)):
            self.found[draft.key, False, places["weight"]] = (*inner, *outer)
