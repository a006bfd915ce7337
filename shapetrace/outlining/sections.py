"""Module calls become sections: the tree of drafts before words."""

from collections.abc import Callable, Hashable, Iterator, Mapping
from typing import Literal

import msgspec
from msgspec.structs import replace

from shapetrace.ir import Trace
from shapetrace.outlining.classifying import CLOSING, ENDS, OPENING, held, kind_of
from shapetrace.outlining.drafts import Draft
from shapetrace.outlining.recognise.columns import ATTENTION_INPUTS
from shapetrace.outlining.repeating import layers
from shapetrace.outlining.roles import Role
from shapetrace.outlining.structure import SectionKind

Item = "Draft | Node"
Roles = Mapping[int, Role]

_NEARLY_ALL = 0.6
_FEW = 5
_HEAVY = frozenset({"product", "contraction", "convolution", "lookup", "scores"})
_ADAPTERS = frozenset({Role.ADAPTER_DOWN, Role.ADAPTER_UP})


class Node(msgspec.Struct, frozen=True, gc=False):
    """A section before it has words.

    Attributes:
        path: Module path of the first member; of a group, that of the section around it and its kind.
        type: Class name of the module; "" for a group.
        items: Drafts and nodes in the order of execution.
        kind: What it holds.
        repeat: Equal siblings that it stands for.
        members: Paths of all of them.
        folded: The other siblings, whose operations are covered by this one.
        is_group: True for steps that are no module of the model.
        crosses: True if its attention reads keys and values from another sequence.
        side: Which half of an encoder-decoder a block belongs to.
    """

    path: str
    type: str
    items: tuple["Draft | Node", ...] = ()
    kind: SectionKind = "other"
    repeat: int = 1
    members: tuple[str, ...] = ()
    folded: tuple["Node", ...] = ()
    is_group: bool = False
    crosses: bool = False
    side: Literal["", "encoder", "decoder"] = ""

    def drafts(self) -> Iterator[Draft]:
        """Drafts in it and below, one member of what is folded."""
        for item in self.items:
            if isinstance(item, Draft):
                yield item
            else:
                yield from item.drafts()

    @property
    def nodes(self) -> list["Node"]:
        """Direct children that are sections."""
        return [item for item in self.items if isinstance(item, Node)]

    @property
    def own(self) -> list[Draft]:
        """Direct children that are steps."""
        return [item for item in self.items if isinstance(item, Draft)]

    def sections(self, *, folded: bool = False) -> Iterator["Node"]:
        """It and all sections below; with ``folded`` also those that the first of equal siblings stands for."""
        yield self
        for child in (*self.nodes, *(self.folded if folded else ())):
            yield from child.sections(folded=folded)


def rebuilt(node: Node, change: Callable[[Node], Node]) -> Node:
    """A tree in which every section went through a function, inner ones first."""
    items = tuple(rebuilt(item, change) if isinstance(item, Node) else item for item in node.items)
    return change(replace(node, items=items))


def tree(trace: Trace, drafts: tuple[Draft, ...], roles: Roles) -> Node:
    """Drafts nested by the module calls they belong to, without sections that say nothing."""
    root = rebuilt(_nested(trace, drafts), lambda node: _simplified(node, roles))
    while (wrapper := _wrapper(root)) is not None:
        root = replace(root, items=_spliced(root, wrapper))
    root = replace(_classified_below(root, roles), kind="model")
    return _with_runs(_with_ends(root, roles), roles)


def _wrapper(root: Node) -> Node | None:
    """A section that holds nearly all of the model and adds nothing around its parts, as ``model.transformer``."""
    total = len(list(root.drafts()))
    attends = sum(draft.kind == "scores" for draft in root.drafts())
    for child in root.nodes:
        residual = any(draft.kind == "residual" for draft in child.own)
        inside = sum(draft.kind == "scores" for draft in child.drafts())
        if child.nodes and not residual and inside == attends and len(list(child.drafts())) > _NEARLY_ALL * total:
            return child
    return None


def _nested(trace: Trace, drafts: tuple[Draft, ...]) -> Node:
    children: dict[int, list[Draft | int]] = {0: []}

    def place(call: int) -> int:
        """The nearest module call, entered below its parent when it is first met."""
        found = trace.calls[call]
        if found.kind == "function":
            return place(found.parent or 0)
        if call not in children:
            children[place(found.parent or 0)].append(call)
            children[call] = []
        return call

    for draft in drafts:
        children[place(draft.call) if trace.calls else 0].append(draft)

    def node(call: int) -> Node:
        items = tuple(node(item) if isinstance(item, int) else item for item in children[call])
        if call == 0:
            return Node("", trace.calls[0].type if trace.calls else "", items)
        return Node(trace.calls[call].path, trace.calls[call].type, items, members=(trace.calls[call].path,))

    return node(0)


def _simplified(node: Node, roles: Roles) -> Node:
    """Sections that hold one product or no product vanish into the one above; so do wrappers with one child."""
    items: list[Draft | Node] = []
    for item in node.items:
        if isinstance(item, Draft):
            items.append(item)
            continue
        if len(item.nodes) == 1 and _is_thin(item, roles):
            item = replace(item, items=_spliced(item, item.nodes[0]))  # noqa: PLW2901
        if not item.nodes and (_works(item, roles) <= 1 or _only_projects(item, roles)):
            items += item.items
        elif len(item.items) == 1:
            items.append(item.items[0])
        else:
            items.append(item)
    return replace(node, items=tuple(items))


