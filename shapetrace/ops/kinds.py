"""What sort of thing an operation is, told by the kernels that it ran."""

from collections.abc import Iterable, Sequence

from shapetrace.ir import Kernel, Op
from shapetrace.ops.registry import OpKind, Trait, base_name, find

__all__ = ["OpKind", "activation_name", "has", "is_factory", "kernel_kind", "names_of", "norm_name", "op_kind"]

_PRIORITY: tuple[OpKind, ...] = (
    "product", "lookup", "norm", "softmax", "route", "unknown", "algebra", "reduce", "index", "cat", "pointwise",
    "cast", "layout", "read",
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


def names_of(kernels: Iterable[Kernel]) -> list[str]:
    """Base names of kernels, in-place forms as the plain ones; without what autograd detaches to keep."""
    names = [base_name(kernel.name).removesuffix("_") for kernel in kernels]
    return [name for name in names if name != "detach"] or names


def activation_name(kernels: Sequence[str]) -> str:
    """Name of the activation that these element-wise kernels compute, or "" if they are none.

    Written-out forms count: ``0.5·x·(1 + tanh(…x³…))`` is GELU, ``x·sigmoid(x)`` is SiLU, ``relu(x)²`` is ReLU².
    """
    found = [name for name in kernels if find(name).activation]
    names = set(kernels)
    if "tanh" in names and "mul" in names and ("pow" in names or kernels.count("mul") >= 4):
        return "GELU"
    if "erf" in names and "mul" in names:
        return "GELU"
    if found and found[0] == "relu" and ({"pow", "square"} & names or (kernels.count("mul") == 1 and len(names) == 2)):
        return "ReLU²"
    if found == ["softplus", "tanh"]:
        return "Mish"
    if len(set(found)) == 2 and sorted(kernels) == sorted([*found, "mul"]):  # the gate of WaveNet
        return " ⊙ ".join(find(name).activation for name in found)
    if {"sin", "pow"} <= names <= {"sin", "pow", "mul", "add", "reciprocal", "div", "exp"}:
        return "Snake"
    return find(found[0]).activation if found else ""


def norm_name(kernels: Sequence[str]) -> str:
    """Name of the normalisation that these kernels compute, or "" if they are none."""
    names = set(kernels)
    for name in kernels:
        if find(name).norm:
            return find(name).norm
    scales = names & {"rsqrt", "sqrt", "pow", "div", "reciprocal"}
    if names & {"mean", "var", "var_mean", "std"} and scales and names & {"mul", "div"}:
        centred = "sub" in names or names & {"var", "var_mean", "std"}
        return "LayerNorm" if centred and "sub" in names else "RMSNorm" if "rsqrt" in names or "pow" in names else ""
    if "linalg_vector_norm" in names and names & {"div", "mul"}:
        return "L2 norm"
    if {"sum", "rsqrt"} <= names or (
        {"pow", "sum", "div"} <= names <= {"pow", "sum", "div", "add", "sqrt", "clamp_min"}
    ):
        return "L2 norm"
    return ""
