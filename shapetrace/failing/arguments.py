"""Arguments that are no tensors: a tuple that an LSTM returned, a list, None, a batch of a tokenizer."""

import re

from shapetrace.failing.cases import Case, Finding
from shapetrace.language import Phrase, say

_NOT = re.compile(
    r"(?P<op>\w+)\(\)?: argument '(?P<name>\w+)' \(position \d+\) must be (?:a )?Tensor, not (?P<type>[\w.]+)"
)


_ATTRIBUTE = re.compile(r"'(?P<type>\w+)' object has no attribute '(?P<name>\w+)'")
_OF_TENSORS = frozenset("size shape dim ndim dtype device view reshape transpose permute flatten unsqueeze to".split())


def argument(case: Case) -> Finding | None:
    """``argument 'input' (position 1) must be Tensor, not tuple``, ``'tuple' object has no attribute 'size'``."""
    found = _NOT.search(case.failure.message)
    if found is None:
        return _attribute(case)
    reason = say("{op} takes a tensor as {name} and was given a {type}", op=found["op"], name=found["name"],
                 type=found["type"])  # fmt: skip
    return Finding(reason, (_advice(found["type"].rpartition(".")[2]),), kind="other")


def _attribute(case: Case) -> Finding | None:
    found = _ATTRIBUTE.fullmatch(case.failure.message)
    if found is None or found["name"] not in _OF_TENSORS:
        return None
    reason = say("a {type} came where a tensor is expected: it has no {name}", type=found["type"], name=found["name"])
    return Finding(reason, (_advice(found["type"]),), kind="other")


def _advice(given: str) -> Phrase:
    if given == "tuple":
        return say("one value of the tuple: an LSTM or attention returns several, output, state = layer(x)")
    if given == "list":
        return say("torch.tensor(…) of numbers, torch.stack(…) of tensors")
    if given == "NoneType":
        return say("a tensor: does what comes before return its result?")
    if given in {"dict", "BatchEncoding"}:
        return say("its tensors by name: model(**batch)")
    if given.endswith(("Output", "Outputs")) or "OutputWith" in given:
        return say("one of its values, such as .last_hidden_state or .logits")
    return say("a tensor")
