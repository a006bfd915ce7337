"""One model by several degrees of sharing, as a grid: a column a degree; what fails is a result too."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from shapetrace.drawing.content.ranking import talks_of
from shapetrace.drawing.wording import Words
from shapetrace.formats.equations import equation_in
from shapetrace.formats.grid import Cell, Column, Grid
from shapetrace.formats.numbers import n_bytes, short
from shapetrace.formats.rows import stack
from shapetrace.language import joined, say
from shapetrace.outlining.structure import Outline, Step


@dataclass(frozen=True, slots=True)
class Degree:
    """One column.

    Attributes:
        name: ``tp 8``.
        outline: What a rank does; of a pass that failed, as far as it came; None if it did not begin.
        refused: Why it did not begin.
    """

    name: str
    outline: Outline | None
    refused: str = ""

    @property
    def runs(self) -> bool:
        """Whether the pass came to its end."""
        return self.outline is not None and not self.outline.failure


def degrees_table(degrees: Sequence[Degree], words: Words) -> Grid:
    """What one rank holds, computes and sends, and its shapes, a column a degree."""
    columns = tuple(Column(each.name.replace(" ", "_"), each.name, "right") for each in degrees)
    rows = [(words.say(name), *cells) for name, cells in _counted(degrees, words)]
    rows += list(_steps(degrees, words))
    outline = next((each.outline for each in degrees if each.outline is not None), None)
    model = words.say(outline.model.name) if outline is not None else ""
    return Grid((Column("step", words.say("one rank")), *columns), tuple(rows), model, tuple(_reasons(degrees, words)))


def named_by_degree(degrees: Sequence[Degree]) -> list[Outline]:
    """Those that run, called by their degree; the first by the model too."""
    runs = [(each.name, each.outline) for each in degrees if each.runs and each.outline is not None]
    names = [f"{found.model.name} · {name}" if place == 0 else name for place, (name, found) in enumerate(runs)]
    return [replace(found, model=replace(found.model, name=name)) for name, (_, found) in zip(names, runs, strict=True)]


def _counted(degrees: Sequence[Degree], words: Words) -> Iterator[tuple[str, list[Cell]]]:
    outlines = [each.outline if each.runs else None for each in degrees]
    yield "result", [words.say("runs" if each.runs else "fails") for each in degrees]
    held = [each.outline.totals.parameters if each.outline is not None else None for each in degrees]
    yield "parameters", list(held)
    yield "FLOPs", [None if each is None else short(each.totals.flops) for each in outlines]
    yield "activations", [None if each is None else n_bytes(each.totals.activation_bytes) for each in outlines]
    if any(each is not None and each.cache is not None for each in outlines):
        kept = [None if each is None or each.cache is None else each.cache.bytes_per_token() for each in outlines]
        yield "KV cache: bytes per token", list(kept)
    yield "a rank sends", [None if each is None else n_bytes(each.ranks.sent if each.ranks else 0) for each in outlines]
    yield "collectives", [None if each is None else _talks(each, words) for each in outlines]


def _talks(outline: Outline, words: Words) -> str:
    circles = outline.ranks.circles if outline.ranks is not None else ()
    return words.enumerated(talks_of(circle, words) for circle in circles) or "0"


def _steps(degrees: Sequence[Degree], words: Words) -> Iterator[tuple[Cell, ...]]:
    """The steps in their order; equal ones have the same id by whatever degree."""
    found = [{step.id: step for step in each.outline.steps()} if each.outline is not None else {} for each in degrees]
    by_path = _by_path(steps for steps, each in zip(found, degrees, strict=True) if each.runs)
    found = [steps if each.runs else {by_path.get(step.path, key): step for key, step in steps.items()}
             for steps, each in zip(found, degrees, strict=True)]  # fmt: skip
    for identity, step in _ordered(found):
        if step.kind in _SHOWN:
            cells = [_shapes(steps[identity], words) if identity in steps else None for steps in found]
            yield (_title(step, words), *cells)


_SHOWN = frozenset({"lookup", "product", "scores", "weighted_sum", "contraction", "convolution", "collective"})


def _by_path(passes: Iterable[Mapping[str, Step]]) -> Mapping[str, str]:
    """Ids of products by the module that makes them alone: those of a pass that failed say what it is not."""
    found: dict[str, set[str]] = {}
    for steps in passes:
        for key, step in steps.items():
            if step.kind == "product":
                found.setdefault(step.path, set()).add(key)
    return {path: next(iter(keys)) for path, keys in found.items() if len(keys) == 1}


def _ordered(found: Sequence[dict[str, Step]]) -> list[tuple[str, Step]]:
    """All steps of passes that differ little: each behind the one that was before it where it was met first."""
    order: list[str] = []
    steps: dict[str, Step] = {}
    for each in found:
        before = -1
        for identity, step in each.items():
            if identity not in steps:
                order.insert(before + 1, identity)
                steps[identity] = step
            before = order.index(identity)
    return [(identity, steps[identity]) for identity in order]


def _title(step: Step, words: Words) -> str:
    times = f" ×{step.repeat}" if step.repeat > 1 else ""
    return f"{words.say(step.title)}{times}"


def _shapes(step: Step, words: Words) -> str:
    return f"{equation_in(words, step)} {stack(step, words=words)}".rstrip()


def _reasons(degrees: Sequence[Degree], words: Words) -> Iterator[str]:
    for each in degrees:
        if each.outline is None:
            yield f"{each.name}: {each.refused}"
        elif not each.runs:
            yield f"{each.name}: {_reason(each.outline, words)}"


def _reason(outline: Outline, words: Words) -> str:
    explained = outline.explained
    if explained is None:
        return outline.failure
    told = [words.told(explained.title), words.told(explained.reason) if explained.reason else outline.failure]
    if explained.fits:
        fits = joined(*explained.fits, by="{first}; or {second}")
        told.append(words.told(say("would fit: {fits}", fits=fits)))
    return " · ".join(filter(None, told))