def _only_projects(node: Node, roles: Roles) -> bool:
    """Whether all that a section multiplies is queries, keys and values for the attention around it."""
    products = [draft for draft in node.own if draft.kind in ("product", "scores", "contraction", "convolution")]
    return all(roles.get(draft.key) in ATTENTION_INPUTS for draft in products)


def _is_thin(node: Node, roles: Roles) -> bool:
    """Whether a section adds at most a projection, norms and a residual to the one inside: together they are one."""
    inner = node.nodes[0]
    most = int(any(draft.kind == "scores" for draft in inner.own))
    return not inner.nodes and _works(node, roles) <= most and len(node.own) <= _FEW


def _works(node: Node, roles: Roles) -> int:
    """Operations of its own that multiply data, or look up."""
    heavy = [d for d in node.own if d.kind in _HEAVY and roles.get(d.key) not in _ADAPTERS]
    on_data = [d for d in heavy if not all(ref.origin == "weight" for ref in d.operands)]
    return len({d.order for d in on_data or heavy})


def _spliced(node: Node, child: Node) -> tuple["Draft | Node", ...]:
    place = node.items.index(child)
    return (*node.items[:place], *child.items, *node.items[place + 1 :])


def _classified_below(node: Node, roles: Roles) -> Node:
    return rebuilt(node, lambda each: replace(each, kind=kind_of(each, roles)))


def _with_ends(root: Node, roles: Roles) -> Node:
    """What comes before the first section and after the last one are groups of their own."""
    places = [i for i, item in enumerate(root.items) if isinstance(item, Node)]
    if not places:
        return root
    start, end = layers([_form(item) for item in root.items], places[0], places[-1])
    start = next((i for i, item in enumerate(root.items[:start]) if _begins(item, roles)), start)
    end = next((i + 1 for i in reversed(range(end, len(root.items))) if _closes(root.items[i])), end)
    head, body, tail = root.items[:start], root.items[start:end], root.items[end:]
    embeds = {item.kind for item in head if isinstance(item, Draft)}
    if "lookup" in embeds or ("convolution" in embeds and any(map(_works_on_rows, body))):
        head = (_group("", "embedding", head),)
    if any(isinstance(d, Draft) and roles.get(d.key) in ENDS for d in tail):
        tail = (_group("", "unembedding", tail),)
    return replace(root, items=(*head, *body, *tail))


def _works_on_rows(item: "Draft | Node") -> bool:
    """Whether a section has attention or an MLP in it: what comes before a network of convolutions embeds nothing."""
    return isinstance(item, Node) and any(node.kind in {"attention", "mlp", "experts"} for node in item.sections())


def _begins(item: "Draft | Node", roles: Roles) -> bool:
    """Whether a step is one of a layer, which no embedding has."""
    return isinstance(item, Draft) and roles.get(item.key) in {*ATTENTION_INPUTS, *OPENING, Role.ROUTER}


def _closes(item: "Draft | Node") -> bool:
    """Whether a step ends a layer."""
    return isinstance(item, Draft) and item.kind == "residual"


def _group(path: str, kind: SectionKind, items: tuple["Draft | Node", ...], number: int = 1) -> Node:
    name = f"<{kind}>" if number == 1 else f"<{kind}-{number}>"
    path = f"{path}.{name}" if path else name
    return Node(path, "", items, kind, members=(path,), is_group=True)


def _form(item: "Draft | Node") -> Hashable:
    """What layers have in common before anything has a name."""
    if isinstance(item, Node):
        return item.type, tuple(map(_form, item.items))
    return item.kind, tuple((ref.shape, ref.stack_axes) for ref in (*item.operands, *item.results))


_PROJECTIONS = frozenset({*ATTENTION_INPUTS, Role.LATENT_DOWN})


def _with_runs(root: Node, roles: Roles) -> Node:
    """Attention and feed-forward that a block does itself, without modules for them, as sections of their own."""

    def change(node: Node) -> Node:
        node = replace(node, kind=kind_of(node, roles))
        if node.kind not in ("block", "model"):
            return node
        node = _wrapped(node, "attention", roles, (_PROJECTIONS, frozenset({Role.OUT_PROJ})))
        return _wrapped(node, "mlp", roles, (OPENING, CLOSING))

    return rebuilt(root, change)


def _wrapped(node: Node, kind: SectionKind, roles: Roles, ends: tuple[frozenset[Role], frozenset[Role]]) -> Node:
    """A section in which each run from an opening role to a closing one is a group."""
    opening, closing = ends
    items = list(node.items)
    start: int | None = None
    place = n_found = 0
    while place < len(items):
        item = items[place]
        if not isinstance(item, Draft) or item.kind == "residual":
            start = None
        elif start is None and roles.get(item.key) in opening:
            start = place
        elif start is not None and roles.get(item.key) in closing:
            end = _behind_adapters(items, place, roles)
            run = _group(node.path, "other", tuple(items[start:end]))
            if len(run.items) == len(items):
                return node
            if held(run, roles) == kind:
                n_found += 1
                items[start:end] = [_group(node.path, kind, run.items, n_found)]
                place = start
            start = None
        place += 1
    return replace(node, items=tuple(items))


def _behind_adapters(items: list["Draft | Node"], place: int, roles: Roles) -> int:
    """Where the run that a projection closes ends: after the adapters beside it and their sum."""
    end = place + 1
    found = False
    while end < len(items):
        item = items[end]
        if isinstance(item, Draft) and roles.get(item.key) in _ADAPTERS:
            found = True
        elif found and isinstance(item, Draft) and item.kind == "add":
            return end + 1
        else:
            break
        end += 1
    return place + 1
