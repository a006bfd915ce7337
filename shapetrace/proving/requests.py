"""A pass that a request asked for, with the names of its sizes."""

from collections.abc import Callable, Mapping

from shapetrace.api import Trace
from shapetrace.proving import configurations, modules, reference
from shapetrace.proving.offering import Offer
from shapetrace.request import Request
from shapetrace.sizing.varying import sizes, with_sizes

_OFFERS: Mapping[str, Callable[[Request, Trace], Offer]] = {
    "reference": reference.offer,
    "preset": reference.offer,
    "huggingface": configurations.offer,
    "code": lambda _, trace: modules.offer(trace),
}


def prove(request: Request, trace: Trace) -> Trace:
    """The same pass with ``sizes``: the model runs at other sizes, on meta where it can.

    A pass that failed, and one from a file, stays as it is.
    """
    make = _OFFERS.get(request.kind)
    if make is None or trace.failure is not None or trace.sizes is not None:
        return trace
    offer = make(request, trace)
    found = sizes(trace, offer.variables, offer.attempt, shallow_layers=offer.shallow)
    return Trace.of(with_sizes(trace, found))
