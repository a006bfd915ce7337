"""The trace: what a forward pass ran, as plain facts.

Frozen dataclasses, standard library only. Nothing here is interpreted: meaning is the outline's.
Ids are positions: ``trace.tensors[7].id == 7``. The same model and inputs give the same trace.
"""

from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

Role = Literal["data", "weight", "constant"]
"""data: touched by an input. weight: a parameter, or made from parameters. constant: everything else."""

Origin = Literal["input", "parameter", "buffer", "made"]

Plain: TypeAlias = bool | int | float | str | list[Any] | None
"""A plain argument of a call: what is not a tensor, as JSON can hold it."""


PatternKind = Literal[
    "all", "none", "causal", "future", "window", "prefix", "blocks", "dilated", "diagonal", "off_diagonal", "columns",
    "rows", "other",
]  # fmt: skip

Span: TypeAlias = tuple[int, int, int, int, int, int, int, int]
"""A run of cells that is on in some rows: (first row, rows, start, stop, start step, stop step, count, every).

In the row that comes i after the first, columns from start + i·(start step) to before stop + i·(stop step) are on, as
far as there are such columns; and the same ``count`` times in all, each ``every`` columns further.
"""


@dataclass(frozen=True, slots=True)
class Pattern:
    """Which cells of a mask are on: true, not zero, or added as a number that hides nothing.

    The diagonal ends in the last corner: the last row and the last column meet on it, so that what was there before the
    first row (a cache) lies before it. Whether "on" means seen or hidden is for the operation that uses the mask.

    Attributes:
        kind: all, none. causal: on and before the diagonal; future: after it; window: from ``below`` columns before it
            to ``above`` after it. prefix: causal, and the first ``prefix`` columns. blocks: blocks of ``blocks``
            columns along the diagonal, full or causal. dilated: each ``step``-th diagonal from -``below`` to
            ``above``. diagonal; off_diagonal: all but the diagonal. columns: the same ``columns`` in all rows;
            rows: whole ``rows``. other: none of these.
        size: Rows and columns.
        below: Columns that are on before the diagonal; columns - 1 if all are. None where it is no band.
        above: Columns that are on after the diagonal; rows - 1 if all are.
        step: Distance of the diagonals that are on.
        prefix: Columns that are on in all rows.
        blocks: Columns of each block.
        block_rows: Rows of each block, where these are not the rows on whose diagonal its columns lie.
        causal: Whether no row has a column on that comes after its own; False for a single row.
        columns: Runs (start, stop) of the columns that have a cell on, where some that the kind has on have none:
            padding. causal with columns ((2, 6),): causal, and two columns padded.
        rows: Runs of the rows that have a cell on, where some that the kind has on have none.
        differs: Whether examples or heads have different patterns: what they do not have in common is left out, and
            the kind is other if those of some are no case of it (all columns are a case of columns, causal of blocks).
        biased: Whether what is on has different values: distances, a learned bias.
        factor: Whether what is not 0 is on in a table of floats: it is made to be multiplied with.
        cells: Each row as a text of 1 and 0, where there are at most 32 rows and columns; else None.
        spans: The cells that are on, exactly; None if that takes too many, or examples differ.
        parts: The patterns of all examples and heads in order, where they differ and are few.
        lead: Sizes of the axes before the rows, 1 where the mask is the same along one; () if nothing differs.
    """

    kind: PatternKind
    size: tuple[int, int]
    below: int | None = None
    above: int | None = None
    step: int | None = None
    prefix: int | None = None
    blocks: tuple[int, ...] = ()
    block_rows: tuple[int, ...] = ()
    causal: bool = False
    columns: tuple[tuple[int, int], ...] | None = None
    rows: tuple[tuple[int, int], ...] | None = None
    differs: bool = False
    biased: bool = False
    factor: bool = False
    cells: tuple[str, ...] | None = None
    spans: tuple[Span, ...] | None = None
    parts: tuple["Pattern", ...] = ()
    lead: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Tensor:
    """One value. A tensor changed in place is a new value with the old one as ``alias_of``.

    Attributes:
        id: Position in ``Trace.tensors``.
        shape: Sizes, outermost first; () for a scalar.
        dtype: torch's name without the prefix: ``float32``.
        role: data, weight or constant, by where it came from.
        origin: How it came to be; ``made`` for everything that the pass computed.
        name: Name of the parameter, buffer or input; empty for what was made.
        alias_of: Id of the value this one replaces or reinterprets, if any.
        band: Of a mask that is a band along the diagonal: the columns it lets a row see below and above it,
            where the last row and the last column meet on it. (511, 0): the last 512. None: no such mask, or unknown.
        pattern: Of a mask that an operation used: what is on in it. None: no mask, or its values are unknown.
    """

    id: int
    shape: tuple[int, ...]
    dtype: str
    role: Role
    origin: Origin = "made"
    name: str = ""
    alias_of: int | None = None
    band: tuple[int, int] | None = None
    pattern: Pattern | None = None


