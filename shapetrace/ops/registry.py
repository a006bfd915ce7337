"""The one registry of kernels: what is known of each, under its name. `shapetrace.ops.kernels` holds the entries."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from shapetrace.ops.axis_rules import Rule
    from shapetrace.ops.products import Reader

OpKind = Literal[
    "product", "lookup", "norm", "softmax", "route", "algebra", "reduce", "index", "cat", "pointwise", "cast", "layout",
    "dropout", "read", "collective", "unknown",
]  # fmt: skip
Talk = Literal["", "all_reduce", "all_gather", "reduce_scatter", "all_to_all", "broadcast", "reduce", "send", "receive"]
Value = Literal["", "unknown", "shape_only", "assertion"]
Trait = Literal[
    "attention", "hides", "picks", "best", "finds", "sums", "peak", "angle", "rotates",
    "keeps form", "alone", "overwrites", "writes",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Entry:
    """What is known of one kernel.

    Attributes:
        kind: What sort of thing it is.
        word: What people call it; "" for its own name.
        axes: What it does to the axes of its operands; None: element-wise if the shapes say so, else new axes.
        product: Reads it as matrix products, FLOPs with them; None for what multiplies no matrices.
        activation: Name of the activation that it computes by itself.
        norm: Name of the normalisation that it computes by itself.
        factory: Whether it makes its result from nothing but sizes: never what an operation is about.
        value: What its result holds, where its schema and tags do not say it. unknown: nothing yet. shape_only: what
            follows from its operands' shapes. assertion: nothing; it looks at its operand.
        shape: Name of the rule in `capture.meta_shapes` that makes its result on meta; "" leaves that to PyTorch.
        talk: Of a collective: how ranks talk in it.
        formula: The same on Python's numbers: for one element, or for the list of those that it reduces.
        traits: What readers ask for. attention: it is a whole attention. hides: it leaves some elements out.
            picks: it takes some of the best or drawn. best: it finds the largest. finds: it takes rows by place.
            sums: it adds elements up. peak: it gives the largest value. angle: it turns an angle into a coordinate.
            rotates: code that rotates pairs uses it. keeps form: what it changes keeps its meaning.
            alone: people name it by itself. overwrites: its in-place form reads nothing of what was there.
            writes: it puts values in some places, by truth values or numbers.
    """

    kind: OpKind
    word: str = ""
    axes: "Rule | None" = None
    product: "Reader | None" = None
    activation: str = ""
    norm: str = ""
    factory: bool = False
    value: Value = ""
    shape: str = ""
    talk: Talk = ""
    formula: Callable[..., Any] | None = None
    traits: tuple[Trait, ...] = ()


ENTRIES: dict[str, Entry] = {}
UNKNOWN = Entry("unknown")
_SPECIAL = Entry("pointwise")
"""The functions of ``torch.special`` are element-wise."""


def kernels(names: str, kind: OpKind, word: str = "", **facts: Any) -> None:
    """Register one entry for kernels, or functions, of these names (without namespace and overload).

    Raises:
        ValueError: If one has an entry.
    """
    if twice := [name for name in names.split() if name in ENTRIES]:
        raise ValueError(f"two entries for the kernel {twice[0]}")
    ENTRIES.update(dict.fromkeys(names.split(), Entry(kind, word, **facts)))
    find.cache_clear()


@lru_cache(maxsize=4096)
def base_name(kernel: str) -> str:
    """``aten.add_.Tensor`` is ``add_``."""
    name = kernel.split(".")
    return name[1] if len(name) > 1 else name[0]


@lru_cache(maxsize=4096)
def plain_name(kernel: str) -> str:
    """``aten.add_.Tensor`` is ``add``, as the form that is not in place."""
    return base_name(kernel).removesuffix("_")


@lru_cache(maxsize=4096)
def find(kernel: str) -> Entry:
    """The entry of a kernel by its name, qualified or not; an in-place form has that of the plain one."""
    base = base_name(kernel)
    found = ENTRIES.get(base) or ENTRIES.get(plain_name(kernel))
    return found or (_SPECIAL if base.startswith("special_") else UNKNOWN)
