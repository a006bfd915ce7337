"""Experts: which product routes, which steps choose, and where the chosen experts' results are put together."""

from collections.abc import Iterable, Mapping, Sequence
from math import prod

from msgspec.structs import replace

from shapetrace.ir import Op
from shapetrace.language import Phrase
from shapetrace.ops.kinds import OpKind, has, names_of
from shapetrace.ops.registry import Trait, find
from shapetrace.outlining.drafts import Draft, Graph
from shapetrace.outlining.flow import Flow
from shapetrace.outlining.recognise.adapters import Adapters
from shapetrace.outlining.recognise.leaving import Words
from shapetrace.outlining.roles import Role
from shapetrace.outlining.steps.collecting import Collected
from shapetrace.outlining.structure import StepKind

_COMPARING = frozenset({"eq", "_to_copy", "view", "unsqueeze", "sort", "argsort", "cat", "stack"})
_COMPARING_ALONG: frozenset[Trait] = frozenset({"picks", "best"})
_FINDING: frozenset[Trait] = frozenset({"finds"})
_COUNTED: frozenset[OpKind] = frozenset({"pointwise", "cast", "layout", "reduce", "cat"})
_MOST_VALUES = 40
_MOST_READERS = 12
_WEIGHING: tuple[StepKind, ...] = ("softmax", "activation", "add", "pointwise", "reduce", "select")
_SMALL = frozenset({"softmax", "activation", "add", "multiply", "pointwise", "reduce", "route", "select", "norm"})


def router_roles(flow: Flow, collected: Collected, adapters: Adapters) -> Mapping[int, Role]:
    """The products whose columns are scores of which the best are chosen, row by row."""
    graph = Graph(collected.drafts, adapters.becomes)
    words = Words(flow, graph)
    products = [draft for draft in graph.drafts if draft.kind == "product" and draft.role is Role.OTHER]
    choosing = {each.key: [op for op in each.ops if _may_choose(flow, op)] for each in graph.drafts}
    repeated = frozenset(leaf for product in flow.projections for leaf in flow.facts.atoms.flat(product.batch))
    routers = (draft for draft in products if _routes(flow, graph, draft, choosing, repeated))
    return {draft.key: Role.ROUTER for draft in routers if not words.are_scored_by(draft)}


def _routes(
    flow: Flow, graph: Graph, draft: Draft, choosing: Mapping[int, Sequence[int]], repeated: frozenset[int]
) -> bool:
    result = draft.result
    if result.columns < 2 or result.value < 0:
        return False
    own = _columns_of(flow, result.value)
    made = frozenset(flow.facts.of_op.get(draft.order, ()))
    after = list(graph.onward(result.value, _WEIGHING))
    weighed = (ref.value for each in after if each.kind in _WEIGHING for ref in each.results)
    readers = {reader for value in (result.value, *weighed) for reader in flow.readers.get(value, ())}
    alone = [reader for reader in readers if _may_choose(flow, reader)]
    return any(_chooses(flow, ops, own, made, repeated) for ops in (alone, *(choosing[each.key] for each in after)))


def _may_choose(flow: Flow, member: int) -> bool:
    op = flow.trace.ops[member]
    return has(op, "picks") or has(op, "best") or names_of(op.kernels) == ["gather"]


def _columns_of(flow: Flow, value: int) -> frozenset[int]:
    axes = flow.facts.axes_of(value)
    return frozenset(flow.facts.atoms.leaves(axes[-1])) if axes else frozenset()


def _chooses(
    flow: Flow, members: Iterable[int], columns: frozenset[int], made: frozenset[int], repeated: frozenset[int]
) -> bool:
    """Whether operations take the best columns of each row: top-k, or the largest where its place sends rows on.

    Or the best rows for each column, if each column has matrices of its own: experts choose.

    Rows go on by their numbers, or by zeros and ones that they are multiplied with. Writing rows into a larger tensor
    is no choice, nor is the largest value by itself, nor the best positions, nor what a model gives back: the five
    likeliest classes, the action drawn.
    """
    ops = [op for op in (flow.trace.ops[member] for member in members) if _is_made_of(flow, op, made)]
    picks = [op for op in ops if has(op, "picks") and (_along(flow, op.id, columns) or columns & repeated)]
    if any(_meets_others(flow, op, made) for op in picks):
        return True
    gathers = [op for op in ops if names_of(op.kernels) == ["gather"] and len(op.inputs) == 2]
    gathered = [op.inputs[1] for op in gathers if _along(flow, op.id, columns, _FINDING)]
    if any(_chooses_matrices(flow, place) for place in gathered):
        return True  # by the token, whatever its scores are
    places = [
        value
        for op in ops
        if has(op, "best") and _along(flow, op.id, columns)
        for value in op.outputs
        if not flow.is_floating(value)
    ]
    return any(_sorts_rows(flow, place, made) or _masks_rows(flow, place, made) for place in places)


