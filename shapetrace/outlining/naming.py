"""Words are put on the folded tree: drafts and nodes become steps and sections, with ids."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from shapetrace.language import Phrase
from shapetrace.ops.mask_spans import coarse
from shapetrace.ops.masks import rows
from shapetrace.ops.words import title_of
from shapetrace.outlining import words
from shapetrace.outlining.accounts import Accounts
from shapetrace.outlining.drafts import Draft, Ref
from shapetrace.outlining.expressions import Formulas
from shapetrace.outlining.flow import Flow
from shapetrace.outlining.memory import Memory
from shapetrace.outlining.proved import Proved
from shapetrace.outlining.ranks import Share
from shapetrace.outlining.roles import Part, Role
from shapetrace.outlining.sections import Node
from shapetrace.outlining.sizes import Names
from shapetrace.outlining.structure import Operand, Section, Step, StepKind
from shapetrace.outlining.symbol_rules import NOTHING, Symbol
from shapetrace.outlining.symbols import Place
from shapetrace.sizing.formulas import Formula, total

_OWNED_KINDS: frozenset[StepKind] = frozenset({"product", "lookup", "convolution", "norm", "add"})
_MOST_CELLS = 32
"""Rows and columns of a picture of a mask."""

_ONE_HEAD = frozenset({Role.QUERY, Role.KEY, Role.VALUE})


@dataclass(frozen=True, slots=True)
class Operands:
    """What is known of every operand, by its place.

    Attributes:
        symbols: What it is.
        sizes: Names of its sizes.
        axes: Numbers of its axes.
        proved: Formulas of its sizes, which come before their names; empty without a proof.
        costs: Costs of steps in the same names, by the number of their drafts.
        shares: What a rank has of it.
    """

    symbols: Mapping[Place, Symbol]
    sizes: Mapping[Place, Names]
    axes: Mapping[Place, tuple[int, ...]]
    proved: Mapping[Place, Proved]
    costs: Mapping[int, Formulas]
    shares: Mapping[Place, tuple[Share, ...]]

    def dims(self, where: Place) -> Names:
        """Names of the sizes of a matrix: the proved ones, or those of a pattern where nothing was proved."""
        found = self.proved.get(where)
        if found is None:
            return self.sizes.get(where, ())
        return _texts(found.shape) if any(found.shape) else ()


def operands(
    symbols: Mapping[Place, Symbol],
    sizes: Mapping[Place, Names],
    axis_ids: Mapping[Place, tuple[int, ...]],
    proved: Mapping[Place, Proved],
    costs: Mapping[int, Formulas],
    shares: Mapping[Place, tuple[Share, ...]],
) -> Operands:
    """All that is known of operands, together."""
    return Operands(symbols, sizes, axis_ids, proved, costs, shares)


def _texts(formulas: Iterable[Formula | None]) -> Names:
    return tuple("" if each is None or each.is_constant else str(each) for each in formulas)


def _in_all(items: Sequence[tuple[Formulas | None, int]]) -> Formulas | None:
    """Costs of a section: of all that it holds, each as often as it stands there."""
    known = [(each, times) for each, times in items if each is not None]
    if not known or len(known) < len(items):
        return None
    return Formulas(
        total(None if each.parameters is None else each.parameters * times for each, times in known),
        total(None if each.flops is None else each.flops * times for each, times in known),
    )


@dataclass(frozen=True, slots=True)
class _Known:
    """All that is known of a tree when words are put on it."""

    flow: Flow
    accounts: Accounts
    memory: Memory
    roles: Mapping[int, Role]
    operands: Operands


def named(
    flow: Flow, accounts: Accounts, memory: Memory, folded: Node, roles: Mapping[int, Role], operands: Operands
) -> Section:
    """The model's own section, with everything in it."""
    return _Namer(_Known(flow, accounts, memory, roles, operands)).section(folded, 1)


