"""What a map is made of before it has places: boxes, joins and frames, in chains that run one below the other."""

from dataclasses import dataclass
from typing import Literal, TypeAlias, Union

from shapetrace.outlining.structure import Operand, Section, Step

NodeKind = Literal["box", "norm", "add_norm", "join", "words", "given", "frame"]
"""box: a sublayer with its weights. join: data added to data, or to a table. add_norm: a residual and the norm its
sum goes into alone. words: small steps between boxes. given: an input, or the result. frame: layers that are alike."""

Sublayer = Literal["", "attention", "mlp", "experts", "lookup"]
"""What a box is, where a role of its steps tells."""


@dataclass(frozen=True, slots=True)
class Node:
    """One thing on the map.

    Attributes:
        kind: What sort of thing.
        steps: The steps that it stands for, in order; of a frame, all below it.
        section: The section that it is, if it is one.
        sublayer: What a box is.
        value: What is given; of a join, the table or constant that is added.
        inside: Of a frame, what is in it; None if it is closed.
        copies: How many boxes that are alike, read the same and are read together it stands for.
        like: Of a closed frame, what one above it has that shows the same but for what is said of scores; None if none.
        main: Nodes of the same flow that made what it goes on with, by number; () if that comes from outside.
        beside: Nodes of the same flow that made something else that it reads: what an encoder hands over.
        enters: Whether what it reads from outside of its frame, if anything, is what the layers add to.
        older: Of a join, the node to whose result something is added; -1 if that entered the flow; None: no residual.
    """

    kind: NodeKind
    steps: tuple[Step, ...] = ()
    section: Section | None = None
    sublayer: Sublayer = ""
    value: Operand | None = None
    inside: "Flow | None" = None
    copies: int = 1
    like: tuple[Step, ...] | None = None
    main: tuple[int, ...] = ()
    beside: tuple[int, ...] = ()
    enters: bool = True
    older: int | None = None

    @property
    def repeat(self) -> int:
        """How many layers it stands for."""
        return self.section.repeat if self.section is not None else 1


Chain: TypeAlias = tuple[Union[int, "Fork"], ...]
"""Numbers of nodes, each of which goes on with what the one before it made, and forks between them."""


@dataclass(frozen=True, slots=True)
class Fork:
    """Chains side by side.

    Attributes:
        chains: From left to right.
    """

    chains: tuple[Chain, ...]


@dataclass(frozen=True, slots=True)
class Flow:
    """Nodes and how they stand.

    Attributes:
        nodes: All of them, in the order of execution.
        chain: Every node once.
    """

    nodes: tuple[Node, ...]
    chain: Chain
