"""How nodes stand: below the one that made what they go on with, or beside it where two go on with the same."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field

from shapetrace.drawing.mapping.chart import Chain, Fork, Node


@dataclass(eq=False)
class _Branch:
    """A chain that is being made.

    Attributes:
        items: What is in it so far.
        fork: What it has parted into at its end, if it has.
    """

    items: list[int | Fork] = field(default_factory=list)
    fork: list["_Branch"] = field(default_factory=list)

    @property
    def end(self) -> int:
        last = self.items[-1] if self.items else -1
        return last if isinstance(last, int) else -1

    def all(self) -> Iterator["_Branch"]:
        """This branch and all that it has parted into."""
        yield self
        for branch in self.fork:
            yield from branch.all()

    def close(self) -> None:
        """Take what it has parted into as done."""
        for branch in self.fork:
            branch.close()
        if len(self.fork) == 1:
            self.items += self.fork[0].items
        elif self.fork:
            self.items.append(Fork(tuple(tuple(branch.items) for branch in self.fork)))
        self.fork = []


def staged(nodes: Sequence[Node]) -> Chain:
    """Put every node below what it goes on with, in one chain that parts and comes together again."""
    root = _Branch()
    for number, node in enumerate(nodes):
        reading = [branch for branch in root.all() if not branch.fork and branch.end in node.main]
        if len(reading) == 1:
            reading[0].items.append(number)
        elif reading:
            _merge(root, reading).items.append(number)
        else:
            _begin(root, number, node)
    root.close()
    return tuple(root.items)


def _begin(root: _Branch, number: int, node: Node) -> None:
    """Begin a branch beside what goes on with the same, or beside everything."""
    for branch in root.all():
        places = [place for place, item in enumerate(branch.items) if _holds(item, node.main)]
        if not places:
            continue
        cut = places[-1] + 1
        if cut < len(branch.items):
            branch.fork, branch.items = [_Branch(branch.items[cut:], branch.fork)], branch.items[:cut]
        branch.fork.append(_Branch([number]))
        return
    root.fork.append(_Branch([number]))


def _holds(item: int | Fork, made: Collection[int]) -> bool:
    """Whether one of some nodes is an item, or they are ends of its chains."""
    if isinstance(item, int):
        return item in made
    return bool(made) and {chain[-1] for chain in item.chains}.issuperset(made)


def _merge(root: _Branch, reading: Sequence[_Branch]) -> _Branch:
    """Bring branches together; gives the one that goes on."""
    trunk = next(
        branch
        for branch in reversed(list(root.all()))
        if all(any(each is other for other in branch.all()) for each in reading)
    )
    members = [branch for branch in trunk.fork if any(each in branch.all() for each in reading)]
    for branch in members:
        branch.close()
    if len(members) == len(trunk.fork) and trunk is not root:
        trunk.close()
        return trunk
    merged = _Branch([Fork(tuple(tuple(branch.items) for branch in members))])
    place = trunk.fork.index(members[0])
    trunk.fork = [branch for branch in trunk.fork if branch not in members]
    trunk.fork.insert(place, merged)
    return merged
