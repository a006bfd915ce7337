"""Trace → Outline: runs the passes and writes the result down."""

import re
from collections.abc import Sequence

from shapetrace.failing import explanation
from shapetrace.ir import Trace
from shapetrace.outlining.analysis import analyse
from shapetrace.outlining.costing import Accounts, totals
from shapetrace.outlining.crossing import contexts, name_sides
from shapetrace.outlining.dims import name_dims
from shapetrace.outlining.drafting import Plan, count_reasons, plan
from shapetrace.outlining.drafts import Draft, Ref, base_of
from shapetrace.outlining.flow import Flow
from shapetrace.outlining.folding import fold
from shapetrace.outlining.gathering import gather
from shapetrace.outlining.roles import Part, Role
from shapetrace.outlining.routing import join_routes
from shapetrace.outlining.structure import Coverage, Note, Operand, Outline, Section, SectionKind, Step
from shapetrace.outlining.symbols import Symbols
from shapetrace.outlining.titling import give_titles
from shapetrace.outlining.tree import Node, build_tree

_TITLES: dict[SectionKind, str] = {
    "embedding": "Embedding", "attention": "Attention", "mlp": "MLP", "experts": "Experts",
    "unembedding": "Unembedding", "block": "Block",
}  # fmt: skip

_ROLES = {
    "Query": Role.QUERY, "Key": Role.KEY, "Value": Role.VALUE, "Key, Value": Role.KEY_VALUE,
    "Query, Key, Value": Role.QUERY_KEY_VALUE, "Output": Role.OUT_PROJ, "Gate": Role.GATE, "Up": Role.UP,
    "Gate and up": Role.GATE_UP, "Down": Role.DOWN, "Expand": Role.EXPAND, "Shrink": Role.SHRINK,
    "Router": Role.ROUTER, "Compress": Role.LATENT_DOWN, "Unembedding": Role.UNEMBED, "Head": Role.HEAD,
    "Recurrent": Role.RECURRENT, "Low-rank down": Role.ADAPTER_DOWN, "Low-rank up": Role.ADAPTER_UP,
    "Choose experts": Role.CHOOSE_EXPERTS, "Combine experts": Role.COMBINE_EXPERTS, "Concat heads": Role.CONCAT_HEADS,
    "Split heads": Role.SPLIT_HEADS, "Position": Role.POSITION,
}  # fmt: skip
_ROLE_OF_KIND: dict[str, Role] = {
    "lookup": Role.LOOKUP, "scores": Role.SCORES, "weighted_sum": Role.WEIGHTED_SUM, "residual": Role.RESIDUAL,
    "norm": Role.NORM, "activation": Role.ACTIVATION, "position": Role.POSITION,
}  # fmt: skip
_PARTS = {
    "ids": Part.IDS, "E": Part.TABLE, "P": Part.POSITIONS, "X": Part.STREAM, "C": Part.CONTEXT, "x": Part.SELECTED,
    "Q": Part.QUERY, "K": Part.KEY, "V": Part.VALUE, "KV": Part.KEY_VALUE, "QKV": Part.QUERY_KEY_VALUE,
    "S": Part.SCORES, "A": Part.ATTENTION_WEIGHTS, "Z": Part.HEADS, "O": Part.ATTENTION, "H": Part.HIDDEN,
    "G": Part.GATE, "U": Part.UP, "GU": Part.GATE_UP, "M": Part.FEED_FORWARD, "R": Part.ROUTING, "W": Part.WEIGHT,
    "w": Part.BIAS, "logits": Part.LOGITS, "Y": Part.PRODUCT,
}  # fmt: skip


def outline(trace: Trace, *, fused: bool = False) -> Outline:
    """Read what a trace means.

    Args:
        trace: A recorded pass, also one that failed on its way.
        fused: True to show products as the code runs them, not one small product a head.

    Returns:
        Sections with steps; every operation of the trace is drawn, folded or elided with a reason.
    """
    flow = Flow(analyse(trace))
    found = plan(flow, fused=fused)
    tree = build_tree(trace, found.drafts)
    give_titles(flow, tree)
    join_routes(tree)
    gather(tree)
    drafts = list(tree.drafts())
    accounts = Accounts(flow)
    accounts.claim(drafts)
    counts = totals(flow, accounts, drafts)
    fold(trace, tree, accounts)
    symbols = Symbols(flow, found.attentions)
    encoded = contexts(flow, tree)
    name_sides(tree, encoded)
    symbols.name(tree, encoded)
    name_dims(flow, found.attentions, tree)
    root = _Writer(flow, accounts).section(tree, 1)
    return Outline(
        trace.model,
        root,
        counts,
        _coverage(trace, found, root),
        _failure(trace),
        explanation(trace),
    )


def _coverage(trace: Trace, found: Plan, root: Section) -> Coverage:
    steps = list(root.steps())
    drawn = {op for step in steps for op in step.ops}
    unknown = {op for step in steps if step.kind == "unknown" for op in step.ops}
    total = len(trace.ops)
    elided = len(found.elided)
    return Coverage(total, len(drawn), total - len(drawn) - elided, elided, len(unknown),
                    count_reasons(found.elided.values()))  # fmt: skip


def _failure(trace: Trace) -> str:
    failure = trace.failure
    if failure is None:
        return ""
    where = f" at {failure.line}" if failure.line else ""
    return f"{failure.type}: {failure.message.splitlines()[0] if failure.message else ''}{where}"


