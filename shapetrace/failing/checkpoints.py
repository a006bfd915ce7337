"""A checkpoint that does not fit its model: ``load_state_dict``."""

import re
from itertools import combinations

from shapetrace.failing.case import Case, Operation
from shapetrace.failing.finding import Finding
from shapetrace.failing.mends import Mend
from shapetrace.failing.operands import Shape
from shapetrace.failing.structure import Part, axes_clash, written
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
    text = case.failure.message
    if "state_dict" not in text:
        return None
    found = [(name, _shape(kept), _shape(wanted)) for name, kept, wanted in _MISMATCH.findall(text)]
    keys = (_keys(_MISSING, text), _keys(_UNEXPECTED, text))
    return _sizes(found, whole=not any(keys)) if found else _names(*keys)


def _shape(sizes: str) -> Shape:
    return tuple(int(size) for size in sizes.split(",") if size.strip())


def _sizes(found: list[tuple[str, Shape, Shape]], *, whole: bool) -> Finding:
    name, kept, wanted = found[0]
    wrong = tuple(axis for axis, pair in enumerate(zip(kept, wanted, strict=False)) if pair[0] != pair[1])
    same_rank = len(kept) == len(wanted)
    values = {"name": name, "kept": written(kept), "wanted": written(wanted)}
    more = "{name} is {kept} in the checkpoint and {wanted} in the model; further parameters of other shapes: {n}"
    return Finding(
        "shape",
        say(more, **values, n=len(found) - 1)
        if len(found) > 1
        else say("{name} is {kept} in the checkpoint and {wanted} in the model", **values),
        f"{kept[wrong[0]]} ≠ {wanted[wrong[0]]}" if wrong and same_rank else axes_clash(len(kept), len(wanted)),
        tuple((part, axis) for part in (0, 1) for axis in wrong),
        _fitting(found) if whole else (),
        sign=" → ",
        parts=tuple(
            Part(name, "weight", shape, "", say(where, name=name), wrong if same_rank else ())
            for where, shape in (("{name} in the checkpoint", kept), ("{name} in the model", wanted))
        ),
    )


def _fitting(found: list[tuple[str, Shape, Shape]]) -> tuple[Mend, ...]:
    """What makes every parameter fit: the same turn of each, or a model of other sizes."""
    calls = [_call(kept, wanted) for _, kept, wanted in found]
    if not any(calls):
        same = all(len(kept) == len(wanted) for _, kept, wanted in found)
        return (_mend(say("a model built with the settings of the checkpoint")),) if same else ()
    if not all(calls):
        return ()
    texts = [f"{name}{call}" for (name, _, _), call in zip(found, calls, strict=True)]
    listed = _listed(texts)
    if any(call == ".t()" for call in calls):
        return (_mend(say("{calls}: kept as [in, out] where the model has [out, in], square ones too", calls=listed)),)
    return (_mend(listed),)


def _call(kept: Shape, wanted: Shape) -> str:
    """The view that makes one shape of the other: a turn, or an axis of size 1 more or less."""
    if len(kept) == len(wanted):
        turns = [
            (i, j) for i, j in combinations(range(len(kept)), 2) if _exchanged(kept, i, j) == wanted and kept != wanted
        ]
        if len(turns) == 1:
            return ".t()" if len(kept) == 2 else f".transpose({turns[0][0]}, {turns[0][1]})"
        order = (len(kept) - 1, len(kept) - 2, *range(len(kept) - 2))  # kernels with their channels last
        is_last = len(kept) > 2 and tuple(kept[axis] for axis in order) == wanted
        return f".permute({', '.join(map(str, order))})" if is_last else ""
    if tuple(size for size in kept if size != 1) == tuple(size for size in wanted if size != 1):
        return f".reshape({', '.join(map(str, wanted))})"
    return ""


def _exchanged(shape: Shape, i: int, j: int) -> Shape:
    sizes = list(shape)
    sizes[i], sizes[j] = sizes[j], sizes[i]
    return tuple(sizes)


def _names(missing: list[str], unexpected: list[str]) -> Finding | None:
    if not missing and not unexpected:
        return None
    values = {"missing": _listed(missing), "unexpected": _listed(unexpected)}
    reason: Text = say("the checkpoint has no {missing}", **values)
    if missing and unexpected:
        reason = say("the checkpoint has no {missing}, but {unexpected}", **values)
    elif unexpected:
        reason = say("the model has no {unexpected}", **values)
    prefix = _prefix(missing, unexpected)
    advice = "the names without {prefix}: {{k.removeprefix('{prefix}'): v for k, v in state.items()}}"
    return Finding("other", reason, mends=(_mend(say(advice, prefix=prefix)),) if prefix else ())


def _mend(text: Text) -> Mend:
    return Mend(text, Operation("load_state_dict", ()))


def _keys(pattern: re.Pattern[str], text: str) -> list[str]:
    found = pattern.search(text)
    return re.findall(r'"([^"]+)"', found[1]) if found else []


def _listed(keys: list[str]) -> str:
    return ", ".join(keys[:_MOST_KEYS]) + (f", … ({len(keys)})" if len(keys) > _MOST_KEYS else "")


def _prefix(missing: list[str], unexpected: list[str]) -> str:
    """What all names of the checkpoint have before those of the model: ``module.`` of DataParallel."""
    if not missing or not unexpected or not unexpected[0].endswith(missing[0]):
        return ""
    prefix = unexpected[0].removesuffix(missing[0])
    return prefix if {prefix + key for key in missing} == set(unexpected) else ""
