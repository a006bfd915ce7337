"""Failures that no shape explains: a tuple, a list or None where a tensor belongs, memory, two devices."""

import re

from shapetrace.failing.case import Case
from shapetrace.failing.finding import Finding
from shapetrace.language import Phrase, Text, joined, say

_NOT = re.compile(
    r"(?P<op>\w+)\(\)?: argument '(?P<name>\w+)' \(position \d+\) must be (?:a )?Tensor, not (?P<type>[\w.]+)"
)
_OPERATOR = re.compile(
    r"unsupported operand type\(s\) for (?P<op>\S+): (?:'(?:Tensor|Parameter)' and )?'(?P<type>\w+)'"
    r"(?: and '(?:Tensor|Parameter)')?"
)
_ATTRIBUTE = re.compile(r"'(?P<type>\w+)' object has no attribute '(?P<name>\w+)'")
_OF_TENSORS = frozenset("size shape dim ndim dtype device view reshape transpose permute flatten unsqueeze to".split())
_TWO = re.compile(
    r"at least two devices, (?P<a>[^\s!]+) and (?P<b>[^\s!,]+)"
    r"|[Tt]ensor on device (?P<c>[^\s!]+) is not on the expected device (?P<d>[^\s!]+)"
    r"|is on (?P<e>[^\s,]+), (?:but|different from) .* on (?P<f>[^\s,.]+)"
)
_NO_CUDA = re.compile(r"not compiled with CUDA|No CUDA GPUs|Found no NVIDIA driver")
_CLASS_OF_ITS_OWN = re.compile(r"Creating a new Tensor subclass (?P<type>\w+) but the raw Tensor object is already")
_TOO_MANY = re.compile(
    r"(?P<type>\w+)\.forward\(\) takes (?:from \d+ to )?(?P<most>\d+) positional arguments? but (?P<given>\d+) w"
)
_TAKE = {
    "tuple": say("one value of it is wanted: an LSTM or attention returns several, output, state = layer(x)"),
    "list": say("torch.tensor(…) makes one of numbers, torch.stack(…) one of tensors"),
    "NoneType": say("does what comes before return its result?"),
    "dict": say("its tensors go in by name: model(**batch)"),
    "BatchEncoding": say("its tensors go in by name: model(**batch)"),
}


def no_tensors(case: Case) -> Finding | None:
    """``argument 'input' (position 1) must be Tensor, not tuple``, ``'tuple' object has no attribute 'size'``."""
    text = case.failure.message
    if _NO_CUDA.search(text):
        return Finding("other", say("no CUDA device can be used here: torch.cuda.is_available() is False"))
    if found := _TWO.search(text):
        first, second = (place for place in found.groups() if place)
        told = "one operand is on {first}, another on {second}"
        return Finding("other", joined(say(told, first=first, second=second), _moved(case, (first, second)),
                                       by="{first}: {second}"))  # fmt: skip
    if found := _CLASS_OF_ITS_OWN.match(text):
        told = "PyTorch makes no {type} inside of a pass that is recorded: make it before, or use a plain tensor"
        return Finding("other", say(told, type=found["type"]))
    if found := _TOO_MANY.search(text):
        n, m = int(found["most"]) - 1, int(found["given"]) - 1  # without self
        return Finding("other", say("{type}.forward takes {n} and was given {m} inputs", type=found["type"], n=n, m=m))
    if found := _NOT.search(text):
        told = "{op} takes a tensor as {name} and was given a {type}"
        return Finding("other", _with_hint(say(told, **found.groupdict()), found["type"]))
    if found := _OPERATOR.fullmatch(text):
        told = "{op} takes two tensors, or a tensor and a number, and was given a {type}"
        return Finding("other", _with_hint(say(told, **found.groupdict()), found["type"]))
    found = _ATTRIBUTE.fullmatch(text)
    if found is None or found["name"] not in _OF_TENSORS:
        return None
    told = "a {type} came where a tensor is expected: it has no {name}"
    return Finding("other", _with_hint(say(told, **found.groupdict()), found["type"]))


def _moved(case: Case, devices: tuple[str, str]) -> Phrase:
    """What brings two operands to one device."""
    if "meta" in devices:
        return say("what is on meta has no values yet; load_state_dict(…, assign=True) gives it some")
    made = [case.origins.made_alike(tensor.id) for tensor in case.tensors]
    if any(op is not None and not op.inputs for op in made):
        return say("tensors made in forward need device=x.device")
    return say("model.to(…) and its inputs on the same device")


def _with_hint(reason: Phrase, given: str) -> Text:
    hint = _TAKE.get(given.rpartition(".")[2])
    if "return_types" in given:
        hint = say("one value of it is wanted: .values, or .indices")
    if given.endswith(("Output", "Outputs")) or "OutputWith" in given:
        hint = say("one of its values is wanted, such as .last_hidden_state or .logits")
    return say("{first}; {second}", first=reason, second=hint) if hint else reason
