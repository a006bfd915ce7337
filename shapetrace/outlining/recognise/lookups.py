"""What is looked up: tokens, positions, or what an example or a token has besides."""

from shapetrace.ir import Op
from shapetrace.ops.kinds import OpKind, names_of
from shapetrace.outlining.axis_roles import AxisRoles
from shapetrace.outlining.flow import Flow
from shapetrace.outlining.roles import Role

_RUNNING = frozenset({"cumsum"})
_COUNTING: frozenset[OpKind] = frozenset({"pointwise", "cast", "layout"})


def lookup_role(flow: Flow, axis_roles: AxisRoles, op: Op, ids: int) -> Role:
    """What is looked up, by where the ids come from: an input's are tokens, counted ones are positions.

    What is added to an earlier lookup or to a product is no token, but says something of one; nor is a number
    that an example has, which no other row is beside.
    """
    root = flow.root(ids)
    if flow.facts.tensor(root).origin == "input":
        tells = _is_added_to_others(flow, op) or _is_of_an_example(flow, axis_roles, ids)
        return Role.LOOKUP if tells else Role.LOOKUP_TOKENS
    counted = (names_of(op.kernels) for op, _ in flow.behind(root, _COUNTING))
    if any(flow.root(value) in flow.token_tables for value in op.inputs):
        return Role.LOOKUP_TOKENS
    return Role.LOOKUP_POSITIONS if any(_RUNNING & set(names) for names in counted) else Role.LOOKUP


def _is_added_to_others(flow: Flow, op: Op) -> bool:
    """Whether rows are added to those of an earlier lookup, or to a product's that is not made of them."""
    made = flow.root(op.outputs[0])
    readers = [flow.trace.ops[reader] for reader in flow.readers[made]]
    beside = [v for reader in readers if names_of(reader.kernels) == ["add"] for v in reader.inputs]
    others = [other for value in beside if flow.root(value) != made and (other := flow.op_of(value)) is not None]
    return any(
        other.id < op.id and flow.is_data(other.outputs[0])
        if flow.kinds[other.id] == "lookup"
        else flow.kinds[other.id] == "product" and op.id not in flow.ancestors(other.outputs[0], since=op.id - 1)
        for other in others
    )


def _is_of_an_example(flow: Flow, axis_roles: AxisRoles, ids: int) -> bool:
    """Whether ids are one for each example: given as such, or a column of several that have their own tables."""
    facts = flow.facts
    rows = {leaf for leaf in facts.atoms.flat(facts.axes_of(ids)) if facts.atoms.size((leaf,)) > 1}
    root = flow.root(ids)
    if not rows or not rows <= axis_roles.examples:
        return False
    return len(facts.tensor(root).shape) == 1 or len(flow.tables_by_ids[root]) > 1
