"""What a forward pass ran: values, operations, module calls."""

from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

import msgspec

from shapetrace.ir.masks import Pattern
from shapetrace.ir.ranks import World
from shapetrace.ir.sizes import Sizes

Role = Literal["data", "weight", "constant"]
"""data: touched by an input. weight: a parameter, or made from parameters. constant: everything else."""

Origin = Literal["input", "parameter", "buffer", "made"]

MOST_PICKS = 16
"""Runs of indices that are kept: they tell a reader where rows come from, and are no copy of the input."""

Plain: TypeAlias = bool | int | float | str | list[Any] | None
"""A plain argument of a call: what is not a tensor, as JSON can hold it."""


class Tensor(msgspec.Struct, frozen=True, gc=False):
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
        picks: Of indices that chose rows of a table: the first of them, at most 16 runs (first, how many) of indices
            that follow each other. Empty: they chose none, or their values are unknown.
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
    picks: tuple[tuple[int, int], ...] = ()


class Kernel(msgspec.Struct, frozen=True, gc=False):
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
    args: dict[str, Plain] = msgspec.field(default_factory=dict)
    times: int = 1


class Op(msgspec.Struct, frozen=True, gc=False):
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
    attrs: dict[str, Plain] = msgspec.field(default_factory=dict)
    kernels: tuple[Kernel, ...] = ()
    line: str = ""


class Call(msgspec.Struct, frozen=True, gc=False):
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


MOST_WEIGHED = 16
"""Rows, and columns, of weights that are kept: as many as a figure shows one by one."""


@dataclass(frozen=True, slots=True)
class Weighed:
    """By which numbers a product of data and data weighs rows: those of the first matrix of its stack.

    Attributes:
        result: Tensor id of what the product made.
        rows: The numbers, from 0 to 1, to three places: one row for each that is made, in it one for each that is read.
        by: The operand that held them; right: turned, as rows of columns; inside: they never left a fused call, and
            were computed again from its queries, keys, mask and scale.
    """

    result: int
    rows: tuple[tuple[float, ...], ...]
    by: Literal["left", "right", "inside"]


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
        kept: Of a loop, the values that an earlier pass left, given or found where the model keeps them: each with a
            number for what it holds, which is another one once that was overwritten.
        numbers: What the matrices of very small products hold, row by row, where arithmetic was really done.
        weighed: By which numbers products weigh rows, where these are few and arithmetic was really done.
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
    kept: tuple[tuple[int, int], ...] = ()
    numbers: tuple[tuple[int, tuple[float, ...]], ...] = ()
    weighed: tuple[Weighed, ...] = ()
