"""Several module paths as one text, cut where words end: ``h.0.mlp.c_{fc,proj}``, ``decoder.{embed_tokens,pos}``."""

import re
from collections.abc import Sequence

from shapetrace.drawing.layout.names import joined_path

_LONGEST = 24
_BETWEEN_WORDS = re.compile(r"(?:.*[._])?\{[^{}]*\}(?:[._].*)?|.*\{[\d,]*\}(?:[._].*)?")


def spoken_paths(paths: Sequence[str]) -> str:
    """A few short paths one by one; others by what they have in common."""
    listed = ", ".join(paths)
    if len(listed) <= _LONGEST:
        return listed
    joined = joined_path(tuple(paths))
    if "{" not in joined or _BETWEEN_WORDS.fullmatch(joined):
        return joined
    parts = [path.split(".") for path in paths]
    n_common = next((n for n, names in enumerate(zip(*parts, strict=False)) if len(set(names)) > 1), 0)
    rests = [".".join(part[n_common:]) for part in parts]
    return ".".join([*parts[0][:n_common], "{" + ",".join(rests) + "}"])
