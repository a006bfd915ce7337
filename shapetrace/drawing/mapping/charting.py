"""From an outline to the chart of its map: what is a box, and what goes on with what."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import TypeAlias

from shapetrace.drawing.mapping.chart import Flow, Node, Sublayer
from shapetrace.drawing.mapping.staging import staged
from shapetrace.outlining.roles import Part, Role
from shapetrace.outlining.structure import Operand, Outline, Section, Step

_SUBLAYERS: dict[Role, Sublayer] = {
    **dict.fromkeys(
        (Role.QUERY, Role.KEY, Role.VALUE, Role.QUERY_KEY, Role.KEY_VALUE, Role.QUERY_KEY_VALUE, Role.SPLIT_HEADS,
         Role.SCORES, Role.ATTENTION_WEIGHTS, Role.MIX_HEADS, Role.WEIGHTED_SUM, Role.STATE, Role.READ_STATE,
         Role.CONCAT_HEADS, Role.OUT_PROJ, Role.LATENT_DOWN, Role.COMPRESS_KEY, Role.COMPRESS_VALUE, Role.CHOOSE_KEYS,
         Role.CACHE_APPEND, Role.CACHE_WRITE), "attention"),
    **dict.fromkeys((Role.GATE, Role.UP, Role.GATE_UP, Role.DOWN, Role.EXPAND, Role.SHRINK, Role.GLU), "mlp"),
    **dict.fromkeys((Role.ROUTER, Role.CHOOSE_EXPERTS, Role.DISPATCH, Role.COMBINE_EXPERTS), "experts"),
    **dict.fromkeys((Role.LOOKUP, Role.LOOKUP_TOKENS, Role.LOOKUP_POSITIONS), "lookup"),
}  # fmt: skip
"""Steps that are one box together."""

_KINDS: dict[str, Sublayer] = {"attention": "attention", "mlp": "mlp", "experts": "experts"}
_JOINS = frozenset({"residual", "add"})
_BOXED = frozenset({"lookup", "product", "convolution", "contraction", "scores", "weighted_sum", "algebra", "unknown"})


def chart(outline: Outline, *, most_frames: int = 99) -> Flow:
    """The chart of a whole pass.

    Args:
        outline: What a trace means.
        most_frames: Groups of layers that are opened, the first ones; the others are closed.
    """
    made = _Charting(most_frames)
    nodes = list(made.nodes(outline.root))
    last = next((node.steps[-1] for node in reversed(nodes) if node.steps), None)
    if last is not None and last.results:
        nodes.append(Node("given", value=last.results[-1]))
    return _flow(nodes)


@dataclass(eq=False)
class _Charting:
    """Makes nodes of sections.

    Attributes:
        frames_left: Frames that may still be opened.
        shown: What the opened frames show, to know the same again.
    """

    frames_left: int
    shown: set[object] = field(default_factory=set)

    def nodes(self, section: Section) -> Iterator[Node]:
        """The nodes of a section that is shown by what is in it."""
        loose: list[Step] = []
        within = section.module if _is_frame(section) else None
        for item in section.items:
            if isinstance(item, Step):
                loose.append(item)
                continue
            place = _module_in(within, item.spoken)
            if item.is_group and loose and place == _module_in(within, loose[-1].path):
                loose += item.steps()  # the turns of a loop in a module
                continue
            ahead = [] if _is_frame(item) or _opens(item) else _ahead_of(loose, _sublayer_of(item))
            yield from _boxes(loose[: len(loose) - len(ahead)], within)
            loose = []
            if _is_frame(item):
                yield self._frame(item)
            elif _opens(item):
                yield from self.nodes(item)
            else:
                yield Node("box", (*ahead, *item.steps()), item, _sublayer_of(item))
        yield from _boxes(loose, within)

    def _frame(self, section: Section) -> Node:
        form = _form(section)
        steps = tuple(section.steps())
        if form in self.shown or not self.frames_left:
            return Node("frame", steps, section, like=form in self.shown)
        self.shown.add(form)
        self.frames_left -= 1
        entry = stream(steps)
        inside = _flow(list(_entering(self.nodes(section), entry)), entry)
        return Node("frame", steps, section, inside=inside)


def stream(steps: Sequence[Step]) -> Operand | None:
    """What layers add to: of their first residual with an operand from outside, that operand; None if there is none."""
    own = {step.id for step in steps}
    sums = (operand for step in steps if step.kind == "residual" for operand in step.operands)
    return next((operand for operand in sums if operand.role == "data" and operand.made_by not in own), None)


def _entering(nodes: Iterable[Node], entry: Operand | None) -> Iterator[Node]:
    """Nodes of a frame, those marked that read something else from outside than what its layers add to."""
    own: set[str] = set()
    for node in nodes:
        own.update(step.id for step in node.steps)
        read = {_origin(o) for step in node.steps for o in step.operands if o.role == "data" and o.made_by not in own}
        yield replace(node, enters=entry is None or not read or _origin(entry) in read)


def _origin(operand: Operand) -> str | int:
    return operand.made_by or operand.value


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
        begins = (own != key if own else bool(step.kind in _BOXED or step.parameters)) and not in_module
        if not box or begins or own == "lookup" or (isinstance(key, tuple) and not in_module and _meets(step, box)):
            yield from closed()
            key = own or (module,)
        box.append(step)
    yield from closed()


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


def _flow(nodes: Sequence[Node], entry: Operand | None = None) -> Flow:
    given = list(_with_inputs(nodes, entry))
    folded = list(_folded(given, list(_wired(given))))
    wired = tuple(_wired(folded))
    return Flow(wired, staged(wired))


def _folded(nodes: Sequence[Node], wired: Sequence[Node]) -> Iterator[Node]:
    """Boxes in a row that are alike, read the same and are read by the same: one of them, with their number."""
    readers: list[list[int]] = [[] for _ in wired]
    for number, node in enumerate(wired):
        for made in {*node.main, *node.beside, *([] if node.older is None or node.older < 0 else [node.older])}:
            readers[made].append(number)

    def form(number: int) -> object:
        node = wired[number]
        if node.kind != "box" or node.section is not None:
            return number
        steps = ((s.kind, s.role, s.function, s.path.count("."), s.equation, s.parameters) for s in node.steps)
        return tuple(steps), node.main, node.beside, node.enters, tuple(readers[number])

    for _, group in groupby(range(len(nodes)), form):
        numbers = list(group)
        steps = tuple(step for number in numbers for step in nodes[number].steps)
        first = nodes[numbers[0]]
        yield replace(first, steps=steps, copies=len(numbers)) if len(numbers) > 1 else first


def _with_inputs(nodes: Sequence[Node], entry: Operand | None) -> Iterator[Node]:
    """Put what a pass is given before the node that reads it first; what layers add to, before their frame."""
    seen = set() if entry is None else {entry.value}
    for node in nodes:
        entered = stream(node.steps) if node.inside is not None else None
        for operand in (operand for step in node.steps for operand in step.operands):
            is_outside = node.inside is None or (entered is not None and operand.value == entered.value)
            if is_outside and operand.source and _is_given(operand) and operand.value not in seen:
                seen.add(operand.value)
                yield Node("given", value=operand)
        yield node


def _is_given(operand: Operand) -> bool:
    return operand.role == "data" and not operand.made_by


def _wired(nodes: Sequence[Node]) -> Iterator[Node]:
    """Each node with the numbers of those that made what it reads."""
    makers: dict[str, int] = {}
    values: dict[int, int] = {}

    def maker(operand: Operand) -> int | None:
        if operand.role != "data":
            return None
        return makers.get(operand.made_by) if operand.made_by else values.get(operand.value)

    for number, node in enumerate(nodes):
        if node.kind == "given" and node.value is not None:
            made = makers.get(node.value.made_by)
            yield replace(node, main=() if made is None else (made,))
            values.setdefault(node.value.value, number)
            continue
        found = [[(operand, maker(operand)) for operand in step.operands] for step in node.steps]
        also = [made for step in node.steps for each in step.also_reads if (made := makers.get(each)) is not None]
        behind = number - 1 if number and nodes[number - 1].kind == "frame" else None
        yield _joined(node, found[0]) if node.kind == "join" else _going_on(node, found, behind, also)
        makers.update((step.id, number) for step in node.steps)


_Made: TypeAlias = tuple[Operand, int | None]


def _joined(node: Node, found: Sequence[_Made]) -> Node:
    """A sum goes on with what was made last; where the other operand is older, it is a residual."""
    makers = [made for operand, made in found if operand.role == "data"]
    made = tuple(dict.fromkeys(each for each in makers if each is not None))
    newest = max(made, default=None)
    older = next((each for each in makers if each != newest), newest) if len(makers) > 1 else newest
    if node.value is not None or older == newest:
        return replace(node, main=made)
    return replace(node, main=made, older=-1 if older is None else older)


def _going_on(node: Node, found: Sequence[Sequence[_Made]], behind: int | None, also: Sequence[int]) -> Node:
    """What a node goes on with; of a frame, what its layers add to. What is handed over stands beside.

    Args:
        node: A box, a norm, small steps or a frame.
        found: The operands of its steps, with the nodes that made them.
        behind: The node before it, if that is a frame: the last of its layers is what made a value of no drawn step.
        also: The nodes that made the other pieces of what it puts together.
    """
    outside = found[:1] if node.kind == "frame" else found
    main = [made for one in outside for operand, made in one if made is not None and operand.part is not Part.CONTEXT]
    entry = stream(node.steps) if node.kind == "frame" else None
    added_to = [made for one in found for operand, made in one if operand is entry and made is not None]
    handed = [made for made in main if made not in added_to] if added_to else []
    main = added_to or main
    if not main and behind is not None and found and any(_is_loose(operand) for operand, _ in found[0]):
        main = [behind]
    beside = [made for one in found for operand, made in one if made is not None and operand.part is Part.CONTEXT]
    return replace(node, main=tuple(dict.fromkeys([*main, *also])), beside=tuple(dict.fromkeys([*beside, *handed])))


def _is_loose(operand: Operand) -> bool:
    return operand.role == "data" and not operand.made_by and not operand.source
