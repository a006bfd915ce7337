"""Which part of an outline a figure shows: the whole model, one section, one step."""

from collections.abc import Iterator

from shapetrace.errors import UsageError
from shapetrace.outlining.structure import Outline, Section, Step

FAILURE = "failure"
"""What the figure of a failure is called, where others are called by a section."""

_KINDS = ("embedding", "block", "attention", "mlp", "experts", "unembedding")
_MOST_LISTED = 12


def section_named(outline: Outline, name: str) -> Section:
    """Find a section by its path, by the path of any folded member, or by its kind.

    ``h.0.attn``, ``h.7.attn`` (folded into it) and ``attention`` are the same section of GPT-2.

    Raises:
        UsageError: If there is none; the message lists those that exist.
    """
    sections = list(outline.root.sections())
    inner = sections[1:]
    if named := [s for s in inner if s.path == name] or [s for s in inner if s.spoken == name]:
        return named[0]
    for path in _first_members(name, sections):
        for section in sections:
            if section.path == path:
                return section
    for section in sections:
        if section.kind == name and name in _KINDS:
            return section
    raise UsageError(f"no section {name!r} in {outline.model.name}; there are {_listed(outline.root)}")


def step_numbered(outline: Outline, number: int) -> Step:
    """The step with this number, counted from 1 in the order of the table.

    Raises:
        UsageError: If there is none.
    """
    steps = list(outline.steps())
    if not 1 <= number <= len(steps):
        raise UsageError(f"no step {number} in {outline.model.name}; it has steps 1 to {len(steps)}")
    return steps[number - 1]


def _first_members(path: str, sections: list[Section]) -> Iterator[str]:
    """Rewrite the path of a folded member to that of the first: ``h.7.attn`` to ``h.0.attn``."""
    for section in sections:
        for member in section.members:
            if member and member != section.path and (path == member or path.startswith(f"{member}.")):
                rewritten = section.path + path[len(member) :]
                yield rewritten
                yield from _first_members(rewritten, list(section.sections())[1:])


def _listed(root: Section) -> str:
    names = list(dict.fromkeys(section.spoken for section in root.sections() if section.path))
    kinds = [kind for kind in _KINDS if any(section.kind == kind for section in root.sections())]
    more = f" and {len(names) - _MOST_LISTED} more" if len(names) > _MOST_LISTED else ""
    listed = ", ".join(names[:_MOST_LISTED]) + more if names else "no sections, only the overview"
    return f"{listed}; by kind: {', '.join(kinds)}" if kinds else listed
