"""What a model gives back: results that nothing else is made of, and among them scores of the words that it reads."""

from collections.abc import Container

from shapetrace.ops.kinds import names_of
from shapetrace.outlining.drafts import Draft, Graph
from shapetrace.outlining.flow import Flow
from shapetrace.outlining.roles import Role

_HEAVY = frozenset({"product", "contraction", "scores", "weighted_sum", "convolution", "norm", "lookup"})
_MIXING = frozenset({"residual", "add", "multiply"})
_MOST_STEPS = 60


class Leaving:
    """Whether a model gives a result back, and nothing is multiplied with it or added to a stream on the way.

    Results of products of the same data may stand beside it, a head for each codebook; and those of products with the
    same weights, of which the last one decides: a loop multiplies with a head again and again, and may read what it
    gave before.
    """

    def __init__(self, flow: Flow, graph: Graph, losses: Container[int] = ()) -> None:
        """Read a pass.

        Args:
            flow: Its values.
            graph: Its steps.
            losses: Keys of the steps that measure an error by what is given back.
        """
        self._flow = flow
        self._graph = graph
        self._losses = losses
        self._known: dict[int, bool] = {}

    def __call__(self, draft: Draft) -> bool:
        again = self._graph.times(draft.weight.value) or [draft]
        if again[0].key not in self._known:
            self._known[again[0].key] = self._leave(again)
        return self._known[again[0].key]

    def _leave(self, again: list[Draft]) -> bool:
        ways = [_reached(self._flow, self._graph, draft.result.value) for draft in again]
        given = all(chooses or results & self._flow.outputs for _, results, chooses in ways)
        own = {value for _, results, _ in ways for value in results}
        beside = {
            other.result.value
            for draft in again
            for other in self._graph.readers(draft.data.value)
            if other.kind == "product" and other.data.value == draft.data.value
        }
        after = [each for each in ways[-1][0] if each.role is not Role.LOSS and each.key not in self._losses]
        if not given or any(self._works_on(each, own) for each in after):
            return False
        return not any(joins(self._flow, each, own | beside) for each in after)

    def _works_on(self, draft: Draft, own: set[int]) -> bool:
        """Whether a step makes more of results than a score of each: multiplies them, or mixes other data in."""
        return draft.kind in _HEAVY or (draft.kind in _MIXING and joins(self._flow, draft, own))


class Words:
    """Tables of words, and which products make a score for each row of one.

    Words are read before they are scored. A table whose rows are looked up once a product with it has chosen them is a
    codebook: the nearest code stands for what was compared.
    """

    def __init__(self, flow: Flow, graph: Graph, losses: Container[int] = ()) -> None:
        self._flow = flow
        self._graph = graph
        lookups = [draft for draft in graph.drafts if draft.kind == "lookup"]
        self._tables = {ref.value for draft in lookups for ref in draft.operands[1:]}
        tokens = [draft for draft in lookups if draft.role is not Role.LOOKUP_POSITIONS and self._is_read_alone(draft)]
        self._rows = [(draft.operands[1].shape[0], self._positions(draft.result.value)) for draft in tokens]
        self._first = {ref.value: draft.key for draft in reversed(lookups) for ref in draft.operands[1:]}
        self._leaves = Leaving(flow, graph, losses)

    def are_scored_by(self, draft: Draft) -> bool:
        """Whether a product has a column for each word, and the model gives it back or chooses a word by it."""
        in_table = draft.weight.value in self._tables
        if not in_table and not self._has_a_column_for_each(draft):
            return False
        if self.are_codes_for(draft) or self._is_of_a_distance(draft):
            return False
        return in_table or self._leaves(draft)

    def _is_read_alone(self, lookup: Draft) -> bool:
        """Whether rows are words by themselves, and are not added to those of a word."""
        added = any(each.kind == "add" for each in self._graph.readers(lookup.result.value))
        return lookup.role is Role.LOOKUP_TOKENS or not added

    def _has_a_column_for_each(self, draft: Draft) -> bool:
        """Whether a product has as many columns as a table has words that are read at the same positions.

        That two tables have equally many rows says nothing of a decoder whose encoder reads the other one.
        """
        fits = [positions for n_words, positions in self._rows if n_words == draft.result.columns]
        if not fits or draft.result.value < 0:
            return bool(fits)
        read = {atom for _, positions in self._rows for atom in positions}
        rows = read & self._positions(draft.result.value)
        return any(rows <= positions for positions in fits)

    def _positions(self, value: int) -> frozenset[int]:
        """Atoms along which rows are counted, examples among them."""
        atoms, axes = self._flow.facts.atoms, self._flow.facts.axes_of(value)
        return frozenset(leaf for leaf in atoms.flat(axes[:-1]) if atoms.size((leaf,)) > 1)

    def are_codes_for(self, draft: Draft) -> bool:
        """Whether nothing looked rows up in a product's table before it multiplied with it, scaled or as it is."""
        weight, flow = draft.weight.value, self._flow
        made_of = (
            {flow.root(v) for op in flow.ancestors(weight) for v in flow.trace.ops[op].inputs} if weight >= 0 else ()
        )
        tables = self._tables & {weight, *made_of}
        first = min([draft, *self._graph.times(weight)], key=lambda each: each.key).key
        return any(self._first[table] > first for table in tables)

    def _is_of_a_distance(self, draft: Draft) -> bool:
        """Whether other data is added to a product at once: to x·e the squares of x and e, for the nearest code."""
        result, flow = draft.result.value, self._flow
        added = (flow.facts.products[place].bias for place in flow.facts.of_op.get(draft.order, ()))
        if any(value is not None and flow.is_data(value) for value in added):
            return True
        sums = [each for each in self._graph.readers(result) if each.role is not Role.LOSS and self._adds(each)]
        own = _reached(flow, self._graph, result)[1] if sums else set()
        return any(joins(flow, each, own) for each in sums)

    def _adds(self, draft: Draft) -> bool:
        return any({"add", "sub"} & {*names_of(self._flow.trace.ops[op].kernels)} for op in draft.ops)


def _reached(flow: Flow, graph: Graph, value: int) -> tuple[list[Draft], set[int], bool]:
    """The steps that real numbers made of a value reach, their results, and whether something is chosen by them."""
    reached: list[Draft] = []
    results, chooses = {value}, _is_chosen_by(flow, value)
    queue = list(graph.readers(value))
    waiting = {each.key for each in queue}
    for after in queue:
        if len(reached) > _MOST_STEPS:
            break
        reached.append(after)
        for ref in after.results:
            chooses = chooses or _is_chosen_by(flow, ref.value)
            if ref.value >= 0 and not flow.is_floating(ref.value):
                chooses = True
            elif ref.value not in results:
                results.add(ref.value)
                later = [each for each in graph.readers(ref.value) if each.key not in waiting]
                waiting.update(each.key for each in later)
                queue += later
    return reached, results, chooses


def _is_chosen_by(flow: Flow, value: int) -> bool:
    """Whether an operation makes whole numbers of a value: the largest, a sample."""
    readers = (flow.trace.ops[reader] for reader in flow.readers.get(value, ()))
    return any(op.outputs and not any(map(flow.is_floating, op.outputs)) for op in readers)


def joins(flow: Flow, draft: Draft, results: set[int]) -> bool:
    """Whether a step puts other data together with what came from a product."""
    if results & {*draft.also}:
        return False  # one of a stack that is put side by side
    others = [ref.value for ref in draft.operands if ref.origin == "data" and ref.value not in results]
    return any(value >= 0 and flow.is_floating(value) for value in others)
