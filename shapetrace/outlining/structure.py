"""The outline: what a trace means. Sections hold steps; steps hold named operands.

Frozen dataclasses, standard library only. Titles and notes are English here; formats translate them.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from shapetrace.failing.structure import Explanation
from shapetrace.ir import Model, Pattern, Trace
from shapetrace.ir import Role as Origin
from shapetrace.language import Phrase
from shapetrace.outlining.counts import Coverage, Totals
from shapetrace.outlining.equation import equation
from shapetrace.outlining.expressions import Formulas
from shapetrace.outlining.kept import Cache
from shapetrace.outlining.lanes import Positions
from shapetrace.outlining.ranks import Ranks, Share, Transfer
from shapetrace.outlining.roles import Part, Role

StepKind = Literal[
    "lookup",  # [T] → rows of [V,d] → [T,d]
    "product",  # data × weight
    "scores",  # Q Kᵀ
    "softmax",
    "weighted_sum",  # A V
    "contraction",  # data × data that is no attention
    "convolution",
    "split",  # one axis becomes heads
    "concat",  # pieces side by side
    "residual",  # data + older data
    "add",
    "multiply",
    "norm",
    "activation",
    "position",  # rotary and the like
    "pointwise",  # element-wise, not further named
    "select",  # rows or columns taken out
    "route",  # top-k, sort, one-hot: which expert
    "reduce",
    "algebra",  # a matrix solved, inverted or taken apart
    "collective",  # ranks talk: sums, parts put together, parts handed out
    "unknown",  # an operation that no pass knows, with its shapes
]

WINDOW = "window of {n}"
"""The note of scores of which a row sees a band."""

SectionKind = Literal["model", "embedding", "block", "attention", "mlp", "experts", "unembedding", "other"]


@dataclass(frozen=True, slots=True)
class Operand:
    """One rectangle: a matrix, or a stack of equal matrices.

    Attributes:
        name: ``X``, ``K``, ``W_Q``; what follows an underscore is a subscript. Empty if it has no name.
        role: data, weight or constant.
        shape: Sizes of one matrix of the stack as people write them (leading axes of size 1 left out).
        stack: Number of equal matrices: heads, experts, batch times heads.
        stack_axes: The sizes that make the stack, outermost first: (4, 12) for a batch of 4 and 12 heads.
        dims: Names of the sizes in ``shape`` where known ("T", "d_model", "d_head"), "" elsewhere.
        transposed: True if it is drawn turned: K as Kᵀ. ``shape`` is already the turned one.
        pattern: "causal" for causal scores, "band" for those of a window, "slices" for pieces side by side.
        slices: Number of pieces side by side, with pattern "slices".
        band: Columns that a row sees below and above the diagonal, with pattern "band": (511, 0) for the last 512.
        source: Parameter, buffer or input name it comes from; empty for computed values.
        made_by: Id of the step that computed it, or that ends the operation that did; empty if none did.
        labels: Words to write beside its rows (tokens); empty if unknown.
        part: What it is in its step: the fact that its name was made from.
        axes: A number for each axis of ``shape``: the same number is the same axis, wherever it occurs; -1: unknown.
        cells: Of scores under a mask that is no triangle or band: each row as a text of 1 (seen) and 0, where there
            are few; () elsewhere.
        value: Id of the value: the same wherever it occurs; -1 for what exists inside a fused call alone.
        lead: Names of axes of size 1 that are left out of ``shape`` and are larger for other inputs: ("B",).
        stack_dims: Names of the sizes in ``stack_axes`` where known: ("h",).
        shares: What this rank has of it, where the pass is one of several ranks and it has not all.
        seen: Of scores: which of them a mask lets through; None where it hides none, or nobody knows.
        veiled: Of scores: whether a mask may hide some, and nobody knows which.
        picks: Of a table: the rows that are looked up, as runs (first, how many): those of the first ids; empty where
            nobody knows.
        weighed: Of attention weights: the numbers of the first matrix of the stack, from 0 to 1, row by row, where
            they are few and were really computed; () elsewhere.
    """

    name: str
    role: Origin
    shape: tuple[int, ...]
    stack: int = 1
    stack_axes: tuple[int, ...] = ()
    dims: tuple[str, ...] = ()
    transposed: bool = False
    pattern: Literal["", "causal", "band", "slices"] = ""
    slices: int = 0
    band: tuple[int, int] | None = None
    source: str = ""
    made_by: str = ""
    labels: tuple[str, ...] = ()
    part: Part = Part.OTHER
    value: int = -1
    cells: tuple[str, ...] = ()
    axes: tuple[int, ...] = ()
    lead: tuple[str, ...] = ()
    stack_dims: tuple[str, ...] = ()
    shares: tuple[Share, ...] = ()
    seen: Pattern | None = field(default=None, repr=False)
    veiled: bool = False
    picks: tuple[tuple[int, int], ...] = ()
    weighed: tuple[tuple[float, ...], ...] = field(default=(), repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class Step:
    """One row: operands, an operator, results.

    Attributes:
        id: Stable and unique in the outline: ``h.0.attn/query``.
        section: Path of its section: ``h.0.attn``; "" for the model itself.
        kind: What sort of step it is.
        title: ``Query``, ``Scores``, ``LayerNorm``.
        path: Module path: ``h.0.attn.c_attn``.
        operator: ``×`` between the operands of a product, ``+``, ``⊙``; for kinds with one operand
            the name of the function: ``softmax``, ``GELU``.
        operands: Left to right, as the equation is read.
        results: Usually one.
        notes: A few words that teach.
        repeat: Number of folded layers this step stands for.
        parameters: Parameters of one layer's step, all heads; a weight used again later (tied) counts 0.
        shared_parameters: What ``parameters`` × ``repeat`` counts too often: weights that several of its layers share.
        tied_to: Name of the parameter this step's weight is tied to, if it is counted elsewhere.
        flops: FLOPs of one layer's step, all heads (2 per multiply-add); None if not counted.
        inner: For products: position of the contracted axis in the first and in the second operand's shape.
        ops: Ids of the operations of the first layer that this step draws.
        role: What it is for: the fact that its title was made from.
        function: What it computes, where that has a name: ``GELU``, ``RMSNorm``; else the sorts of its operations.
        weight_bytes: Bytes of the parameters of all layers that it stands for, each counted once.
        activation_bytes: Bytes of the data that its operations make in all these layers.
        formulas: Parameters and FLOPs of one layer's step in named sizes; None without a proof.
        transfer: Of a collective: what it moves.
        also_reads: Ids of the steps that computed what it reads and no operand shows: the other pieces of a stack.
    """

    id: str
    section: str
    kind: StepKind
    title: str
    path: str
    operator: str
    operands: tuple[Operand, ...]
    results: tuple[Operand, ...]
    notes: tuple[Phrase, ...] = ()
    repeat: int = 1
    parameters: int = 0
    tied_to: str = ""
    flops: int | None = None
    inner: tuple[int, int] | None = None
    ops: tuple[int, ...] = ()
    role: Role = Role.OTHER
    shared_parameters: int = 0
    function: str = ""
    weight_bytes: int = 0
    activation_bytes: int = 0
    formulas: Formulas | None = None
    transfer: Transfer | None = None
    also_reads: tuple[str, ...] = ()

    @property
    def flops_in_all(self) -> int:
        """FLOPs of all layers that it stands for; 0 if not counted."""
        return (self.flops or 0) * self.repeat

    @property
    def parameters_in_all(self) -> int:
        """Parameters of all layers that it stands for, each counted once."""
        return self.parameters * self.repeat - self.shared_parameters

    @property
    def equation(self) -> str:
        """The step as people write it: ``[1024,768]×[768,64]→[1024,64]``."""
        return equation(self)


@dataclass(frozen=True, slots=True)
class Section:
    """A group of steps: the model, a block, attention.

    Attributes:
        path: Module path of the first folded member: ``h.0.attn``; "" for the model; a group that is no
            module has a word in angle brackets: ``<embedding>``.
        title: ``Block``, ``Attention``, ``Embedding``.
        kind: What it holds.
        type: Class name of the module, empty for a group.
        repeat: Number of equal siblings folded into it.
        members: Paths of the folded siblings, the first included: ``("h.0", "h.1", ...)``.
        items: Steps and sections, in the order of execution.
        parameters: Parameters of one member, counted once each.
        is_group: True for a group of steps that is no module of the model.
        formulas: Parameters and FLOPs of one member in named sizes; None without a proof.
        crosses: True for attention that reads keys and values of another sequence.
    """

    path: str
    title: str
    kind: SectionKind
    type: str
    repeat: int
    members: tuple[str, ...]
    items: tuple["Step | Section", ...]
    parameters: int = 0
    is_group: bool = False
    formulas: Formulas | None = None
    crosses: bool = False

    @property
    def module(self) -> str:
        """Path of the module that it is; empty for a group that is none."""
        return "" if self.is_group else self.path

    @property
    def spoken(self) -> str:
        """Its path as people type it: that of a group without the brackets that mark it."""
        return self.path.replace("<", "").replace(">", "") if self.is_group else self.path

    @property
    def window(self) -> Phrase | None:
        """What tells a block from its neighbours that look further: the window of its attention."""
        if self.kind != "block" or any(isinstance(item, Section) and item.kind == "block" for item in self.items):
            return None
        scores = (step.results[0] for step in self.steps() if step.kind == "scores")
        bands = (each.band for each in scores if each.band is not None and each.band[0] + 1 < each.shape[-1])
        band = next(bands, None)
        return None if band is None else Phrase(WINDOW, {"n": sum(band) + 1})

    def steps(self) -> Iterator[Step]:
        """All steps in it and below, in order."""
        for item in self.items:
            if isinstance(item, Step):
                yield item
            else:
                yield from item.steps()

    def sections(self) -> Iterator["Section"]:
        """This section and all below, outer before inner."""
        yield self
        for item in self.items:
            if isinstance(item, Section):
                yield from item.sections()


@dataclass(frozen=True, slots=True)
class Outline:
    """What a trace means.

    Attributes:
        model: What was traced.
        root: The model's own section, path "".
        totals: Costs of the whole pass.
        coverage: Where every operation went.
        failure: One line that says how the pass ended early, or "".
        explained: Why it did, if it did.
        failed: Recognisers that could not read this pass: what they know of is drawn as plain steps.
        cache: What a causal decoder keeps of each token; None for what cannot keep any.
        first_step: Number of its first step: more than 1 for a part of a whole, whose numbers it keeps.
        trace: What it was read from, for those who show the recorded operations too; None if that is not at hand.
        formulas: Costs of the whole pass in proved names; None without a proof.
        ranks: What the pass is of one of all ranks; None for a pass of one machine.
        positions: Where each position of the input is in every value.
        axis_parts: The numbers of the axes that an axis is made of, by its own: of rows with k experts each.
        appended: Values to which rows are put, as the pass found them: in all layers, also in those that are folded.
    """

    model: Model
    root: Section
    totals: Totals
    coverage: Coverage
    failure: str = ""
    explained: Explanation | None = None
    failed: tuple[str, ...] = ()
    cache: Cache | None = None
    first_step: int = 1
    trace: Trace | None = field(default=None, repr=False, compare=False)
    formulas: Formulas | None = None
    ranks: Ranks | None = None
    positions: Positions = field(default=Positions(), repr=False)
    appended: frozenset[int] = field(default=frozenset(), repr=False, compare=False)
    axis_parts: Mapping[int, tuple[int, ...]] = field(default_factory=dict, repr=False, compare=False)

    def steps(self) -> Iterator[Step]:
        """All steps, in order; a folded layer's steps once."""
        return self.root.steps()

    def numbers(self) -> dict[str, int]:
        """The number of each step by its id: counted from 1 in the order of the whole."""
        return {step.id: number for number, step in enumerate(self.steps(), self.first_step)}
