"""An independent record of the matrix products of a forward pass."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode

Product = tuple[int, int, int, int]
"""batch, the smaller and the larger of m and n, k: the same for A x B and for its transpose."""


class Products(TorchDispatchMode):
    """Counts every mm, addmm, bmm and baddbmm by its shape."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: Counter[Product] = Counter()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = func.overloadpacket.__name__
        if name in ("mm", "bmm", "addmm", "baddbmm"):
            a, b = args[-2:]
            (*batch, m, k), n = a.shape, b.shape[-1]
            self.seen[(batch[0] if batch else 1, min(m, n), max(m, n), k)] += 1
        return func(*args, **(kwargs or {}))


def products(run: Callable[[], object]) -> Counter[Product]:
    """The products of one run. Those with k = 1 are left out: outer products that make rotary angles."""
    with torch.no_grad(), Products() as mode:
        run()
    return Counter({product: n for product, n in mode.seen.items() if product[-1] != 1})
