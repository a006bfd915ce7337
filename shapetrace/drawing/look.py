"""Choices about how a figure looks; what it shows is chosen by `shapetrace.drawing.figure` itself."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias, get_args

from shapetrace.drawing.widths import COLUMN_PX, check
from shapetrace.errors import UsageError

View: TypeAlias = Literal["overview", "rows", "map", "story", "mesh"]

MAX_ROWS = 60

HIDEABLE: dict[str, frozenset[str]] = {
    "norms": frozenset({"norm"}),
    "residuals": frozenset({"residual"}),
    "activations": frozenset({"activation"}),
    "positions": frozenset({"position"}),
    "pointwise": frozenset({"pointwise", "add", "multiply"}),
    "routing": frozenset({"route", "reduce", "select"}),
}
"""What `Look.hide` understands: word → kinds of steps."""


@dataclass(frozen=True, slots=True)
class Look:
    """How a figure looks.

    Attributes:
        width_px: The most it may be wide, 300 to 1200; wider than a column of text only where it was asked for.
        title: Instead of its own title; "" for none, None for its own.
        bare: True for a figure without heading and legend.
        caption: A line below it.
        dims: What is written at the edges: sizes, their names where known, or names there and sizes below.
        hide: Words of `HIDEABLE` whose steps are left out.
        list_alike: True to give every one of several equal products its own row.
        expand: True to give norms and residual adds rows of their own, and sections frames of their own.
        view: Of a whole model: ``overview`` draws products to scale, norms and residual sums as marks, what repeats
            once; ``rows`` every step in a row of its own; ``map`` boxes and arrows on one screen; ``story`` on one
            page, only what multiplies.
        follow: A position to follow, its number from 1 on or its word; "" for none.
        entry: Row and column, from 1 on, of an entry of one product; None for none.
        animate: True to let what a generation computes appear step by step, where a figure may move.
        max_rows: The most rows; sections beyond are drawn as one row each.
        templates: Folder of the user, whose themes and labels come before ours.
    """

    width_px: float = COLUMN_PX
    title: str | None = None
    bare: bool = False
    caption: str = ""
    dims: Literal["numbers", "names", "both"] = "numbers"
    hide: tuple[str, ...] = ()
    list_alike: bool = False
    expand: bool = False
    view: View = "overview"
    follow: str = ""
    entry: tuple[int, int] | None = None
    animate: bool = False
    max_rows: int = MAX_ROWS
    templates: Path | None = None

    def __post_init__(self) -> None:
        """Check what a user may have typed; 700 and 700.0 are the same width, and make the same figure."""
        check(self.width_px)
        object.__setattr__(self, "width_px", float(self.width_px))
        object.__setattr__(self, "follow", str(self.follow).strip())
        object.__setattr__(self, "entry", _pair(self.entry))
        if self.entry and self.follow:
            raise UsageError("follow marks a row, entry an entry of one product: leave one of them out")
        if self.entry and self.view in {"map", "mesh", "story"}:
            raise UsageError(f"an entry is of one product, the {self.view} shows many: choose a step instead")
        if self.dims not in {"numbers", "names", "both"}:
            raise UsageError(f"dims is {self.dims!r}; expected numbers, names or both")
        if self.view not in get_args(View):
            raise UsageError(
                f"view is {self.view!r}; expected {', '.join(get_args(View)[:-1])} or {get_args(View)[-1]}"
            )
        if self.follow and self.view in {"map", "mesh"}:
            raise UsageError(f"the {self.view} has no rows to follow: choose the overview, rows or the story")
        if not 1 <= self.max_rows <= MAX_ROWS:
            raise UsageError(f"max_rows is {self.max_rows}; expected 1 to {MAX_ROWS}")
        unknown = [word for word in self.hide if word not in HIDEABLE]
        if unknown:
            raise UsageError(f"cannot hide {', '.join(unknown)}; expected some of {', '.join(HIDEABLE)}")

    @property
    def hidden_kinds(self) -> frozenset[str]:
        """Kinds of steps that are left out."""
        return frozenset().union(*(HIDEABLE[word] for word in self.hide))


def _pair(entry: object) -> tuple[int, int] | None:
    """``2,5``, or two numbers."""
    if entry is None or entry == "":
        return None
    parts = entry.split(",") if isinstance(entry, str) else entry
    try:
        row, column = (int(part) for part in parts)  # type: ignore[attr-defined]
    except (TypeError, ValueError):
        raise UsageError(f"entry is {entry!r}; expected a row and a column, as in 2,5") from None
    return row, column
