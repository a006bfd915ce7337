"""The choice of experts: everything between the router's scores and the chosen few is one step."""

from shapetrace.outlining.drafts import Draft, Ref
from shapetrace.outlining.structure import Note
from shapetrace.outlining.tree import Node

_SMALL = frozenset({"softmax", "activation", "add", "multiply", "pointwise", "reduce", "route", "select", "norm"})


def join_routes(root: Node) -> None:
    """In every section, draw what follows a router as one step: softmax, bias, groups, top-k, normalisation."""
    read = _readers(root)
    for node in root.sections():
        routers = [i for i, item in enumerate(node.items) if isinstance(item, Draft) and item.title == "Router"]
        for place in reversed(routers):
            _join(node, place, read)


def _join(node: Node, place: int, read: dict[int, list[Draft]]) -> None:
    router = node.items[place]
    assert isinstance(router, Draft)
    scores = router.results[0]
    known = {scores.value}
    members: list[Draft] = []
    for item in node.items[place + 1 :]:
        if not isinstance(item, Draft) or item.kind not in _SMALL:
            break
        if not any(o.value in known for o in item.operands):
            break
        if any(o.role == "data" and o.value not in known for o in item.operands):
            break
        members.append(item)
        known |= {result.value for result in item.results}
    last = max((i for i, item in enumerate(members) if item.kind == "route"), default=-1)
    if last < 0 or len(members) < 2:
        return
    node.items[place + 1 : place + 1 + len(members)] = [_joined(scores, members, read)]


def _joined(scores: Ref, members: list[Draft], read: dict[int, list[Draft]]) -> Draft:
    inside = {id(member) for member in members}
    results = [
        result
        for member in members
        for result in member.results
        if result.value is not None and any(id(reader) not in inside for reader in read.get(result.value, ()))
    ]
    results = results or members[-1].results
    first = members[0]
    joined = Draft([op for m in members for op in m.ops], "route", "Choose experts", "top-k", [scores], results[-2:],
                   first.call, first.path, first.order)  # fmt: skip
    joined.weights = [weight for member in members for weight in member.weights]
    chosen = min((result.shape[-1] for result in results if result.shape), default=0)
    if 0 < chosen < scores.shape[-1]:
        joined.notes = [Note("{k} of {n}", {"k": chosen, "n": scores.shape[-1]})]
    return joined


def _readers(root: Node) -> dict[int, list[Draft]]:
    found: dict[int, list[Draft]] = {}
    for draft in root.drafts():
        for operand in draft.operands:
            if operand.value is not None:
                found.setdefault(operand.value, []).append(draft)
    return found
