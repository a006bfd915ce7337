"""Element-wise kernels and reductions on Python's numbers. Parameters are named as in the kernels' schemas.

A name that Python has for something else ends with ``_``.
"""

import math
from collections.abc import Sequence


def sigmoid(x: float) -> float:
    """1 / (1 + e⁻ˣ)."""
    return 1 / (1 + math.exp(-x)) if x > -700 else 0.0


def relu(x: float) -> float:
    """What is above 0."""
    return max(x, 0.0)


def gelu(x: float, approximate: str = "none") -> float:
    """x·Φ(x), or nearly so by the hyperbolic tangent."""
    if approximate == "tanh":
        return 0.5 * x * (1 + math.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))
    return 0.5 * x * (1 + math.erf(x / math.sqrt(2)))


def softplus(x: float, beta: float = 1, threshold: float = 20) -> float:
    """log(1 + eᵝˣ) / β."""
    return x if x * beta > threshold else math.log1p(math.exp(x * beta)) / beta


def elu(x: float, alpha: float = 1, scale: float = 1, input_scale: float = 1) -> float:
    """The number above 0, eˣ - 1 below."""
    return scale * (x if x > 0 else alpha * math.expm1(x * input_scale))


def selu(x: float) -> float:
    """`elu` with the two numbers that keep mean and variance."""
    return elu(x, 1.6732632423543772, 1.0507009873554805)


def power(self: float, exponent: float) -> float:
    """One to the power of the other."""
    return math.pow(self, exponent)


def clamp(self: float, min_: float = -math.inf, max_: float = math.inf) -> float:
    """What lies between two bounds, or the nearer of them."""
    return min(max(self, min_), max_)


def hardtanh(x: float, min_val: float = -1, max_val: float = 1) -> float:
    """Clamped to [-1, 1]."""
    return clamp(x, min_val, max_val)


def mean(x: Sequence[float]) -> float:
    """Their sum by their number."""
    return sum(x) / len(x)


def var(x: Sequence[float], correction: float | None = None, unbiased: bool = True) -> float:
    """The mean squared distance from the mean."""
    freedom = len(x) - (int(unbiased) if correction is None else correction)
    return sum((value - mean(x)) ** 2 for value in x) / freedom


def std(x: Sequence[float], correction: float | None = None, unbiased: bool = True) -> float:
    """The root of `var`."""
    return math.sqrt(var(x, correction, unbiased))


def var_mean(x: Sequence[float], correction: float | None = None) -> tuple[float, float]:
    """Both."""
    return var(x, correction), mean(x)


def vector_norm(x: Sequence[float], ord_: float = 2) -> float:
    """The root of the sum of squares, or of other powers."""
    return math.pow(sum(math.pow(abs(value), ord_) for value in x), 1 / ord_)