def _meets_others(flow: Flow, choice: Op, made: frozenset[int]) -> bool:
    """Whether what was chosen comes together with data that no score made, or takes matrices out of a stack.

    Where it is only added to, it is a score as before: of halves of keys, whose sums are compared next.
    """
    since = min((flow.facts.products[position].op for position in made), default=-1)
    queue = [flow.root(value) for value in choice.outputs]
    for value in queue:
        if not flow.is_floating(value) and _chooses_matrices(flow, value):
            return True
        for op in (flow.trace.ops[reader] for reader in flow.readers[value][:_MOST_READERS]):
            others = [root for root in map(flow.root, op.inputs) if root not in queue and flow.is_data(root)]
            is_sum = names_of(op.kernels) == ["add"]
            if not is_sum and any(since not in flow.ancestors(other, since - 1) for other in others):
                return True
            queue += [root for root in map(flow.root, op.outputs) if len(queue) < _MOST_VALUES and root not in queue]
    return False


def _is_made_of(flow: Flow, op: Op, made: frozenset[int]) -> bool:
    """Whether what an operation reads comes from one of these products, as far as that is known."""
    sources = [flow.facts.sources.get(value) for value in op.inputs if flow.is_data(value) and flow.is_floating(value)]
    return not all(sources) or any(made & {*found} for found in sources if found)


def _along(flow: Flow, op: int, columns: frozenset[int], traits: frozenset[Trait] = _COMPARING_ALONG) -> bool:
    """Whether an operation compares what these columns hold: by atoms; groups of columns are columns too."""
    for kernel in flow.trace.ops[op].kernels:
        if not traits & {*find(kernel.name).traits} or not kernel.inputs:
            continue
        axes = flow.facts.axes_of(kernel.inputs[0])
        dim = kernel.args.get("dim", -1)
        if axes and isinstance(dim, int) and -len(axes) <= dim < len(axes):
            atoms = flow.facts.atoms
            compared = set(atoms.leaves(axes[dim]))
            pieces = [atoms.pieces[leaf] for leaf in compared if leaf in atoms.pieces]  # others are for shared experts
            if columns & compared.union(*(atoms.leaves(piece.whole) for piece in pieces)):
                return True
    return False


def _sorts_rows(flow: Flow, place: int, made: frozenset[int]) -> bool:
    """Whether whole numbers become the rows that each of several matrices gets: compared with a number, then found.

    What takes other whole numbers, scores that were compared, or rows of a table is a step back on a path, a largest
    score, a code.
    """
    since = min((flow.facts.products[position].op for position in made), default=-1)
    queue = [flow.root(place)]
    for value in queue:
        for reader in flow.readers[value][:_MOST_READERS]:
            op = flow.trace.ops[reader]
            if has(op, "finds") and _finds_rows(flow, op, since):
                return True
            if set(names_of(op.kernels)) <= _COMPARING and not any(map(flow.is_floating, op.outputs)):
                queue += [flow.root(v) for v in op.outputs]
    return False


def _finds_rows(flow: Flow, op: Op, since: int) -> bool:
    """Whether an operation gives numbers of rows, or takes rows of data that operation ``since`` has not made."""
    if not any(map(flow.is_floating, op.inputs)):
        return names_of(op.kernels) == ["nonzero"]
    taken = op.inputs[0]
    is_free = flow.is_data(taken) and since not in flow.ancestors(taken, since - 1)
    return is_free or (bool(op.outputs) and flow.chosen_table(op.outputs[0]) is op)


def _chooses_matrices(flow: Flow, place: int) -> bool:
    """Whether whole numbers take matrices out of a stack of weights."""
    readers = (flow.trace.ops[reader] for reader in flow.readers[flow.root(place)])
    return any(flow.chosen_table(op.outputs[0]) is op for op in readers if op.outputs)


def _masks_rows(flow: Flow, place: int, made: frozenset[int]) -> bool:
    """Whether zeros and ones that tell a place find rows, or are multiplied with data that is made of no score.

    What takes rows out of learned ones in this way looks codes up, and sends no row anywhere.
    """
    since = min((flow.facts.products[position].op for position in made), default=-1)
    marked = marked_by(flow, place)
    meets = False
    for value, op in ((v, flow.trace.ops[reader]) for v in marked for reader in flow.readers[v][:_MOST_READERS]):
        meets = meets or (has(op, "finds") and not flow.is_floating(value) and flow.root(op.inputs[0]) == value)
        others = [root for root in map(flow.root, op.inputs) if flow.is_floating(root) and root not in marked]
        if others and (flow.kinds[op.id] == "product" or "mul" in names_of(op.kernels)):
            if len(others) == 1 and flow.facts.tensor(others[0]).role == "weight":
                return False
            meets = meets or any(since not in flow.ancestors(other, since - 1) for other in others)
    return meets


def marked_by(flow: Flow, place: int) -> tuple[int, ...]:
    """Zeros and ones at a place in each row, and what small operations make of them."""
    queue, marked = [flow.root(place)], dict[int, None]()
    for value in queue:
        for op in (flow.trace.ops[reader] for reader in flow.readers[value][:_MOST_READERS]):
            marks = "scatter" in names_of(op.kernels) and not any(map(flow.is_floating, op.outputs))
            if len(queue) < _MOST_VALUES and (marks or (value in marked and flow.kinds[op.id] in _COUNTED)):
                found = [root for root in map(flow.root, op.outputs) if root not in queue]
                marked.update(dict.fromkeys(found))
                queue += found
    return tuple(marked)


