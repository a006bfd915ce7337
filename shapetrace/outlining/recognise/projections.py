"""Products around attention: what makes latents before it, and what takes its heads back to the stream."""

from collections.abc import Container, Mapping

from shapetrace.outlining.drafts import Draft, Graph
from shapetrace.outlining.flow import Flow
from shapetrace.outlining.recognise.adapters import Adapters
from shapetrace.outlining.recognise.attention import Attention
from shapetrace.outlining.recognise.columns import ATTENTION_INPUTS
from shapetrace.outlining.recognise.crossing import Crossing
from shapetrace.outlining.recognise.recurrences import Recurrence
from shapetrace.outlining.recognise.turns import is_cell
from shapetrace.outlining.roles import CACHING, Part, Role

_CARRYING = frozenset(
    {"concat", "multiply", "norm", "pointwise", "activation", "add", "reduce", "select", "route", "split"}
)
_KEYS = frozenset({Role.KEY, Role.VALUE})
_GATING = frozenset({"sigmoid", "silu", "tanh", "_softmax"})
_READING_STREAMS = frozenset({*ATTENTION_INPUTS, Role.ROUTER})
_FAR = 8


def given_roles(drafts: tuple[Draft, ...], adapters: Adapters, router_roles: Mapping[int, Role]) -> Mapping[int, Role]:
    """Roles that operations and columns alone decide."""
    return {
        **{draft.key: draft.role for draft in drafts if draft.role is not Role.OTHER},
        **adapters.roles,
        **router_roles,
    }


def graph(drafts: tuple[Draft, ...], adapters: Adapters) -> Graph:
    """Who makes and who reads a value."""
    return Graph(drafts, adapters.becomes)


def output_roles(
    flow: Flow, graph: Graph, given_roles: Mapping[int, Role], recurrences: Mapping[int, Recurrence]
) -> Mapping[int, Role]:
    """The products that read what attention weighed, and where heads of their own modules are put side by side."""
    free = [draft for draft in graph.drafts if draft.key not in given_roles]
    joined = {draft.key: Role.CONCAT_HEADS for draft in free if draft.kind == "concat" and _joins_heads(graph, draft)}
    streams = {d.data.value for d in graph.drafts if d.kind == "product" and given_roles.get(d.key) in _READING_STREAMS}
    read = [
        draft
        for draft in free
        if draft.kind == "product"
        and _weighs_heads(graph, draft.data.value, recurrences, streams=streams)
        and not is_cell(flow, draft.order)
    ]
    return {**joined, **{draft.key: Role.OUT_PROJ for draft in read}}


def _joins_heads(graph: Graph, draft: Draft) -> bool:
    """Whether columns of weighted sums are put side by side."""
    makers = [graph.maker(value) for value in (*(ref.value for ref in draft.operands), *draft.also)]
    wider = draft.result.columns > draft.operands[0].columns
    return wider and all(maker is not None and maker.role is Role.WEIGHTED_SUM for maker in makers)


def _weighs_heads(
    graph: Graph,
    value: int,
    recurrences: Mapping[int, Recurrence],
    steps: int = _FAR,
    *,
    streams: Container[int] = (),
) -> bool:
    """Whether a value is the weighted sum of attention, or made from it element by element, gates included.

    Layers that are weighed by attention make a stream, which routers or the next attention read too.
    """
    maker = graph.maker(value)
    if maker is None or steps == 0 or value in streams:
        return False
    if any(ref.part is Part.HEADS for ref in (*maker.results, *maker.operands)):
        return maker.kind in ("weighted_sum", "concat") or maker.role in (Role.READ_STATE, Role.VALUE)
    if not recurrences.keys().isdisjoint(maker.ops):
        return True
    if maker.kind not in _CARRYING:
        return False
    return any(
        _weighs_heads(graph, operand.value, recurrences, steps - 1, streams=streams) for operand in maker.operands
    )


def block_roles(
    flow: Flow, graph: Graph, given_roles: Mapping[int, Role], attentions: tuple[Attention, ...]
) -> Mapping[int, Role]:
    """Keys and values that are compressed along the rows: those of the rows, and the products that compress them.

    (blocks, block, d) is read as (blocks, block · d): rows of one product are columns of the next; or all rows are.
    Rows that were compressed before they became keys and values have the columns of that product as theirs.
    """
    found: dict[int, Role] = {}
    keys = _counted_keys(flow, attentions)
    for draft in graph.drafts:
        role = given_roles.get(draft.key)
        maker = graph.maker(draft.data.value) if draft.kind == "product" and role in _KEYS else None
        if maker is None or maker.kind != "product" or maker.key in given_roles or role is None:
            continue
        atoms, axes = flow.facts.atoms, flow.facts.axes_of
        product = flow.facts.products[flow.facts.of_op[draft.order][0]]
        made = axes(maker.result.value)
        rows, inner = set(atoms.flat(made[:-1])), set(atoms.leaves(product.k))
        if set(atoms.leaves(made[-1])) & keys:
            continue
        if inner & rows and (set(atoms.leaves(made[-1])) & inner or inner <= rows):
            found[maker.key] = role
            found[draft.key] = Role.COMPRESS_KEY if role is Role.KEY else Role.COMPRESS_VALUE
    return found


