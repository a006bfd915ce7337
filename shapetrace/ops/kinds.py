"""What sort of thing an operation is, told by the kernels that it ran."""

from collections.abc import Iterable

from shapetrace.ir import Kernel, Op
from shapetrace.ops.registry import OpKind, Trait, find, plain_name

__all__ = ["OpKind", "all_have", "has", "is_factory", "kernel_kind", "names_of", "op_kind"]

_PRIORITY: tuple[OpKind, ...] = (
    "collective", "product", "lookup", "norm", "softmax", "route", "unknown", "algebra", "reduce", "index", "cat",
    "pointwise", "cast", "layout", "read",
)  # fmt: skip


def kernel_kind(name: str) -> OpKind:
    """Kind of one kernel by its qualified name; an unlisted one is unknown."""
    return find(name).kind


def op_kind(op: Op) -> OpKind:
    """Kind of an operation: that of its most telling kernel."""
    if "attention" in find(op.name).traits:
        return "product"
    if "dropout" in op.name:
        return "dropout"
    kinds = {kernel_kind(kernel.name) for kernel in op.kernels}
    return next((kind for kind in _PRIORITY if kind in kinds), "layout")


def is_factory(op: Op) -> bool:
    """Whether an operation makes its result from nothing but sizes."""
    return bool(op.kernels) and all(find(kernel.name).factory for kernel in op.kernels)


def has(op: Op, trait: Trait) -> bool:
    """Whether a kernel of an operation has a trait."""
    return any(trait in find(kernel.name).traits for kernel in op.kernels)


def all_have(op: Op, trait: Trait) -> bool:
    """Whether all kernels of an operation have a trait."""
    return bool(op.kernels) and all(trait in find(name).traits for name in names_of(op.kernels))


def names_of(kernels: Iterable[Kernel]) -> list[str]:
    """Base names of kernels, in-place forms as the plain ones; without what autograd detaches to keep."""
    names = [plain_name(kernel.name) for kernel in kernels]
    return [name for name in names if name != "detach"] or names


def work_of(op: Op) -> list[str]:
    """Base names of the kernels of an operation that do more than copy, cast and lay values out."""
    return names_of(kernel for kernel in op.kernels if kernel_kind(kernel.name) not in ("layout", "cast"))
