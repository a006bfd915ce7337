"""Module calls become sections: the tree of drafts before names."""

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, field

from shapetrace.ir import Trace
from shapetrace.outlining.columns import TITLES
from shapetrace.outlining.drafts import Draft
from shapetrace.outlining.repeating import layers
from shapetrace.outlining.structure import SectionKind

_NEARLY_ALL = 0.6
_FEW = 5
_NONLINEAR = frozenset({"activation", "multiply", "softmax"})
"""What makes more of two products than one product could be."""

GROUP_EMBEDDING, GROUP_UNEMBEDDING = "<embedding>", "<unembedding>"


@dataclass(slots=True)
class Node:
    """A section in the making.

    Attributes:
        path: Module path of the first member, or a group's name in angle brackets.
        type: Class name of the module; "" for a group.
        items: Drafts and nodes in the order of execution.
        kind: Set when the tree is simplified.
        repeat: Equal siblings that it stands for.
        members: Paths of all of them.
        folded: The other siblings, whose operations are covered by this one.
        parallel: True if the siblings do not read each other.
        title: Where a pass knows better than the kind.
    """

    path: str
    type: str
    items: list["Draft | Node"] = field(default_factory=list)
    kind: SectionKind = "other"
    repeat: int = 1
    members: tuple[str, ...] = ()
    folded: list["Node"] = field(default_factory=list)
    parallel: bool = False
    title: str = ""

    def drafts(self) -> Iterator[Draft]:
        """Drafts in it and below, one member of what is folded."""
        for item in self.items:
            if isinstance(item, Draft):
                yield item
            else:
                yield from item.drafts()

    def nodes(self) -> list["Node"]:
        """Direct children that are sections."""
        return [item for item in self.items if isinstance(item, Node)]

    def sections(self, *, folded: bool = False) -> Iterator["Node"]:
        """It and all sections below; with ``folded`` also those that the first of equal siblings stands for."""
        yield self
        for child in (*self.nodes(), *(self.folded if folded else ())):
            yield from child.sections(folded=folded)

    def own(self) -> list[Draft]:
        """Direct children that are steps."""
        return [item for item in self.items if isinstance(item, Draft)]


def build_tree(trace: Trace, drafts: Sequence[Draft]) -> Node:
    """Nest drafts by the module calls they belong to, and leave out what says nothing."""
    root = _nested(trace, drafts)
    _simplify(root)
    while (wrapper := _wrapper(root)) is not None:
        _hoist(root, wrapper)
    _classify(root)
    root.kind = "model"
    _group_ends(root)
    return root


def _wrapper(root: Node) -> Node | None:
    """A section that holds nearly all of the model and adds nothing around its parts, as ``model.transformer``."""
    total = len(list(root.drafts()))
    attends = sum(draft.kind == "scores" for draft in root.drafts())
    for child in root.nodes():
        residual = any(draft.kind == "residual" for draft in child.own())
        inside = sum(draft.kind == "scores" for draft in child.drafts())
        if child.nodes() and not residual and inside == attends and len(list(child.drafts())) > _NEARLY_ALL * total:
            return child
    return None


def _nested(trace: Trace, drafts: Sequence[Draft]) -> Node:
    root = Node("", trace.calls[0].type if trace.calls else "")
    nodes: dict[int, Node] = {0: root}
    for draft in drafts:
        call = draft.call
        if not draft.path:
            draft.path = trace.calls[call].path if trace.calls else ""
        _node_of(trace, call, nodes).items.append(draft)
    return root


def _node_of(trace: Trace, call: int, nodes: dict[int, Node]) -> Node:
    node = nodes.get(call)
    if node is None:
        found = trace.calls[call]
        parent = _node_of(trace, found.parent or 0, nodes)
        if found.kind == "function":
            node = parent
        else:
            node = Node(found.path, found.type, members=(found.path,))
            parent.items.append(node)
        nodes[call] = node
    return node


