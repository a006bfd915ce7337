"""Runs the axis rules over a whole trace: the facts that the passes read.

For every tensor: its axes in atoms, and from which products' columns it was made (through layout and
element-wise operations alone). For every kernel that multiplies: the product. All of it from recorded
operations and shapes; nothing here knows a module's or a function's class.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from shapetrace.ir import Kernel, Op, Tensor, Trace
from shapetrace.ops.atoms import AtomOrigin, Atoms, Axes
from shapetrace.ops.axis_products import ATTENTION
from shapetrace.ops.axis_rules import Cut, KernelView, base_name, outcome
from shapetrace.ops.indexing import as_slice
from shapetrace.ops.kinds import kernel_kind, op_kind
from shapetrace.ops.products import Product, is_product, over_one, products
from shapetrace.ops.written import kept_axes, writes_at_indices
from shapetrace.outlining.learned import with_learned_rows
from shapetrace.outlining.selecting import Part, Places, follow_places
from shapetrace.outlining.sources import Sources, inside, merged, union

WHOLE_NUMBERS = ("int", "uint", "bool")
"""How the dtypes of numbers begin that are places, counts or truth values."""
_LONGEST_WAY = 6
"""Views and casts between a weight and its product, at most."""

_RANK = {"input": 0, "parameter": 1, "buffer": 2}


@dataclass(slots=True)
class Facts:
    """What the analysis found.

    Attributes:
        trace: The trace it read.
        atoms: The algebra: which atoms are equal, split, sliced.
        axes: Axes by tensor id; an id not in it was never used.
        sources: Sources by tensor id.
        products: All products, in the order of execution.
        of_op: Positions in ``products`` by operation id.
        producer: Operation that made a tensor, by tensor id.
        users: Operations that read a tensor, by tensor id.
        inside: For a tensor that a kernel inside an operation only rearranged: the tensor before.
        places: For a tensor that is a part of another one: where, along the axes that it has one place of.
        parts: For a tensor that was written at such places: where, and the sources of what is there.
        untouched: For a tensor that shares memory with one that was written at other places: itself before that.
    """

    trace: Trace
    atoms: Atoms = field(default_factory=Atoms)
    axes: dict[int, Axes] = field(default_factory=dict)
    sources: dict[int, Sources] = field(default_factory=dict)
    products: list[Product] = field(default_factory=list)
    of_op: dict[int, list[int]] = field(default_factory=lambda: defaultdict(list))
    producer: dict[int, int] = field(default_factory=dict)
    users: dict[int, list[int]] = field(default_factory=lambda: defaultdict(list))
    inside: dict[int, int] = field(default_factory=dict)
    places: dict[int, Places] = field(default_factory=dict)
    parts: dict[int, tuple[Part, ...]] = field(default_factory=dict)
    untouched: dict[int, int] = field(default_factory=dict)

    def outside(self, value: int) -> int:
        """The operand of an operation behind what its kernels rearranged: ``linear`` views its input first."""
        while value in self.inside:
            value = self.inside[value]
        return value

    def tensor(self, value: int) -> Tensor:
        """A recorded value by its id."""
        return self.trace.tensors[value]

    def is_data(self, value: int) -> bool:
        """Whether a value was touched by an input."""
        return self.trace.tensors[value].role == "data"

    def is_floating(self, value: int) -> bool:
        """Whether a value holds real or complex numbers."""
        return not self.trace.tensors[value].dtype.startswith(WHOLE_NUMBERS)

    def axes_of(self, value: int) -> Axes:
        """Axes of a value; one fresh atom an axis for one that no kernel made."""
        found = self.axes.get(value)
        if found is None:
            found = self._start(self.tensor(value))
        return found

    def _start(self, tensor: Tensor) -> Axes:
        if tensor.alias_of is not None and tensor.alias_of in self.axes:
            axes = self.axes[tensor.alias_of]
            if self.atoms.shape(axes) == tensor.shape:
                self.axes[tensor.id] = axes
                return axes
        rank = _RANK.get(tensor.origin, 3)
        axes = tuple(
            self.atoms.fresh(size, AtomOrigin(f"{tensor.name}[{i}]" if tensor.name else "", rank))
            for i, size in enumerate(tensor.shape)
        )
        self.axes[tensor.id] = axes
        return axes


def analyse(trace: Trace) -> Facts:
    """Read a trace: linear in its kernels."""
    trace = with_learned_rows(trace)
    facts = Facts(trace)
    for op in trace.ops:
        for value in dict.fromkeys(op.inputs):
            facts.users[value].append(op.id)
        _read_op(facts, op)
        for value in op.outputs:
            before = facts.untouched.get(value)
            made_by = op.id if before is None else facts.producer.get(before)
            if value not in op.inputs and made_by is not None:
                facts.producer.setdefault(value, made_by)
    return facts


def _read_op(facts: Facts, op: Op) -> None:
    if op.name in ATTENTION and op.outputs and len(op.inputs) >= 3:
        _read_kernel(facts, op, Kernel(op.name, op.inputs, op.outputs[:1]))
        return
    for kernel in op.kernels:
        _read_kernel(facts, op, as_slice(op, kernel, facts.tensor(kernel.inputs[0]).shape if kernel.inputs else ()))
    if op.name == "einsum" and len(op.inputs) == 2 and not facts.of_op.get(op.id):
        _read_einsum(facts, op)
    if len(facts.of_op.get(op.id, ())) == 1 and op.outputs:  # linear views its product: the view is the result
        position = facts.of_op[op.id][0]
        if facts.products[position].out not in op.outputs:
            facts.products[position] = replace(facts.products[position], out=op.outputs[0])
    for value in op.outputs:  # results that no kernel made: the same memory, read as something else
        if value not in facts.axes and op.inputs:
            _pass_on(facts, op, value)


def _read_einsum(facts: Facts, op: Op) -> None:
    """Record the product of an ``einsum`` that ran as a multiplication: what it sums over has length one."""
    written = op.attrs.get("args")
    equation = written[0] if isinstance(written, list) and written else ""
    if not isinstance(equation, str) or len(op.outputs) != 1:
        return
    axes, shapes = map(facts.axes_of, op.inputs), [facts.tensor(value).shape for value in op.inputs]
    product = over_one(op.id, equation, (*op.inputs, *op.outputs), tuple(axes), shapes)
    if product is not None:
        facts.of_op[op.id].append(len(facts.products))
        facts.sources[op.outputs[0]] = {len(facts.products): frozenset()}
        facts.products.append(product)


def _pass_on(facts: Facts, op: Op, value: int) -> None:
    shape = facts.tensor(value).shape
    for source in op.inputs:
        if facts.tensor(source).shape == shape:
            facts.axes[value] = facts.axes_of(source)
            facts.sources[value] = facts.sources.get(source, {})
            return


def _read_kernel(facts: Facts, op: Op, kernel: Kernel) -> None:
    ins = tuple(facts.axes_of(value) for value in kernel.inputs)
    out_shapes = tuple(facts.tensor(value).shape for value in kernel.outputs)
    result = outcome(KernelView(facts.atoms, kernel, ins, out_shapes))
    if (is_product(kernel) or kernel.name in ATTENTION) and kernel.outputs:
        _record_products(facts, op, kernel, ins, out_shapes)
        if _keeps_columns(facts, kernel):  # each channel by itself: what made them is what made these
            facts.atoms.unify(result.axes[0][1], ins[0][1])
            facts.sources[kernel.outputs[0]] = facts.sources.get(kernel.inputs[0], {})
    else:
        _unify_written(facts, kernel, ins)
        _hand_on_sources(facts, kernel, result.cuts)
        if len(op.kernels) > 1 and kernel.inputs and kernel_kind(kernel.name) in ("layout", "cast"):
            before = kernel.inputs[0]
            facts.inside.update(
                (value, before) for value in kernel.outputs if value not in op.outputs and before < value
            )
    for position, (value, axes) in enumerate(zip(kernel.outputs, result.axes, strict=True)):
        whole = facts.tensor(value).alias_of if position else None  # what shares memory with a part that is written
        is_same = whole is not None and facts.tensor(whole).shape == facts.tensor(value).shape
        facts.axes[value] = facts.axes_of(whole) if whole is not None and is_same else axes
    follow_places(facts, kernel)
    if base_name(kernel.name) in ("cat", "stack") and len(kernel.inputs) > 1:
        new = {leaf for axis in result.axes[0] for leaf in facts.atoms.leaves(axis)} - {*facts.atoms.flat(sum(ins, ()))}
        for leaf in new & facts.atoms.joined.keys():
            facts.atoms.operands[leaf] = kernel.inputs


def _unify_written(facts: Facts, kernel: Kernel, ins: Sequence[Axes]) -> None:
    """What is written into a tensor has the axes of that along which it is no part; all of them if it is as large.

    At places that data tell, as many rows as there are stand in another order, or several in one place.
    """
    if len(ins) < 2 or not writes_at_indices(kernel):
        return
    by_data = any(facts.is_data(value) for value in kernel.inputs[1:-1])
    is_whole = facts.atoms.shape(ins[0]) == facts.atoms.shape(ins[-1]) and not by_data
    pairs = [*zip(ins[0], ins[-1], strict=False)] if is_whole else []
    for one, other in (*pairs, *kept_axes(kernel, ins)):
        if facts.atoms.size(one) == facts.atoms.size(other):
            facts.atoms.unify(one, other)


def _keeps_columns(facts: Facts, kernel: Kernel) -> bool:
    """Whether a kernel is a convolution of every channel by itself, with weights."""
    if "conv" not in kernel.name or len(kernel.inputs) < 2:
        return False
    data, weight = (facts.tensor(value) for value in kernel.inputs[:2])
    channels = facts.tensor(kernel.outputs[0]).shape[1:2]
    return weight.role == "weight" and weight.shape[:2] == (*channels, 1) and data.shape[1:2] == channels


def _record_products(
    facts: Facts, op: Op, kernel: Kernel, ins: Sequence[Axes], out_shapes: Sequence[tuple[int, ...]]
) -> None:
    shapes = [facts.tensor(value).shape for value in kernel.inputs]
    for found in products(op.id, kernel, ins, shapes, out_shapes):
        position = len(facts.products)
        left = None if found.left is None else facts.outside(found.left)
        product = replace(found, left=left, right=facts.outside(found.right))
        if left is not None and _is_weight_times_vectors(
            facts, product
        ):  # (f,d)×(d,1) is the row (1,d) times the weight as [in, out]
            product = replace(product, left=product.right, right=left, m=product.n, n=product.m)
        facts.products.append(product)
        facts.of_op[op.id].append(position)
        if product.out is not None:
            facts.sources[product.out] = {position: frozenset()}


def _is_weight_times_vectors(facts: Facts, product: Product) -> bool:
    """Whether matrices of a stack, chosen or not, stand left of one column each."""
    if product.form != "matmul" or product.left is None or facts.atoms.size(product.n) != 1:
        return False
    value = product.left
    for _ in range(_LONGEST_WAY):
        tensor = facts.tensor(value)
        if tensor.role == "weight":
            return len(tensor.shape) > 1 and facts.tensor(product.right).role == "data"
        producer = facts.producer.get(value)
        inputs = () if producer is None else facts.trace.ops[producer].inputs
        if producer is None or not inputs or op_kind(facts.trace.ops[producer]) not in ("layout", "cast", "index"):
            return False
        value = inputs[0]
    return False


def _hand_on_sources(facts: Facts, kernel: Kernel, cuts: Sequence[Cut | None]) -> None:
    """A result comes from all that its operands come from; what one product gives in two ways counts uncut.

    What is written into a part of a tensor comes to be in the whole: later outputs are the objects that share memory.
    """
    if kernel.outputs and facts.tensor(kernel.outputs[0]).role == "constant":
        return
    written = base_name(kernel.name) == "copy_"
    given = merged(facts.sources, kernel.inputs[1:] if written else kernel.inputs)
    is_cast = kernel_kind(kernel.name) == "cast"
    whole = [facts.tensor(value).dtype.startswith(WHOLE_NUMBERS) for value in (*kernel.inputs, *kernel.outputs)]
    counts = not is_cast and not all(whole[: len(kernel.inputs)])  # places and truth values are no columns
    for position, value in enumerate(kernel.outputs):
        if counts and whole[len(kernel.inputs) + position]:
            continue
        cut = cuts[position] if position < len(cuts) else None
        found = given
        if position and written:
            before = facts.tensor(value).alias_of
            found = union(facts.sources.get(before, {}) if before is not None else {}, given)
        if found and cut is not None:
            found = {p: on | {cut} for p, on in inside(facts.atoms, facts.sources, found, cut).items()}
        if found:
            facts.sources[value] = found
