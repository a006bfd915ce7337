"""Where the stream begins that residuals add to."""

from collections.abc import Set

from shapetrace.outlining.drafts import Draft, Graph
from shapetrace.outlining.roles import Role
from shapetrace.outlining.structure import StepKind

_STREAMING: frozenset[StepKind] = frozenset(
    {"norm", "add", "position", "pointwise", "multiply", "concat", "select", "route"}
)
_PROJECTED: frozenset[StepKind] = frozenset({*_STREAMING, "product"})
_MOST_VALUES = 40


def begin_streams(graph: Graph) -> frozenset[int] | None:
    """The lookups whose rows become what a residual adds to, projected perhaps; None where there is no residual.

    Rows of other tables are values, conditions or types: of several that are added up the tokens' begin a stream.
    """
    lookups = [draft for draft in graph.drafts if draft.kind == "lookup"]
    if not any(draft.kind == "residual" for draft in graph.drafts):
        return None
    for through in (_STREAMING, _PROJECTED):
        reaching = [draft for draft in lookups if _reaches_residual(graph, draft, through)]
        tokens = [draft for draft in reaching if draft.role is Role.LOOKUP_TOKENS]
        if reaching:
            tables = {draft.operands[1].value for draft in tokens or reaching}
            return frozenset(draft.key for draft in lookups if draft.operands[1].value in tables)
    return frozenset()


def _reaches_residual(graph: Graph, draft: Draft, through: Set[StepKind]) -> bool:
    """Whether what a step makes is what a residual adds to, after steps of some kinds."""
    queue = [draft.result.value]
    for value in queue:
        for after in graph.readers(value):
            if after.kind == "residual":
                if after.operands[0].value == value:
                    return True
            elif after.kind in through and len(queue) < _MOST_VALUES:
                queue += [made.value for made in after.results if made.value not in queue]
    return False
