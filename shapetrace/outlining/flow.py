"""How values move: which operation really computed a value, and who really reads it.

Views, casts and dropout in eval mode hand a value on: they are edges, not steps.
"""

from collections import defaultdict
from collections.abc import Container, Hashable, Iterator, Mapping
from functools import cached_property

from shapetrace.ir import Op, Trace
from shapetrace.ops.kinds import OpKind, has, is_factory, names_of, op_kind
from shapetrace.ops.products import Product
from shapetrace.outlining.analysis import Facts
from shapetrace.outlining.edges import Edges
from shapetrace.outlining.talk import Talk
from shapetrace.outlining.usage import left_unread, work_by_row, writes_numbers

_FEW_OPERATIONS = 40
_SMALL_KINDS: frozenset[OpKind] = frozenset({"pointwise", "cast", "layout", "cat", "index"})


class Flow:
    """Answers about one trace; computed once, linear in its operations.

    Attributes:
        facts: The analysis it builds on.
        kinds: Kind of every operation, by id.
        edges: Why an operation is an edge and no step, by id: ``views``, ``casts``, ``dropouts``; "" for a step.
        readers: Operations that are steps and read a value, behind all edges, by the value's root.
        outputs: Roots of the model's outputs.
        talk: What is laid out around collectives.
        named: What runs of operations compute, by their form: equal layers are asked once.
    """

    def __init__(self, facts: Facts) -> None:
        self.facts = facts
        self.trace: Trace = facts.trace
        self.kinds: list[OpKind] = [self._kind(op) for op in self.trace.ops]
        self.talk = Talk(facts, self.kinds)
        self._roots: dict[int, int] = {}
        self._trigonometric: dict[int, bool] = {}
        self._handing = Edges(facts, self.kinds, self.talk)
        self.edges = [self._handing.why(op) for op in self.trace.ops]
        self.readers: dict[int, list[int]] = defaultdict(list)
        for op in self.trace.ops:
            if not self.edges[op.id] and not is_factory(op):
                for value in dict.fromkeys(self.root(value) for value in op.inputs):
                    self.readers[value].append(op.id)
        self.outputs = {self.root(value) for value in self.trace.outputs}
        self._kernels: dict[tuple[int, ...], frozenset[str]] = {}
        self.named: dict[Hashable, tuple[str, str, str]] = {}
        self._edges_of: dict[int, list[Op]] = defaultdict(list)
        for op in self.trace.ops:
            if self.edges[op.id] and op.outputs:
                self._edges_of[self.root(op.outputs[0])].append(op)

    def _kind(self, op: Op) -> OpKind:
        """Its kind by its kernels; a multiplication may be a product, and numbers written in places a mask."""
        kind = op_kind(op)
        if self.facts.of_op.get(op.id):
            return "product"
        return "pointwise" if kind == "route" and writes_numbers(self.facts, op) else kind

    def chosen_table(self, value: int) -> Op | None:
        """The operation that took a factor out of a stack of matrices by computed indices: rows meet their experts."""
        op = self.op_of(value)
        if op is None or self.kinds[op.id] not in ("index", "lookup") or not op.inputs:
            return None
        table = self.facts.tensor(op.inputs[0])
        is_table = table.role == "weight" and not self.facts.sources.get(op.inputs[0])  # no keys of a constant
        return op if is_table and len(table.shape) >= 3 else None

    @cached_property
    def projections(self) -> tuple[Product, ...]:
        """Products with weights; those of values that are both computed from weights alone are none: latents attend."""
        facts = self.facts
        return tuple(
            p
            for p in facts.products
            if p.left is not None
            and facts.tensor(p.right).role == "weight"
            and (self.is_data(p.left) or not facts.sources.get(p.right))
        )

    @cached_property
    def columns(self) -> frozenset[int]:
        """Atoms of the columns of all projections (data with weights), of pieces of them, and of those joined.

        Columns that count what the rows count are none: distances between positions, each with its own weights.
        """
        atoms = self.facts.atoms
        found = {
            leaf for p in self.projections for leaf in {*atoms.leaves(p.n)}.difference(atoms.flat((*p.batch, p.m)))
        }
        for atom in sorted({*atoms.pieces, *atoms.joined}):
            piece, parts = atoms.pieces.get(atom), atoms.joined.get(atom, ())
            is_cut = piece is not None and not found.isdisjoint(atoms.leaves(piece.whole))
            if is_cut or (any(parts) and all(part and found.issuperset(atoms.leaves(part)) for part in parts)):
                found.update(atoms.leaves((atom,)))
        return frozenset(found)

    def is_over_columns(self, product: Product) -> bool:
        """Whether a product sums over columns of projections, and not over rows."""
        return not self.columns.isdisjoint(self.facts.atoms.leaves(product.k))

    @cached_property
    def token_tables(self) -> frozenset[int]:
        """Tables whose rows an input chooses somewhere: what the model writes, it reads there again."""
        found = set()
        for op in self.trace.ops:
            if self.kinds[op.id] == "lookup":
                roots = {self.root(value) for value in op.inputs}
                if any(self.facts.tensor(v).origin == "input" for v in roots if not self.is_floating(v)):
                    found |= {value for value in roots if self.is_floating(value)}
        return frozenset(found)

    @cached_property
    def multiplied(self) -> frozenset[int]:
        """Values in which a product has a part, near or far."""
        found: set[int] = set()
        for op in self.trace.ops:
            if self.kinds[op.id] == "product" or not found.isdisjoint(op.inputs):
                found.update(op.outputs)
        return frozenset(found)

    @cached_property
    def by_row(self) -> frozenset[int]:
        """Operations that work row by row; one with a mean in it does if it is a norm, as its shapes say."""
        return work_by_row(self.facts, self.kinds)

    @cached_property
    def unread(self) -> frozenset[int]:
        """Operations of PyTorch's own functions that no product is among and that nothing reads: of no use here."""
        return left_unread(self.facts, self.kinds)

    def is_looked_up(self, value: int) -> bool:
        """Whether ids choose rows of a value."""
        return value in self._tables

    @cached_property
    def _tables(self) -> set[int]:
        lookups = (op for op in self.trace.ops if self.kinds[op.id] == "lookup")
        return {self.root(value) for op in lookups for value in op.inputs if self.is_floating(value)}

    @cached_property
    def tables_by_ids(self) -> Mapping[int, set[int]]:
        """The tables of which a value chooses rows, by the value's root."""
        found = defaultdict[int, set[int]](set)
        for op in self.trace.ops:
            if self.kinds[op.id] == "lookup":
                for value in op.inputs:
                    found[self.root(value)].add(self.table_of(op))
        return found

    def table_of(self, op: Op) -> int:
        """The table of a lookup; -1 if it holds no numbers that are computed with."""
        return next((self.root(value) for value in op.inputs if self.is_floating(value)), -1)

    @cached_property
    def module_of(self) -> list[int]:
        """The module call that each operation belongs to, functions left out."""
        return [self.nearest_module(op.call) for op in self.trace.ops]

    def nearest_module(self, call: int) -> int:
        """A call, or the module call around a function's."""
        while self.trace.calls and self.trace.calls[call].kind == "function":
            call = self.trace.calls[call].parent or 0
        return call

    def edges_of(self, root: int) -> list[Op]:
        """The edges that hand on a value, in order."""
        return self._edges_of.get(root, [])

    def root(self, value: int) -> int:
        """The value behind all edges: what a step computed, an input, a weight or a constant."""
        path = []
        while (found := self._roots.get(value)) is None:
            path.append(value)
            producer = self.facts.producer.get(value)
            is_edge = producer is not None and bool(self.edges[producer])
            before = self._handing.handed_on(self.trace.ops[producer or 0], value) if is_edge else value
            before = self.facts.untouched.get(value, before)
            if before >= value:  # operands are older than results; anything else is no hand-on
                found = value
                break
            value = before
        for passed in path:
            self._roots[passed] = found
        return found

    def forms(self, value: int) -> list[int]:
        """A value and what it was before each edge, back to its root."""
        chain, root = [value], self.root(value)
        while chain[-1] != root:
            same = self.facts.untouched.get(chain[-1])
            made_by = self.facts.producer.get(chain[-1], 0)
            chain.append(self._handing.handed_on(self.trace.ops[made_by], chain[-1]) if same is None else same)
        return chain

    def op_of(self, value: int) -> Op | None:
        """The operation that computed a value, behind all edges."""
        producer = self.facts.producer.get(self.root(value))
        return None if producer is None else self.trace.ops[producer]

    def is_data(self, value: int) -> bool:
        """Whether a value was touched by an input."""
        return self.facts.is_data(value)

    def is_weight(self, value: int) -> bool:
        """Whether a value is a parameter, or was made of parameters alone."""
        return self.facts.tensor(value).role == "weight"

    def is_floating(self, value: int) -> bool:
        """Whether a value holds real or complex numbers."""
        return self.facts.is_floating(value)

    def kernels(self, ops: tuple[int, ...]) -> frozenset[str]:
        """Names of all kernels of a step, which may have thousands of operations and many askers."""
        if ops not in self._kernels:
            self._kernels[ops] = frozenset(name for op in ops for name in names_of(self.trace.ops[op].kernels))
        return self._kernels[ops]

    def behind(
        self, value: int, through: frozenset[OpKind], *, stops: Container[int] = (), most: int = 64
    ) -> Iterator[tuple[Op, list[int]]]:
        """Walk back from a data value through operations of some kinds, but for those in ``stops``.

        Yields:
            Each operation at which the walk stops, with the steps passed on the way there.
        """
        seen: set[int] = set()
        queue: list[tuple[int, list[int]]] = [(self.root(value), [])]
        while queue and len(seen) < most:
            current, passed = queue.pop(0)
            op = self.op_of(current)
            if op is None or op.id in seen:
                continue
            seen.add(op.id)
            if self.kinds[op.id] in through and op.id not in stops:
                inputs = [self.root(v) for v in op.inputs if self.is_data(v) or self.facts.sources.get(v)]
                queue += [(v, [*passed, op.id]) for v in dict.fromkeys(inputs)]
            else:
                yield op, passed

    def is_angle(self, value: int) -> bool:
        """Whether a value was made of sines or cosines by small operations alone, also of positions that were given."""
        stack, seen = [value], set[int]()
        while stack and len(seen) < _FEW_OPERATIONS:
            producer = self.facts.producer.get(stack.pop())
            if producer is None or producer in seen or self.kinds[producer] not in _SMALL_KINDS:
                continue
            seen.add(producer)
            if {"cos", "sin", "polar"} & set(names_of(self.trace.ops[producer].kernels)):
                return True
            stack += self.trace.ops[producer].inputs
        return False

    def is_trigonometric(self, value: int) -> bool:
        """Whether a constant comes from sines and cosines: a position table."""
        stack = [value]
        while stack:
            current = stack[-1]
            producer = self.facts.producer.get(current)
            op = None if producer is None else self.trace.ops[producer]
            before = [] if op is None else [v for v in op.inputs if v < current]
            waiting = [v for v in before if v not in self._trigonometric]
            if waiting and current not in self._trigonometric:
                stack += waiting
                continue
            turns = op is not None and has(op, "angle")
            self._trigonometric.setdefault(current, turns or any(self._trigonometric[v] for v in before))
            stack.pop()
        return self._trigonometric[value]

    def is_table(self, value: int) -> bool:
        """Whether a weight has a row for each position: learned as such, or taken out of a table by rows counted.

        Its rows are several, and no columns of a product: shifts and scales stand side by side as columns do. A table
        of fewer rows than there are positions counts something else: types of tokens.
        """
        op, tensor = self.op_of(value), self.facts.tensor(self.root(value))
        axes = self.facts.axes_of(value)
        if tensor.origin == "parameter" and len(tensor.shape) > 1:
            rows = set(self.facts.atoms.leaves(axes[-2])) if len(axes) > 1 else set()
            return bool(rows) and not rows & self.columns
        if op is None or len(tensor.shape) < 2 or self.kinds[op.id] not in ("lookup", "index"):
            return False
        read = (self.facts.tensor(v).shape for v in op.inputs if self.is_floating(v))
        return any(shape[0] >= tensor.shape[-2] for shape in read if shape)

    def ancestors(self, value: int, since: int = -1) -> set[int]:
        """Operations that a value was computed from, no further back than operation ``since``."""
        seen: set[int] = set()
        stack = [value]
        while stack:
            producer = self.facts.producer.get(stack.pop())
            if producer is not None and producer > since and producer not in seen:
                seen.add(producer)
                stack.extend(self.trace.ops[producer].inputs)
        return seen