class _Namer:
    def __init__(self, known: _Known) -> None:
        self._known = known
        self._ids: set[str] = set()
        self._made_by: dict[tuple[int, Part], str] = {}
        self._ended_by: dict[int, str] = {}

    def section(self, node: Node, repeat: int, others: Sequence[Node] = ()) -> Section:
        """One section.

        Args:
            node: Its first member.
            repeat: The layers it stands for, itself included.
            others: The same section in the other layers that those around it stand for.
        """
        members = [*node.folded, *(member for other in others for member in (other, *other.folded))]
        items = tuple(
            self._item(item, node, repeat, [member.items[i] for member in members if i < len(member.items)])
            for i, item in enumerate(node.items)
        )
        parameters = sum(map(self._owned, node.items))
        roles = {step.role for step in items if isinstance(step, Step)}
        title = words.section_title(node, roles, self._known.flow.trace.model.name, is_loop=self._is_loop(node))
        inner = [(item.formulas, item.repeat if isinstance(item, Section) else 1) for item in items]
        return Section(node.path, title, node.kind, node.type, node.repeat, node.members, items, parameters,
                       node.is_group, _in_all(inner), node.crosses)  # fmt: skip

    def _item(self, item: Draft | Node, node: Node, repeat: int, twins: Sequence[Draft | Node]) -> Step | Section:
        """A step or a section; ``twins`` stand in its place in the other layers, those of this section first."""
        if isinstance(item, Node):
            return self.section(item, repeat * item.repeat, [twin for twin in twins if isinstance(twin, Node)])
        step = self._step(item, node, repeat, [twin for twin in twins if isinstance(twin, Draft)])
        in_all = step.parameters + sum(map(self._owned, twins))
        layers = [each for draft in (item, *twins) if isinstance(draft, Draft) for each in (draft, *draft.twins)]
        return replace(
            step,
            shared_parameters=step.parameters * repeat - in_all,
            weight_bytes=sum(self._known.memory.weights.get(draft.key, 0) for draft in layers),
            activation_bytes=sum(self._known.memory.activations.get(draft.key, 0) for draft in layers),
        )

    def _owned(self, item: Draft | Node) -> int:
        """Parameters of a step, or of all members of a section; each weight once."""
        if isinstance(item, Node):
            return sum(self._owned(inner) for member in (item, *item.folded) for inner in member.items)
        return sum(self._known.accounts.owned(member) for member in (item, *item.twins))

    def _step(self, draft: Draft, node: Node, repeat: int, twins: Sequence[Draft]) -> Step:
        known, role = self._known, self._known.roles.get(draft.key, Role.OTHER)
        path = self._path(draft)
        name = path.rpartition(".")[2] if path != node.path and draft.kind != "contraction" else ""
        title = words.title(draft, role, "" if name.isdigit() else name, self._widths(draft))
        identity = self._fresh_id(f"{node.path}/{words.slug(title)}" if node.path else words.slug(title))
        operands = tuple(self._operand(draft, place, ref) for place, ref in enumerate(draft.operands))
        also_reads = tuple(dict.fromkeys(filter(None, (self._maker(value) for value in draft.also))))
        self._make(draft, [*draft.twins, *twins], identity)
        results = tuple(self._operand(draft, place, ref, identity) for place, ref in enumerate(draft.results))
        tied = known.accounts.tied_to(draft)
        again = bool(tied) and bool(path) and tied.startswith(f"{path}.")
        members = (draft, *draft.twins)
        notes = self._notes(draft, role)
        same = twins[: len(node.folded)]
        if same and all(self._shares_weights(draft, twin) for twin in same):
            in_turns = self._is_loop(node)
            notes.append(Phrase("the same weights in every turn" if in_turns else "the same weights in every layer"))
        elif again:
            notes.append(Phrase("the same weights again"))
        return Step(
            id=identity, section=node.path, kind=draft.kind, title=title, path=path,
            operator=words.operator(draft, role, title), operands=operands, results=results, notes=tuple(notes),
            repeat=repeat, parameters=self._owned(draft),
            tied_to="" if again else tied.rpartition(".")[0] or tied, flops=draft.flops, inner=draft.inner,
            ops=tuple(sorted(op for member in members for op in member.ops)), role=role,
            function=draft.function or title_of(draft.calls), formulas=known.operands.costs.get(draft.key),
            transfer=draft.transfer, also_reads=also_reads,
        )  # fmt: skip

    def _widths(self, draft: Draft) -> tuple[int, int] | None:
        """Columns before and after a step, on all ranks together."""
        if not draft.operands or not draft.results:
            return None
        before, after = (
            next((share.whole for share in self._known.operands.shares.get((draft.key, is_result, 0), ())
                  if share.dim == len(ref.shape) - 1 and share.whole), ref.columns)
            for is_result, ref in ((False, draft.operands[0]), (True, draft.results[0]))
        )  # fmt: skip
        return before, after

    def _make(self, draft: Draft, twins: Sequence[Draft], identity: str) -> None:
        """Remember which step makes the results of a draft, and of those that it stands for."""
        for each in (draft, *twins):
            self._ended_by.update(dict.fromkeys(each.ops, identity))
            for place, ref in enumerate(each.results):
                part = self._symbol((draft.key, True, place)).part
                self._made_by[ref.value, part] = identity
                self._made_by.setdefault((ref.value, Part.OTHER), identity)

    def _maker(self, value: int, part: Part = Part.OTHER) -> str:
        """Id of the step that made a value, or that ends the operation that did; "" if no step is of it."""
        found = self._made_by.get((value, part)) or self._made_by.get((value, Part.OTHER))
        op = self._known.flow.op_of(value) if found is None and value >= 0 else None
        return found or ("" if op is None else self._ended_by.get(op.id, ""))

    def _symbol(self, place: Place) -> Symbol:
        return self._known.operands.symbols.get(place, NOTHING)

    def _is_loop(self, node: Node) -> bool:
        """Whether a section is steps of no module that repeat, and have the same weights each time or none."""
        turns = [[self._known.accounts.names(draft) for draft in each.drafts()] for each in (node, *node.folded)]
        may_turn = node.is_group and len(turns) > 1 and (node.kind == "other" or any(turns[0]))
        return may_turn and all(turn == turns[0] for turn in turns)

    def _shares_weights(self, draft: Draft, twin: Draft) -> bool:
        """Whether two layers use the same parameters: a module that runs several times."""
        names = self._known.accounts.names(draft)
        return bool(names) and names == self._known.accounts.names(twin)

    def _notes(self, draft: Draft, role: Role) -> list[Phrase]:
        notes = list(draft.notes)
        if role is Role.SPLIT_HEADS:
            notes.append(Phrase("{name}", {"name": words.symbol(self._symbol((draft.key, False, 0)))}))
        heads = [ref.stack_axes[-1] for ref in draft.operands if ref.stack > 1 and ref.origin == "weight"]
        if role is Role.GLU and len(draft.operands) == 1:
            notes.append(Phrase("activated gate ⊙ up"))
        if role in _ONE_HEAD and heads:
            notes.append(Phrase("{n} heads", {"n": heads[0]}))
        return notes

    def _path(self, draft: Draft) -> str:
        """Module that holds the weight, where the code calls the function itself (out_proj of MultiheadAttention)."""
        calls, accounts = self._known.flow.trace.calls, self._known.accounts
        path = calls[draft.call].path if calls else ""
        if draft.kind in _OWNED_KINDS and draft.weights:
            names = [name for name in accounts.names(draft) if "." in name]
            owners = {name.rpartition(".")[0] for name in names}
            if len(owners) == 1:
                owner = owners.pop()
                return path if accounts.tied_to(draft) and not owner.startswith(path) else owner
        return path

    def _operand(self, draft: Draft, place: int, ref: Ref, made_by: str = "") -> Operand:
        flow, where = self._known.flow, (draft.key, bool(made_by), place)
        what = self._symbol(where)
        if not made_by:
            made_by = self._maker(ref.value, what.part)
        seen = ref.value >= 0
        is_ids = seen and ref.value in flow.trace.inputs[:1] and len(ref.shape) <= 2
        proved = self._known.operands.proved.get(where, Proved(()))
        turned = what.part is Part.WEIGHT and what.role is Role.UNEMBED and self._is_table(ref.value)
        return Operand(
            name=words.symbol(Symbol(Part.TABLE) if turned else what), role=ref.origin, shape=ref.shape,
            stack=ref.stack, stack_axes=ref.stack_axes, dims=self._known.operands.dims(where),
            transposed=ref.transposed or turned,
            pattern=ref.pattern, slices=ref.slices, band=ref.band,  # type: ignore[arg-type]
            source=flow.facts.tensor(ref.value).name if seen else "", made_by=made_by,
            labels=flow.trace.model.tokens if is_ids else (), part=what.part, value=ref.value,
            cells=_cells(ref), axes=self._known.operands.axes.get(where, ()),
            lead=_texts(proved.lead), stack_dims=_texts(proved.stack),
            shares=self._known.operands.shares.get(where, ()), seen=ref.seen, veiled=ref.veiled,
            picks=ref.picks, weighed=ref.weighed,
        )  # fmt: skip

    def _is_table(self, value: int) -> bool:
        return self._known.flow.is_looked_up(value)

    def _fresh_id(self, wanted: str) -> str:
        name, count = wanted, 1
        while name in self._ids:
            count += 1
            name = f"{wanted}-{count}"
        self._ids.add(name)
        return name


def _cells(ref: Ref) -> tuple[str, ...]:
    """The cells that a mask lets through, coarse where they are many; () where the operand's pattern says it already.

    Of diagonals at equal distances the last corner is shown: from afar they cannot be told apart.
    """
    seen = ref.seen
    if seen is None or ref.pattern:
        return ()
    known = None if seen.cells is not None else rows(seen)
    if known is None:
        return seen.cells or ()
    if seen.kind == "dilated":  # its last corner
        n_rows, n_columns = (min(size, _MOST_CELLS) for size in seen.size)
        last = [row >> (seen.size[1] - n_columns) for row in known[-n_rows:]]
        return tuple(f"{row:0{n_columns}b}"[::-1] for row in last)
    return tuple(coarse(known, seen.size[1], _MOST_CELLS))