@dataclass(frozen=True, slots=True)
class Kernel:
    """What PyTorch executed: one ATen operator.

    Attributes:
        name: Qualified name with overload: ``aten.bmm.default``.
        inputs: Tensor ids in the order of the call, lists flattened, None left out.
        outputs: Tensor ids.
        args: Plain arguments by their name in the operator's schema (dims, sizes). In a list that mixes
            tensors and None (``index``), "tensor" stands for a tensor.
        times: How often it ran, each time with other values of these shapes: the steps of a recurrent layer.
    """

    name: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    args: dict[str, Plain] = field(default_factory=dict)
    times: int = 1


@dataclass(frozen=True, slots=True)
class Op:
    """One operation as its author called it.

    Attributes:
        id: Position in ``Trace.ops``.
        name: Name of the function: ``linear``, ``matmul``; ``aten.mm`` for a kernel that no call owns.
        call: Id of the Call it ran in.
        inputs: Tensor ids in the order of the call.
        outputs: Tensor ids; a value changed in place is an output.
        attrs: Plain arguments: keyword arguments by name, and named positional ones.
        kernels: What PyTorch executed for it, in order.
        line: ``file.py:12 in forward``: the line of model code that called it; empty if unknown.
    """

    id: int
    name: str
    call: int
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    attrs: dict[str, Plain] = field(default_factory=dict)
    kernels: tuple[Kernel, ...] = ()
    line: str = ""


