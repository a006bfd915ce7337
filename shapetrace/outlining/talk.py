"""What is laid out around a collective, and for it alone: pieces in the order in which ranks send and get them."""

from collections.abc import Sequence
from math import prod

from shapetrace.ir import Op
from shapetrace.ops.kinds import OpKind
from shapetrace.ops.registry import find
from shapetrace.outlining.analysis import Facts

_LONGEST_WAY = 6
"""Operations between a collective and the first or last that lays out for it, at most."""

_LAYING_OUT = ("cat", "layout")


class Talk:
    """Answers about the collectives of one trace.

    Attributes:
        receives: Whether values come from another rank that this one did not ask with values of its own.
    """

    def __init__(self, facts: Facts, kinds: Sequence[OpKind]) -> None:
        self._facts = facts
        self._kinds = kinds
        self._talks = "collective" in kinds
        spoken = (kernel for op in facts.trace.ops if kinds[op.id] == "collective" for kernel in op.kernels)
        self.receives = any(find(kernel.name).talk == "receive" for kernel in spoken)

    def rearranges(self, op: Op) -> bool:
        """Whether an operation only puts in order what ranks send, or what came from them."""
        if not self._talks or self._kinds[op.id] not in _LAYING_OUT:
            return False
        return self.is_sent(op) or (self._kinds[op.id] == "cat" and self.gathered_by(op) is not None)

    def gathered_by(self, op: Op) -> int | None:
        """The collective whose result an operation only puts together: parts that came in rows, side by side."""
        found = {self._behind_layout(value) for value in op.inputs}
        return found.pop() if len(found) == 1 else None

    def _behind_layout(self, value: int) -> int | None:
        for _ in range(_LONGEST_WAY):
            producer = self._facts.producer.get(value)
            if producer is None or self._kinds[producer] == "collective":
                return producer
            if self._kinds[producer] != "layout" or not self._facts.trace.ops[producer].inputs:
                return None
            value = self._facts.trace.ops[producer].inputs[0]
        return None

    def is_sent(self, op: Op, most: int = _LONGEST_WAY) -> bool:
        """Whether all that reads what an operation lays out is a collective, or lays it out for one."""
        users = {user for value in op.outputs for user in self._facts.users.get(value, ())}
        if not users or most == 0 or not op.inputs:
            return False
        return all(
            self._kinds[user] == "collective"
            or (self._kinds[user] in _LAYING_OUT and self.is_sent(self._facts.trace.ops[user], most - 1))
            for user in users
        )

    def laid_out(self, value: int) -> int:
        """The last form of a value that is laid out anew, each time by the one operation that reads it."""
        sizes = self._facts.tensor(value).shape
        while len(users := list(self._facts.users.get(value, ()))) == 1:
            op = self._facts.trace.ops[users[0]]
            after = op.outputs[0] if op.outputs else -1
            if self._kinds[op.id] != "layout" or after <= value or prod(self._facts.tensor(after).shape) != prod(sizes):
                break
            value = after
        return value
