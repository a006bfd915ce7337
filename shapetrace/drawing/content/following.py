"""What is said of a position that is followed: what it sees, who looks back, where it ends."""

from collections.abc import Iterable, Iterator

from shapetrace.drawing.metrics import clean
from shapetrace.drawing.wording import Words
from shapetrace.outlining.following import SCORED, Ending, Followed, Runs, count, indices, seen_by_row, sees_column
from shapetrace.outlining.lanes import UNKNOWN, Lane
from shapetrace.outlining.structure import Operand, Outline, Step
from shapetrace.prompts import spoken

_MOST_NAMED = 5
_LONGEST_TEXT = 60
_ENDINGS: dict[Ending, str] = {
    "left": "another row is taken: it ends here",
    "merged": "many rows become one: it has no row of its own after this",
    "lost": "nothing recorded says which row is its own after this",
}


def name_of(follow: Followed, words: Words) -> str:
    """``row of “France”``, ``row 4``: what its mark means."""
    if follow.label:
        return words.say("row of “{word}”", word=clean(follow.label.strip()))
    return words.say("row {n}", n=follow.number)


def legend_of_followed(follow: Followed | None, operands: Iterable[Operand], words: Words) -> Iterator[tuple[str, str]]:
    """What green means, as sign and phrase."""
    if follow is None:
        return
    yield "marker", name_of(follow, words)
    columns = [each for each in operands if each.part in SCORED and follow.index(each, -1) is not None]
    if any(sees_column(each, follow.index(each, -1) or 0) for each in columns):
        yield "ring", words.say("looks back at it")


def fact_of(outline: Outline, follow: Followed, words: Words) -> str:
    """Which position is followed, of how many, in which text."""
    place = words.say("row {n} of {all}", n=f"{follow.number:,}", all=f"{follow.n_positions:,}")
    text = clean(spoken(outline.model.tokens)) if follow.positions.labels else ""
    return f"“{text}” · {place}" if text and len(text) <= _LONGEST_TEXT else place


def title_of(outline: Outline, follow: Followed, words: Words) -> str:
    """What a figure is called that follows one position."""
    model = clean(outline.model.name)
    if follow.label:
        return words.say("“{word}” followed through {model}", word=clean(follow.label.strip()), model=model)
    return words.say("Row {n} followed through {model}", n=f"{follow.number:,}", model=model)


def told(steps: Iterable[Step], follow: Followed | None, words: Words) -> str:
    """What happens to a position in some steps; "" for what happens to every row."""
    if follow is None:
        return ""
    said = [each for step in steps for each in _told(step, follow, words)]
    return " · ".join(dict.fromkeys(said))


def _told(step: Step, follow: Followed, words: Words) -> Iterator[str]:
    if step.kind == "scores" and step.results:
        yield from _looking(step.results[0], follow, words)
    elif step.kind == "select" and any(map(follow.is_in, step.results)):
        yield words.say("it alone goes on")
    elif ending := follow.ending(step):
        yield words.say(_ENDINGS[ending])


def _looking(scores: Operand, follow: Followed, words: Words) -> Iterator[str]:
    """What it sees, and who sees it."""
    row, column = follow.index(scores, -2), follow.index(scores, -1)
    if row is not None:
        yield _seen(scores, row, column, follow, words)
    if column is not None and (seeing := sees_column(scores, column)) is not None:
        others = [index for index in indices(seeing) if index != row]
        yield from _seeing(others, scores, follow, words)


def _seen(scores: Operand, row: int, column: int | None, follow: Followed, words: Words) -> str:
    seen = seen_by_row(scores, row)
    if seen is None:
        is_known = scores.seen is not None and scores.seen.differs
        return words.say("what it sees differs among examples" if is_known else "what it sees is not known")
    n_seen, n_all = count(seen), scores.shape[-1]
    names = _names(seen, _lane(scores, -1, follow), follow, words, own=column)
    if names:
        return words.say("sees {names}", names=words.listed(names))
    if n_seen == n_all:
        return words.say("sees all {n}", n=f"{n_all:,}")
    if len(seen) == 1:
        first, last = (_number(index, _lane(scores, -1, follow), follow) for index in (seen[0][0], seen[0][1] - 1))
        return words.say(
            "sees {n} of {all}: {first} to {last}", n=f"{n_seen:,}", all=f"{n_all:,}", first=first, last=last
        )
    return words.say("sees {n} of {all}", n=f"{n_seen:,}", all=f"{n_all:,}")


def _seeing(rows: list[int], scores: Operand, follow: Followed, words: Words) -> Iterator[str]:
    if not rows:
        return
    names = _names(tuple((row, row + 1) for row in rows), _lane(scores, -2, follow), follow, words, own=None)
    if names and len(names) == 1:
        yield words.say("{name} looks back", name=names[0])
    elif names:
        yield words.say("{names} look back", names=words.listed(names))
    else:
        yield words.say("{n} of {all} rows look back at it", n=f"{len(rows):,}", all=f"{scores.shape[-2]:,}")


def _lane(scores: Operand, axis: int, follow: Followed) -> Lane | None:
    number = scores.axes[axis] if len(scores.axes) >= -axis else UNKNOWN
    return follow.positions.lanes.get(number)


def _number(index: int, lane: Lane | None, follow: Followed) -> str:
    """The number of what an index is of: a position's where that is known."""
    return f"{index + 1 if lane is None else index - lane.shift + follow.positions.n_before + 1:,}"


def _names(seen: Runs, lane: Lane | None, follow: Followed, words: Words, *, own: int | None) -> tuple[str, ...]:
    """Words of few positions, its own last; () where some are unknown or they are many."""
    if lane is None or count(seen) > _MOST_NAMED:
        return ()
    labels = follow.positions.labels
    found: list[str] = []
    for index in indices(seen):
        position = index - lane.shift
        if index == own:
            continue
        if not 0 <= position < len(labels):
            return ()
        found.append(f"“{clean(labels[position].strip())}”")
    return (*found, words.say("itself")) if own is not None and own in indices(seen) else tuple(found)