def _counted_keys(flow: Flow, attentions: tuple[Attention, ...]) -> set[int]:
    """Atoms of the axes of scores along which keys are counted."""
    products = [(flow.facts.products[attention.scores], attention.query_right) for attention in attentions]
    return {leaf for p, turned in products for leaf in flow.facts.atoms.leaves(p.m if turned else p.n)}


def gate_roles(
    flow: Flow, graph: Graph, given_roles: Mapping[int, Role], recurrences: Mapping[int, Recurrence]
) -> Mapping[int, Role]:
    """The products that, activated, weigh what attention gives: a gate for each head, branch or column."""
    found: dict[int, Role] = {}
    for draft in graph.drafts:
        readers = graph.readers(draft.result.value) if draft.kind == "product" else []
        if draft.key in given_roles or len(readers) != 1:
            continue
        names = flow.kernels(readers[0].ops)
        others = [ref.value for ref in readers[0].operands if ref.value != draft.result.value]
        if names & _GATING and "mul" in names and any(_weighs_heads(graph, value, recurrences) for value in others):
            found[draft.key] = Role.SIDE_GATE
    return found


def latent_roles(graph: Graph, given_roles: Mapping[int, Role], crossing: Crossing) -> Mapping[int, Role]:
    """The low-rank products whose columns are expanded to queries, or to keys and values, row by row.

    What an encoder ends in, given another width for all layers that attend to it, is no such product.
    """
    return {
        draft.key: Role.LATENT_DOWN
        for draft in graph.drafts
        if draft.kind == "product"
        and draft.key not in given_roles
        and draft.result.value not in crossing.contexts
        and latent_of(graph, given_roles, draft)
    }


def latent_of(graph: Graph, roles: Mapping[int, Role], draft: Draft) -> Part | None:
    """What a low-rank product is expanded to again; None if it is no such product."""
    found: set[Part] = set()
    columns = 0
    queue = list(graph.readers(draft.result.value))
    for after in queue:
        role = roles.get(after.key)
        if role in ATTENTION_INPUTS:
            if after.operands[0].shape[:-1] != draft.result.shape[:-1] and not _is_cached(graph, after):
                return None
            found.add(Part.LATENT_QUERY if role is Role.QUERY else Part.LATENT_KEY_VALUE)
            columns += sum(result.columns * result.stack for result in after.results)
        elif _is_latent_read(after):
            found.add(Part.LATENT_KEY_VALUE)  # heads have absorbed what would expand it
            columns += after.result.columns + draft.operands[0].columns
        elif after.kind == "residual" or (
            after.kind == "concat"
            and role not in CACHING
            and after.result.columns
            and not _joins_keys(graph, roles, after)
        ):
            return None  # a stream of its own
        elif after.kind == "norm" or (role is Role.SCALE or role in CACHING):
            queue += [later for made in after.results for later in graph.readers(made.value)]
    narrow = draft.result.columns < min(draft.operands[0].columns, columns)
    return found.pop() if narrow and len(found) == 1 else None


def _joins_keys(graph: Graph, roles: Mapping[int, Role], draft: Draft) -> bool:
    """Whether columns are put beside keys that a product made: positions that all heads share."""
    makers = [graph.maker(ref.value) for ref in draft.operands]
    attends = any(map(_is_latent_read, graph.readers(draft.result.value)))
    return attends or any(maker is not None and roles.get(maker.key) in ATTENTION_INPUTS for maker in makers)


def _is_latent_read(draft: Draft) -> bool:
    """Whether attention reads a latent as it is: scores with it, or a weighted sum of it."""
    return draft.kind in ("scores", "weighted_sum") and draft.operands[1].part is Part.LATENT_KEY_VALUE


def _is_cached(graph: Graph, draft: Draft) -> bool:
    """Whether a product reads rows that were kept beside new ones."""
    maker = graph.maker(draft.operands[0].value)
    if maker is not None and maker.kind == "norm":
        maker = graph.maker(maker.operands[0].value)
    return maker is not None and maker.role in CACHING
