"""From an outline to the chart of its map: what is a box, and what goes on with what."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from shapetrace.drawing.mapping.chart import Flow, Node, Sublayer
from shapetrace.drawing.mapping.flowing import flow_of, origin_of, rows_of_weights, stream
from shapetrace.drawing.mapping.origins import Origins
from shapetrace.outlining.roles import Role
from shapetrace.outlining.structure import Operand, Outline, Section, Step

_SUBLAYERS: dict[Role, Sublayer] = {
    **dict.fromkeys(
        (Role.QUERY, Role.KEY, Role.VALUE, Role.QUERY_KEY, Role.KEY_VALUE, Role.QUERY_KEY_VALUE, Role.SPLIT_HEADS,
         Role.SCORES, Role.ATTENTION_WEIGHTS, Role.MIX_HEADS, Role.WEIGHTED_SUM, Role.STATE, Role.READ_STATE,
         Role.CONCAT_HEADS, Role.OUT_PROJ, Role.LATENT_DOWN, Role.COMPRESS_KEY, Role.COMPRESS_VALUE, Role.CHOOSE_KEYS,
         Role.CHOOSE_QUERIES,
         Role.CACHE_APPEND, Role.CACHE_WRITE), "attention"),
    **dict.fromkeys(
        (Role.GATE, Role.UP, Role.GATE_UP, Role.DOWN, Role.EXPAND, Role.HIDDEN, Role.SHRINK, Role.GLU), "mlp"),
    **dict.fromkeys((Role.ROUTER, Role.CHOOSE_EXPERTS, Role.DISPATCH, Role.COMBINE_EXPERTS), "experts"),
    **dict.fromkeys((Role.LOOKUP, Role.LOOKUP_TOKENS, Role.LOOKUP_POSITIONS), "lookup"),
}  # fmt: skip
"""Steps that are one box together."""

_KINDS: dict[str, Sublayer] = {"attention": "attention", "mlp": "mlp", "experts": "experts"}
_JOINS = frozenset({"residual", "add"})
_BOXED = frozenset({"lookup", "product", "convolution", "contraction", "scores", "weighted_sum", "algebra", "unknown"})


def chart(outline: Outline, *, closed: Collection[int] = (), origins: Origins | None = None) -> Flow:
    """The chart of a whole pass.

    Args:
        outline: What a trace means.
        closed: ``id`` of each section that is closed.
        origins: What steps go back to, for one that charts an outline several times.
    """
    made = _Charting(closed, origins or Origins(outline))
    nodes = list(made.nodes(outline.root))
    last = next((node.steps[-1] for node in reversed(nodes) if node.steps), None)
    if last is not None and last.results and not outline.failure:
        nodes.append(Node("given", value=last.results[-1]))
    return flow_of(nodes, made.origins)


def closable(outline: Outline) -> Iterator[Section]:
    """The sections that a chart opens, and may close: outer ones first."""
    for section in _below(outline.root):
        if section.kind not in {"embedding", "unembedding"} and (_is_frame(section) or _opens(section)):
            yield section


@dataclass(eq=False)
class _Charting:
    """Makes nodes of sections.

    Attributes:
        closed: ``id`` of each section that is not opened.
        origins: What steps go back to where no operand tells.
        shown: What the opened frames show, to know the same again, with their steps.
    """

    closed: Collection[int]
    origins: Origins
    shown: dict[object, tuple[Step, ...]] = field(default_factory=dict)

    def nodes(self, section: Section) -> Iterator[Node]:
        """The nodes of a section that is shown by what is in it."""
        loose: list[Step] = []
        within = section.module if _is_frame(section) else None
        for item in section.items:
            if isinstance(item, Step):
                loose.append(item)
                continue
            place = _module_in(within, item.spoken)
            if item.is_group and within is not None and loose and place == _module_in(within, loose[-1].path):
                loose += item.steps()  # the turns of a loop in a module
                continue
            ahead = [] if item.repeat > 1 or _is_frame(item) or _opens(item) else _ahead_of(loose, _sublayer_of(item))
            yield from _boxes(loose[: len(loose) - len(ahead)], within)
            loose = []
            if _is_frame(item):
                yield self._frame(item)
            elif id(item) in self.closed:
                yield Node("frame", tuple(item.steps()), item)
            elif _opens(item):
                yield from self.nodes(item)
            else:
                yield Node("box", (*ahead, *item.steps()), item, _sublayer_of(item))
        yield from _boxes(loose, within)

    def _frame(self, section: Section) -> Node:
        form = _form(section)
        steps = tuple(section.steps())
        if form in self.shown or id(section) in self.closed:
            return Node("frame", steps, section, like=self.shown.get(form))
        self.shown[form] = steps
        entry = stream(steps)
        inside = flow_of(list(_entering(self.nodes(section), entry, self.origins)), self.origins, entry, is_inside=True)
        return Node("frame", steps, section, inside=inside)


def _entering(nodes: Iterable[Node], entry: Operand | None, origins: Origins) -> Iterator[Node]:
    """Nodes of a frame, those marked that read nothing from outside, or something else than what its layers add to."""
    own: set[str] = set()
    for node in nodes:
        own.update(step.id for step in node.steps)
        read = {origin_of(o) for step in node.steps for o in step.operands if o.role == "data" and o.made_by not in own}
        read = read or {each for step in node.steps for each in origins.of(step)}
        begins = entry is None and rows_of_weights(node) is not None
        yield replace(node, enters=begins or bool(read) if entry is None else origin_of(entry) in read)


def _form(section: Section) -> object:
    """What two frames must have in common to look the same on the map."""
    return tuple(
        (step.kind, step.role, step.function, tuple(result.shape for result in step.results))
        for step in section.steps()
    )


def _is_frame(section: Section) -> bool:
    """Whether it is layers that are alike, or a block: what holds blocks itself is none."""
    if section.kind == "model":
        return False
    if any(_adds(part) and (part.kind == "block" or part.repeat > 1) for part in _below(section)):
        return section.repeat > 1
    has_parts = any(isinstance(item, Section) for item in section.items)
    is_block = section.repeat > 1 or section.kind == "block" or _n_adds(section) > 1
    return is_block and (has_parts or _adds(section))


def _below(section: Section) -> Iterator[Section]:
    return (part for part in section.sections() if part is not section)


def _adds(section: Section) -> bool:
    """Whether it adds to what entered it."""
    own = {step.id for step in section.steps()}
    residuals = (step for step in section.steps() if step.kind == "residual")
    return any(operand.made_by not in own for step in residuals for operand in step.operands)


def _n_adds(section: Section) -> int:
    return sum(step.kind == "residual" for step in section.steps())


def _opens(section: Section) -> bool:
    """Whether a section that is no frame is shown by what is in it."""
    return section.kind in {"embedding", "unembedding"} or any(map(_is_frame, _below(section))) or _adds(section)


def _sublayer_of(section: Section) -> Sublayer:
    named = _KINDS.get(section.kind)
    return named or _sublayer(section.steps())


def _ahead_of(loose: Sequence[Step], sublayer: Sublayer) -> list[Step]:
    """The last of some loose steps that belong to the sublayer behind them: rows copied to the experts, say."""
    n_before = next((n for n in range(len(loose), 0, -1) if _SUBLAYERS.get(loose[n - 1].role) != sublayer), 0)
    return list(loose[n_before:])


def _sublayer(steps: Iterable[Step]) -> Sublayer:
    return next((found for step in steps if (found := _SUBLAYERS.get(step.role))), "")


def _boxes(steps: Iterable[Step], within: str | None) -> Iterator[Node]:
    """Loose steps as boxes: those of one sublayer, of one module, of one recorded call; a product with what follows it.

    Args:
        steps: Steps in order.
        within: The block that they are in; None outside of blocks.
    """
    box: list[Step] = []
    key: object = ""

    def closed() -> Iterator[Node]:
        if box:
            boxed = any(step.kind in _BOXED or step.parameters or step.role in _SUBLAYERS for step in box)
            yield Node("box" if boxed else "words", tuple(box), sublayer=_sublayer(box))
        box.clear()

    for step in steps:
        own, module = _SUBLAYERS.get(step.role, ""), _module_in(within, step.path)
        goes_on = not step.ops and bool(box) and step.path == box[-1].path  # another product of one call
        in_module = goes_on or bool(box and module and key == (module,))
        if not in_module and (step.kind == "norm" or (step.kind in _JOINS and len(step.operands) > 1)):
            yield from closed()
            yield _apart(step)
            continue
        is_other = key == "lookup" and not _reads(step, box)
        begins = (own != key if own else _is_boxed(step) or is_other) and not in_module
        if not box or begins or own == "lookup" or (isinstance(key, tuple) and not in_module and _meets(step, box)):
            yield from closed()
            key = own or (module,)
        box.append(step)
    yield from closed()


def _is_boxed(step: Step) -> bool:
    """Whether a step of no sublayer is a box: what is made of constants alone is a part of what it is made for."""
    return bool(step.parameters) or (step.kind in _BOXED and any(o.role != "constant" for o in step.operands))


def _reads(step: Step, box: Sequence[Step]) -> bool:
    """Whether a step goes on with something that a box made."""
    own = {each.id for each in box}
    return any(made in own for made in (*(operand.made_by for operand in step.operands), *step.also_reads))


def _meets(step: Step, box: Sequence[Step]) -> bool:
    """Whether a step brings what was made elsewhere together with what a box made."""
    own = {each.id for each in box}
    read = [*(operand.made_by for operand in step.operands if operand.role == "data"), *step.also_reads]
    return any(made in own for made in read) and not all(made in own for made in read)


def _module_in(within: str | None, path: str) -> str:
    """The module of a block that a path lies in, by its name there; "" for the block itself."""
    if within is None or not path.startswith(f"{within}."):
        return ""
    first, _, rest = path.removeprefix(f"{within}.").partition(".")
    number = rest.partition(".")[0]
    return f"{first}.{number}" if number.isdigit() else first


def _apart(step: Step) -> Node:
    """A norm, or a sum of what was computed with something older or with a table."""
    if step.kind == "norm":
        return Node("norm", (step,))
    table = next((operand for operand in step.operands if operand.role != "data"), None)
    return Node("join", (step,), value=table)