def drafts(flow: Flow, collected: Collected, router_roles: Mapping[int, Role]) -> tuple[Draft, ...]:
    """All steps, with what follows a router as one: softmax, bias, groups, top-k, normalisation."""
    found = list(collected.drafts)
    graph = Graph(found)
    for place in reversed([i for i, draft in enumerate(found) if draft.key in router_roles]):
        members = _choice(flow, found, place)
        if members:
            chosen = _joined(flow, found[place], [found[i] for i in members], graph)
            gone = {found[i].key for i in members}
            found[members[0]] = chosen
            found = [draft for i, draft in enumerate(found) if i == members[0] or draft.key not in gone]
    return tuple(found)


def _choice(flow: Flow, drafts: Sequence[Draft], place: int) -> list[int]:
    """The small steps behind a router that read nothing but its scores, if one of them chooses."""
    known = {drafts[place].result.value}
    members: list[int] = []
    for index in range(place + 1, len(drafts)):
        draft = drafts[index]
        reads = any(operand.value in known for operand in draft.operands)
        foreign = any(o.origin == "data" and o.value not in known for o in draft.operands)
        if draft.kind not in _SMALL or not reads or foreign:
            break
        members.append(index)
        known |= {result.value for result in draft.results}
    chooses = any(drafts[i].kind == "route" or _names_best(flow, drafts[i]) for i in members)
    return members if len(members) > 1 and chooses else []


def _names_best(flow: Flow, draft: Draft) -> bool:
    """Whether a step says which number of each row is the largest."""
    places = [ref.value for ref in draft.results if ref.value >= 0 and not flow.is_floating(ref.value)]
    return draft.kind == "reduce" and bool(places) and any(has(flow.trace.ops[op], "best") for op in draft.ops)


def _joined(flow: Flow, router: Draft, members: Sequence[Draft], graph: Graph) -> Draft:
    inside = {member.key for member in members}
    results = [
        result
        for member in members
        for result in member.results
        if any(reader.key not in inside for reader in graph.readers(result.value))
    ]
    results = (results or list(members[-1].results))[-2:]
    scores = router.result
    own = _columns_of(flow, scores.value)
    of_columns = any(_may_choose(flow, op) and _along(flow, op, own) for member in members for op in member.ops)
    chosen = min((_n_chosen(result.shape, scores.shape) for result in results), default=0) if of_columns else 0
    notes = (Phrase("{k} of {n}", {"k": chosen, "n": scores.columns}),) if 0 < chosen < scores.columns else ()
    return replace(
        members[0],
        ops=tuple(op for member in members for op in member.ops),
        kind="route",
        operands=(scores,),
        results=tuple(results),
        role=Role.CHOOSE_EXPERTS,
        function="top-k",
        calls=(),
        weights=tuple(weight for member in members for weight in member.weights),
        notes=notes,
    )


def _n_chosen(chosen: tuple[int, ...], scores: tuple[int, ...]) -> int:
    """How many columns of each row are chosen: one, if the result has a number for each row."""
    return 1 if prod(chosen) == prod(scores[:-1]) else chosen[-1] if chosen else 0


def choice_roles(flow: Flow, graph: Graph, router_roles: Mapping[int, Role]) -> Mapping[int, Role]:
    """The steps that choose keys, blocks of them, or queries, by how queries and keys agree; or experts, by a sum."""
    found = {}
    for draft in graph.drafts:
        if draft.kind == "route" and draft.role is Role.OTHER and draft.function == "top-k":
            makers = [graph.maker(draft.operands[0].value)]
            for maker in makers:
                if maker is None or len(makers) > _MOST_READERS:
                    continue
                if maker.role is Role.ATTENTION_WEIGHTS or maker.kind in ("scores", "contraction"):
                    found[draft.key] = (
                        Role.CHOOSE_QUERIES if _are_asking(flow, graph, draft, maker) else Role.CHOOSE_KEYS
                    )
                elif maker.key in router_roles:
                    found.setdefault(draft.key, Role.CHOOSE_EXPERTS)
                elif maker.kind in _SMALL:
                    makers += [graph.maker(ref.value) for ref in maker.operands[:1]]
    return found


def _are_asking(flow: Flow, graph: Graph, choice: Draft, scores: Draft) -> bool:
    """Whether what is compared counts rows that queries alone have, of all that a product of theirs with keys reads."""
    products = [flow.facts.products[place] for place in flow.facts.of_op.get(scores.order, ())[:1]]
    asked = [graph.maker(ref.value) for ref in scores.operands[:1]]
    if not products or not asked or asked[0] is None or asked[0].role is not Role.QUERY:
        return False
    atoms, (product,) = flow.facts.atoms, products
    rows = frozenset({*atoms.flat((*product.batch, product.m))} - {*atoms.leaves(product.n)})
    return any(_along(flow, op, rows) for op in choice.ops)
