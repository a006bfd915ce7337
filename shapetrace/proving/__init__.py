"""What is varied of a request or of a module's inputs, and the passes at other sizes that prove what sizes are."""

from typing import TYPE_CHECKING, Any

from shapetrace.request import Request

if TYPE_CHECKING:
    import torch

    from shapetrace.api import Trace

__all__ = ["prove", "sizes"]


def prove(request: Request, trace: "Trace") -> "Trace":
    """The same pass with ``sizes``: the model runs at other sizes, on meta where it can.

    A pass that failed is compared with passes that fail at the same operation. One from a file stays as it is.
    """
    from shapetrace.proving import configurations, modules, reference
    from shapetrace.proving.offering import with_offer

    if trace.sizes is not None or request.kind == "file":
        return trace
    if request.kind == "code":
        return with_offer(trace, modules.offer(trace))
    offer = (configurations if request.kind == "huggingface" else reference).offer
    return with_offer(trace, offer(request, trace))


def sizes(model: "torch.nn.Module", /, *args: Any, **kwargs: Any) -> "Trace":
    """Trace ``model(*args, **kwargs)``, and name every size: the model runs again with other inputs.

    The axes of the inputs are varied; which of them go together follows from what ran. A variation that the model
    refuses, or that makes it run other operations, is told in ``trace.sizes.refused``.

    Returns:
        The trace, with ``sizes``; its outline has the names and formulas of its costs.

    Raises:
        TraceError: If ``model`` is no ``torch.nn.Module``.
        Exception: Whatever the model raises in the first pass.
    """
    from shapetrace.proving.modules import named

    return named(model, args, kwargs)
