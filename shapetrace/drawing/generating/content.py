"""What the columns of a generation show: of each pass one attention, what it keeps, its ids and logits, its bill."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from shapetrace.outlining.billing import Bill
from shapetrace.outlining.choice import Choice, choice_in
from shapetrace.outlining.following import Followed
from shapetrace.outlining.roles import Part, Role
from shapetrace.outlining.structure import Operand, Outline, Step


@dataclass(frozen=True, slots=True)
class PassColumn:
    """A pass that has a column.

    Attributes:
        outline: What it means.
        number: Its place among all passes; 0 is the prefill.
        n_before: Tokens that the passes before it have read.
        bill: What it costs.
        choice: How the loop around it chose the next id; None if nobody knows.
        is_cached: Whether rows are kept from pass to pass.
        follow: The row that is followed, as this pass counts rows; None where none is.
    """

    outline: Outline
    number: int
    n_before: int
    bill: Bill
    choice: Choice | None = None
    is_cached: bool = True
    follow: Followed | None = None

    @property
    def ids(self) -> Operand | None:
        """What it reads: the ids of its tokens; of a decoder beside an encoder, the decoder's."""
        return self._sides[1]

    @property
    def source(self) -> Operand | None:
        """Ids that an encoder reads in the same pass; None if there are none."""
        return self._sides[0]

    @property
    def n_tokens(self) -> int:
        """Tokens that it reads of each example, a decoder's beside an encoder."""
        return self.ids.shape[-1] if self.ids else 0

    @property
    def _sides(self) -> tuple[Operand | None, Operand | None]:
        """Ids whose rows are looked at by those of others, and these: axes tell, where attention crosses."""
        steps = list(self.outline.steps())
        ids = {o.value: o for step in reversed(steps) for o in step.operands if o.part == Part.IDS and o.shape}
        of_axis = {operand.axes[-1]: operand for operand in ids.values() if operand.axes}
        for section in self.outline.root.sections():
            for step in section.items if section.crosses else ():
                if isinstance(step, Step) and step.kind == "scores":
                    query, keys = (operand.axes for operand in step.operands[:2])
                    asking, asked = (of_axis.get(axes[place]) for axes, place in ((query, -2), (keys, -1)) if axes)
                    if asking is not None:
                        return asked, asking
        return None, next(reversed(ids.values()), None)

    @property
    def logits(self) -> Operand | None:
        """What it scores the vocabulary with."""
        steps = (step for step in self.outline.steps() if step.role == Role.UNEMBED and step.results)
        return next((step.results[0] for step in steps), None)

    @property
    def chosen(self) -> Choice:
        """How the next id is chosen: in the pass itself, where that goes on to ids; else in the loop."""
        trace, logits = self.outline.trace, self.logits
        inside = choice_in(trace, logits.value) if trace is not None and logits is not None else None
        return inside or self.choice or Choice()


def is_before(column: PassColumn, columns: Sequence[PassColumn]) -> bool:
    """Whether a pass scores nothing, and others do: an encoder that is run by itself."""
    return column.logits is None and any(each.logits for each in columns)


@dataclass(frozen=True, slots=True)
class Kept:
    """Rows of one kind that an attention keeps, in one pass.

    Attributes:
        new: The rows that this pass makes.
        before: Those that it found; None if there were none.
        in_place: Whether they are written into a buffer that does not grow.
        n_written: How many of the new rows are kept: fewer than there are where a window drops the others.
    """

    new: Operand
    before: Operand | None = None
    in_place: bool = False
    n_written: int = 0

    @property
    def is_whole(self) -> bool:
        """Whether all of it was kept before, and this pass adds nothing."""
        return not self.new.shape[-2]

    @property
    def n_rows(self) -> int:
        """Rows that attention reads."""
        found = self.before.shape[-2] if self.before else 0
        return found + (0 if self.in_place else self.new.shape[-2])


@dataclass(frozen=True, slots=True)
class Attended:
    """One attention in one pass.

    Attributes:
        steps: All steps of its section.
        scores: Queries times keys.
        summed: Weights times values; None if nobody found it.
        kept: What it keeps, in the order of the steps of the pass that keeps most.
        given: Keys and values of another sequence that an earlier pass has made; () where this one does.
    """

    steps: tuple[Step, ...]
    scores: Step
    summed: Step | None
    kept: tuple[Kept | None, ...] = ()
    given: tuple[Operand, ...] = ()

    @property
    def query(self) -> Operand:
        """The rows that look."""
        return self.scores.operands[0]

    @property
    def expanded(self) -> tuple[Operand, ...]:
        """Keys and values that are not what is kept: made of it, or made again."""
        values = (self.summed.operands[1],) if self.summed else ()
        pair = (turned(self.scores.operands[1]), *values)
        parts = {each.new.part for each in self.kept if each}
        return pair if not parts or not {Part.KEY, Part.VALUE} <= parts else ()


@dataclass(frozen=True, slots=True)
class Layer:
    """One attention in all columns, and how many layers are like it.

    Attributes:
        path: Of its section, in the first column.
        repeat: Layers that it stands for.
        columns: It in each column; None where a pass does not run it.
        crosses: Whether its keys and values are of another sequence.
    """

    path: str
    repeat: int
    columns: tuple[Attended | None, ...]
    crosses: bool = False

    @property
    def n_kept(self) -> int:
        """Kinds of rows that it keeps."""
        return len(self.passes[0].kept)

    @property
    def passes(self) -> tuple[Attended, ...]:
        """It in the columns whose passes run it."""
        return tuple(each for each in self.columns if each)

    @property
    def is_once(self) -> bool:
        """Whether later passes do not run it: that of an encoder."""
        return self.columns[-1] is None


def turned(operand: Operand) -> Operand:
    """Kᵀ as K: (d, T) -> (T, d)."""
    if not operand.transposed or len(operand.shape) < 2:
        return operand
    shape, axes, dims = operand.shape, operand.axes, operand.dims
    return replace(
        operand, transposed=False, shape=(*shape[:-2], shape[-1], shape[-2]),
        axes=(*axes[:-2], *axes[:-3:-1]), dims=(*dims[:-2], *dims[:-3:-1]),
    )  # fmt: skip
