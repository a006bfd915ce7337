"""A checkpoint that does not fit its model: ``load_state_dict``."""

import re

from shapetrace.failing.cases import Case, Finding, unequal, unequal_axes
from shapetrace.failing.structure import Part, written
from shapetrace.language import Text, say

_MISMATCH = re.compile(
    r"size mismatch for (\S+): copying a param with shape torch\.Size\(\[([\d, ]*)\]\) from checkpoint, "
    r"the shape in current model is torch\.Size\(\[([\d, ]*)\]\)"
)
_MISSING = re.compile(r"Missing key\(s\) in state_dict: (.*?)\. *$", re.MULTILINE)
_UNEXPECTED = re.compile(r"Unexpected key\(s\) in state_dict: (.*?)\. *$", re.MULTILINE)
_MOST_KEYS = 3


def checkpoint(case: Case) -> Finding | None:
    """The first parameter whose shape differs, and how many more do; names that only one side has."""
    if "state_dict" not in case.failure.message:
        return None
    found = _MISMATCH.findall(case.failure.message)
    return _sizes(found) if found else _names(case.failure.message)


def _sizes(found: list[tuple[str, str, str]]) -> Finding:
    name = found[0][0]
    kept, wanted = (tuple(int(size) for size in sizes.split(",") if size.strip()) for sizes in found[0][1:])
    wrong = tuple(axis for axis, pair in enumerate(zip(kept, wanted, strict=False)) if pair[0] != pair[1])
    same_rank = len(kept) == len(wanted)
    shapes = {"name": name, "kept": written(kept), "wanted": written(wanted)}
    reason = say("{name} is {kept} in the checkpoint and {wanted} in the model", **shapes)
    if len(found) > 1:
        more = (
            "{name} is {kept} in the checkpoint and {wanted} in the model; so are {n} more parameters of other shapes"
        )
        reason = say(more, **shapes, n=len(found) - 1)
    return Finding(
        reason,
        (say("a model built with the settings of the checkpoint"),),
        unequal(kept[wrong[0]], wanted[wrong[0]]) if wrong and same_rank else unequal_axes(len(kept), len(wanted)),
        operator=" → ",
        parts=tuple(
            Part(name, "weight", shape, "", say(where, name=name), wrong if same_rank else ())
            for where, shape in (("{name} in the checkpoint", kept), ("{name} in the model", wanted))
        ),
    )


def _names(message: str) -> Finding | None:
    missing, unexpected = (_keys(pattern, message) for pattern in (_MISSING, _UNEXPECTED))
    if not missing and not unexpected:
        return None
    reason: Text = say("the checkpoint has no {missing}", missing=_listed(missing))
    if missing and unexpected:
        reason = say("the checkpoint has no {missing}, but {unexpected}", missing=_listed(missing),
                     unexpected=_listed(unexpected))  # fmt: skip
    elif unexpected:
        reason = say("the model has no {unexpected}", unexpected=_listed(unexpected))
    prefix = _prefix(missing, unexpected)
    advice = say(
        "the names without {prefix}: {{k.removeprefix('{prefix}'): v for k, v in state.items()}}", prefix=prefix
    )
    return Finding(reason, (advice if prefix else say("the model that the checkpoint was saved from"),), kind="other")


def _keys(pattern: re.Pattern[str], message: str) -> list[str]:
    found = pattern.search(message)
    return re.findall(r'"([^"]+)"', found[1]) if found else []


def _listed(keys: list[str]) -> str:
    return ", ".join(keys[:_MOST_KEYS]) + (f", … ({len(keys)})" if len(keys) > _MOST_KEYS else "")


def _prefix(missing: list[str], unexpected: list[str]) -> str:
    """What all names of the checkpoint have before those of the model: ``module.`` of DataParallel."""
    if not missing or not unexpected or not unexpected[0].endswith(missing[0]):
        return ""
    prefix = unexpected[0].removesuffix(missing[0])
    return prefix if {prefix + key for key in missing} == set(unexpected) else ""