@dataclass(frozen=True, slots=True)
class Call:
    """One execution of a module, or of a function made of several operations.

    Attributes:
        id: Position in ``Trace.calls``; call 0 is the model itself.
        path: Where the module lives in the model: ``h.0.attn``; the model itself is "".
            A function has the path of the module it ran in.
        type: Class name of the module, or name of the function.
        parent: Id of the enclosing call; None for the model.
        inputs: Tensor ids of its tensor arguments, nested ones flattened.
        outputs: Tensor ids of what it returned, nested ones flattened.
        kind: ``module`` or ``function``.
    """

    id: int
    path: str
    type: str
    parent: int | None
    inputs: tuple[int, ...] = ()
    outputs: tuple[int, ...] = ()
    kind: Literal["module", "function"] = "module"


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter or buffer that the model holds, used or not.

    Attributes:
        name: First name it is registered under.
        shape: Sizes, outermost first.
        dtype: torch's name without the prefix.
        itemsize: Bytes an element.
        aliases: Further names of the same tensor (tied weights).
        buffer: True for a buffer: state that is not counted as a parameter.
    """

    name: str
    shape: tuple[int, ...]
    dtype: str
    itemsize: int
    aliases: tuple[str, ...] = ()
    buffer: bool = False


@dataclass(frozen=True, slots=True)
class Failure:
    """The exception that ended the pass.

    Attributes:
        type: Class name of the exception.
        message: Its text.
        call: Id of the call that was running.
        op: Name of the function that raised; empty if the model's own code did.
        inputs: Tensor ids of that function's operands.
        attrs: Its plain arguments.
        line: Line of the user's own code: ``file.py:12 in forward``.
    """

    type: str
    message: str
    call: int
    op: str = ""
    inputs: tuple[int, ...] = ()
    attrs: dict[str, Plain] = field(default_factory=dict)
    line: str = ""


@dataclass(frozen=True, slots=True)
class Model:
    """What was traced.

    Attributes:
        name: Name for people: ``GPT-2 small``, or the class name.
        settings: Facts to print beside it, in order: ``{"layers": 12, "d_model": 768}``.
        device: Device type of the pass: ``meta``, ``cpu``, ``cuda``.
        tokens: Words or ids to write beside the rows of the first input; empty if unknown.
    """

    name: str
    settings: dict[str, Plain] = field(default_factory=dict)
    device: str = ""
    tokens: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Refusal:
    """A variation that told nothing.

    Attributes:
        symbol: Symbol of the size that was varied: ``h_kv``.
        entry: What that is of the model or its input: ``num_key_value_heads``.
        reason: What the model said, or what came out different.
    """

    symbol: str
    entry: str
    reason: str


@dataclass(frozen=True, slots=True)
class Range:
    """Between which sizes of the input the names of a pass hold; every bound was found by running the model.

    Attributes:
        symbol: Symbol of the size: ``T``.
        least: The smallest size; None if 1 holds too, or nobody knows.
        most: The largest size; None if none was found among those that were tried.
        below: What the model said to a smaller one, or what came out different.
        beyond: The same of a larger one.
    """

    symbol: str
    least: int | None = None
    most: int | None = None
    below: str = ""
    beyond: str = ""


@dataclass(frozen=True, slots=True)
class Sizes:
    """Sizes by name, proved: the model ran at other sizes, and every formula gave every one of them.

    Attributes:
        symbols: Value of each symbol in this pass: ``{"B": 1, "T": 1024, "d_model": 768}``.
        entries: What each symbol is: an axis of an input (``input_ids[1]``), an entry of the configuration
            (``n_embd``), or the formula of others that it stands for (``d_model/h``).
        formulas: Different formulas, as text: ``("B", "T", "2·T−1")``.
        axes: By tensor id, for each axis the position of its formula; -1 where there is none.
        parameters: The same, by position in ``Trace.parameters``.
        refused: Variations that the model refused, or that gave other operations.
        samples: Values of the symbols in every pass that was compared, the named one first.
        inputs: Symbols of sizes of the input.
        is_counted: Whether every pass that was compared makes the same products and data, only of other sizes: sums
            over operations have formulas.
        ranges: Sizes of the input beyond which the names do not hold.
    """

    symbols: dict[str, int]
    entries: dict[str, str]
    formulas: tuple[str, ...]
    axes: tuple[tuple[int, ...], ...]
    parameters: tuple[tuple[int, ...], ...]
    refused: tuple[Refusal, ...] = ()
    samples: tuple[dict[str, int], ...] = ()
    inputs: tuple[str, ...] = ()
    is_counted: bool = True
    ranges: tuple[Range, ...] = ()


@dataclass(frozen=True, slots=True)
class Placement:
    """How a tensor lies along one axis of a mesh of ranks.

    Attributes:
        axis: Name of the mesh's axis: ``tp``; its number where it has none.
        ranks: How many ranks stand along it.
        kind: shard: each has a part. replicate: each has all. partial: each has a summand, and nobody the sum.
        dim: Of a shard: the axis of the tensor that is cut; -1 elsewhere.
        pieces: Of a shard: how many runs of that axis are cut, each by itself: 2 where gate and up are stacked.
    """

    axis: str
    ranks: int
    kind: Literal["shard", "replicate", "partial"]
    dim: int = -1
    pieces: int = 1


@dataclass(frozen=True, slots=True)
class Layout:
    """How a tensor lies on the ranks. The trace holds the part of one rank.

    Attributes:
        value: Tensor id; -1 for a parameter that the pass never met.
        name: Of a parameter or buffer: its first name; empty for what was made.
        shape: Sizes of the whole tensor.
        placements: One an axis of the mesh that it lies on.
    """

    value: int
    name: str
    shape: tuple[int, ...]
    placements: tuple[Placement, ...]


@dataclass(frozen=True, slots=True)
class World:
    """The ranks that a pass was one of.

    Attributes:
        rank: The rank whose part was recorded.
        size: Ranks in all.
        mesh: Names and sizes of the mesh's axes, outermost first.
        layouts: How its parameters and values lie on the ranks, as the engine says.
        place: Where the rank stands along each axis of the mesh, counted from 0.
        parameters: Elements of all parameters of the model, where a rank has a stage of its layers; 0 elsewhere.
    """

    rank: int
    size: int
    mesh: tuple[tuple[str, int], ...] = ()
    layouts: tuple[Layout, ...] = ()
    place: tuple[tuple[str, int], ...] = ()
    parameters: int = 0


@dataclass(frozen=True)
class Trace:
    """One recorded forward pass.

    Attributes:
        model: What was traced.
        inputs: Tensor ids of the model's inputs.
        outputs: Tensor ids of its outputs.
        tensors: Every value, by id.
        ops: Every operation, in the order of execution.
        calls: Every module call, parents before children.
        parameters: Every parameter and buffer of the model.
        versions: Versions of the libraries that ran.
        failure: The exception that ended the pass, if one did.
        sizes: Names of all sizes, if the model was also run at others.
        world: The ranks that it is one of; None for a pass of one machine.
    """

    model: Model
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    tensors: tuple[Tensor, ...]
    ops: tuple[Op, ...]
    calls: tuple[Call, ...]
    parameters: tuple[Parameter, ...]
    versions: dict[str, str] = field(default_factory=dict)
    failure: Failure | None = None
    sizes: Sizes | None = None
    world: World | None = None