class _Writer:
    """Drafts and nodes become steps and sections, with ids."""

    def __init__(self, flow: Flow, accounts: Accounts) -> None:
        self._flow = flow
        self._accounts = accounts
        self._ids: set[str] = set()
        self._made_by: dict[tuple[int, str], str] = {}
        self._inside_of: dict[int, str] = {}

    def section(self, node: Node, repeat: int) -> Section:
        """One section; ``repeat`` counts the layers it stands for, itself included."""
        items = tuple(
            self._step(item, node, repeat, [twins[i] for twins in _siblings(node) if i < len(twins)])
            if isinstance(item, Draft)
            else self.section(item, repeat * item.repeat)
            for i, item in enumerate(node.items)
        )
        parameters = sum(item.parameters * (item.repeat if isinstance(item, Section) else 1) for item in items)
        return Section(
            node.path, self._title(node), node.kind, node.type, node.repeat, node.members, items, parameters,
            node.path.rpartition(".")[2].startswith("<"),
        )  # fmt: skip

    def _title(self, node: Node) -> str:
        if node.title:
            return node.title
        inner = [child.kind for child in node.nodes()]
        if node.repeat > 1 and len(inner) > 1 and set(inner) == {"block"}:
            return "Layer group"
        if node.repeat > 1 and node.kind in ("other", "block"):
            return "Block"
        if node.kind == "other" or (node.kind == "block" and any(child.kind == "block" for child in node.nodes())):
            tail = node.path.rpartition(".")[2].replace("_", " ")
            return tail.capitalize() if tail and not tail.isdigit() else node.type or self._flow.trace.model.name
        if node.kind == "experts" and any(child.kind == "experts" for child in node.nodes()):
            return "Mixture of experts"
        return _TITLES.get(node.kind) or node.type or self._flow.trace.model.name

    def _step(self, draft: Draft, node: Node, repeat: int, twins: Sequence[Draft | Node]) -> Step:
        section = node.path
        name = self._fresh_id(f"{section}/{_slug(draft.title or draft.kind)}" if section else _slug(draft.title))
        operands = tuple(self._operand(operand) for operand in draft.operands)
        for each in (draft, *draft.twins, *(twin for twin in twins if isinstance(twin, Draft))):
            for result in each.results:
                if result.value is None:  # inside a fused call: the draft that reads it holds the same object
                    self._inside_of[id(result)] = name
                    continue
                self._made_by[result.value, result.letter] = name
                self._made_by.setdefault((result.value, ""), name)
        results = tuple(self._operand(result, made_by=name) for result in draft.results)
        tied = self._accounts.tied_to(draft)
        members = (draft, *draft.twins)
        notes = self._notes(draft)
        if any(isinstance(twin, Draft) and self._shares_weights(draft, twin) for twin in twins):
            notes.append(Note("the same weights in every layer"))
        return Step(
            id=name, section=section, kind=draft.kind, title=draft.title, path=self._path(draft),
            operator=draft.operator, operands=operands, results=results, notes=tuple(notes),
            repeat=repeat, parameters=sum(self._accounts.owned(member) for member in members),
            tied_to=tied.rpartition(".")[0] or tied, flops=draft.flops, inner=draft.inner,
            ops=tuple(sorted(op for member in members for op in member.ops)),
            role=_ROLES.get(draft.title, _ROLE_OF_KIND.get(draft.kind, Role.OTHER)),
        )  # fmt: skip

    def _shares_weights(self, draft: Draft, twin: Draft) -> bool:
        """Whether two layers use the same parameters: a module that runs several times."""
        names = self._accounts.names(draft)
        return bool(names) and names == self._accounts.names(twin)

    def _notes(self, draft: Draft) -> list[Note]:
        notes = list(draft.notes)
        heads = {operand.stack_axes[-1] for operand in draft.operands if operand.stack > 1 and operand.role == "weight"}
        if draft.title in ("Query", "Key", "Value") and heads:
            notes.append(Note("{n} heads", {"n": heads.pop()}))
        return notes

    def _path(self, draft: Draft) -> str:
        """Module that holds the weight, where the code calls the function itself (out_proj of MultiheadAttention)."""
        if draft.kind in ("product", "lookup", "convolution", "norm", "add") and draft.weights:
            names = [name for name in self._accounts.names(draft) if "." in name]
            owners = {name.rpartition(".")[0] for name in names}
            if len(owners) == 1:
                owner = owners.pop()
                tied = self._accounts.tied_to(draft)
                return draft.path if tied and not owner.startswith(draft.path) else owner
        return draft.path

    def _operand(self, ref: Ref, made_by: str = "") -> Operand:
        source = ""
        if ref.value is None:
            made_by = made_by or self._inside_of.get(id(ref), "")
        else:
            tensor = self._flow.facts.tensor(ref.value)
            source = tensor.name
            letter = ref.letter
            made_by = made_by or self._made_by.get((ref.value, letter)) or self._made_by.get((ref.value, ""), "")
        labels = self._flow.trace.model.tokens if self._is_ids(ref) else ()
        return Operand(
            name=ref.letter, role=ref.role, shape=ref.shape, stack=ref.stack, stack_axes=ref.stack_axes,
            dims=ref.dims, transposed=ref.transposed,
            pattern=ref.pattern, slices=ref.slices, band=ref.band,  # type: ignore[arg-type]
            source=source, made_by=made_by, labels=labels, part=_PARTS.get(base_of(ref.letter), Part.OTHER),
            value=-1 if ref.value is None else ref.value,
        )  # fmt: skip

    def _is_ids(self, ref: Ref) -> bool:
        return ref.value is not None and ref.value in self._flow.trace.inputs[:1] and len(ref.shape) <= 2

    def _fresh_id(self, wanted: str) -> str:
        name, count = wanted, 1
        while name in self._ids:
            count += 1
            name = f"{wanted}-{count}"
        self._ids.add(name)
        return name


def _siblings(node: Node) -> list[list[Draft | Node]]:
    return [other.items for other in node.folded]


def _slug(title: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-") or "step"