def _simplify(node: Node) -> None:
    """Sections that hold one product or no product vanish into the one above; so do wrappers with one child."""
    items: list[Draft | Node] = []
    for item in node.items:
        if isinstance(item, Draft):
            items.append(item)
            continue
        _simplify(item)
        if len(item.nodes()) == 1 and _is_thin(item):
            _hoist(item, item.nodes()[0])
        if not item.nodes() and (_works(item) <= 1 or _only_projects(item)):
            items += item.items
        elif len(item.items) == 1:
            items.append(item.items[0])
        else:
            items.append(item)
    node.items = items


def _only_projects(node: Node) -> bool:
    """Whether all that a section multiplies is queries, keys and values for the attention around it."""
    products = [draft for draft in node.own() if draft.kind in ("product", "scores", "contraction", "convolution")]
    return all(draft.kind == "product" and set(draft.results[0].letter or "-") <= TITLES.keys() for draft in products)


def _is_thin(node: Node) -> bool:
    """Whether a section adds at most a projection, norms and a residual to the one inside: together they are one."""
    inner = node.nodes()[0]
    most = 1 if _is_attention(inner) else 0
    return not inner.nodes() and _works(node) <= most and len(node.own()) <= _FEW


def _works(node: Node) -> int:
    """Operations of its own that multiply or look up."""
    heavy = [d for d in node.own() if d.kind in ("product", "contraction", "convolution", "lookup", "scores")]
    heavy = [d for d in heavy if not d.adapter]
    return len({draft.order for draft in heavy})


def _hoist(node: Node, child: Node) -> None:
    place = node.items.index(child)
    node.items[place : place + 1] = child.items


def _is_attention(node: Node) -> bool:
    return any(draft.kind == "scores" for draft in node.own())


def _classify(node: Node) -> None:
    for child in node.nodes():
        _classify(child)
    classify(node)


def classify(node: Node) -> None:
    """Tell what a section holds from its own steps and from the kinds of the sections in it."""
    if node.kind in ("model", "unembedding") or node.title:  # what was told from more than its kinds stays
        return
    kinds = {draft.kind for draft in node.own()}
    inner = {child.kind for child in node.nodes()}
    stacked = any(operand.stack > 1 for d in node.own() if d.kind == "product" for operand in d.operands)
    if "scores" in kinds:
        node.kind = "block" if any(d.title in ("Expand", "Gate") for d in node.own()) else "attention"
    elif inner & {"attention", "mlp", "experts", "block"}:
        routes = "route" in kinds or ("experts" in inner and "attention" not in inner and "residual" not in kinds)
        node.kind = "experts" if routes else "block"
    elif "route" in kinds or any(draft.chosen for draft in node.own()):
        node.kind = "experts"
    elif "lookup" in kinds and not stacked:
        node.kind = "embedding"
    elif len([d for d in node.own() if d.kind == "product"]) >= 2 and (
        kinds & _NONLINEAR or any(d.kind == "pointwise" and len(d.operands) == 1 for d in node.own())
    ):
        node.kind = "mlp"


def _group_ends(root: Node) -> None:
    """What comes before the first section and after the last one are groups of their own."""
    places = [i for i, item in enumerate(root.items) if isinstance(item, Node)]
    if not places:
        return
    start, end = layers([_form(item) for item in root.items], places[0], places[-1])
    head, body, tail = root.items[:start], root.items[start:end], root.items[end:]
    if any(isinstance(d, Draft) and d.kind in ("lookup", "convolution") for d in head):
        head = [Node(GROUP_EMBEDDING, "", head, "embedding", members=(GROUP_EMBEDDING,))]
    if any(isinstance(d, Draft) and d.kind == "product" for d in tail):
        tail = [Node(GROUP_UNEMBEDDING, "", tail, "unembedding", members=(GROUP_UNEMBEDDING,))]
    root.items = [*head, *body, *tail]


def _form(item: Draft | Node) -> Hashable:
    """What layers have in common before anything has a name."""
    if isinstance(item, Node):
        return item.type, tuple(map(_form, item.items))
    return item.kind, tuple((ref.shape, ref.role, ref.stack_axes) for ref in (*item.operands, *item.results))
