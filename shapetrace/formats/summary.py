"""What stands above and below a table: the model in one line, totals, coverage, what is not counted."""

from shapetrace.drawing.content.ranking import mesh_text
from shapetrace.drawing.wording import ENGLISH, Words
from shapetrace.formats.numbers import exact, n_bytes, percent, short
from shapetrace.outlining.roles import Role
from shapetrace.outlining.structure import Outline, Section, SectionKind, Step

_OF_MLP = frozenset({Role.EXPAND, Role.HIDDEN, Role.SHRINK, Role.GATE, Role.UP, Role.GATE_UP, Role.DOWN})
GAP = "   "
"""Between the parts of a line of totals; formats that swallow spaces write something else."""

_SHARES: dict[SectionKind, str] = {
    "embedding": "embedding",
    "attention": "attention",
    "mlp": "MLP",
    "experts": "experts",
    "unembedding": "head",
}


def parameter_parts(outline: Outline) -> dict[str, int]:
    """Parameters of embedding, attention, MLP, experts, head and norms, in the order of the model; none is left out."""
    counts: dict[str, int] = {}
    for name, parameters in _parameters(outline.root, ""):
        counts[name] = counts.get(name, 0) + parameters
    whole = outline.totals.parameters
    counts["unused"] = outline.totals.unused_parameters
    counts["other"] = counts.get("other", 0) + whole - sum(counts.values())
    order = [*dict.fromkeys(_SHARES.values()), "norms", "other", "unused"]
    return {name: counts[name] for name in order if counts.get(name, 0) > 0}


def _parameters(section: Section, name: str) -> list[tuple[str, int]]:
    name = _SHARES.get(section.kind, name)
    found: list[tuple[str, int]] = []
    for item in section.items:
        if isinstance(item, Step):
            found.append((_share(item, name), item.parameters_in_all))
        else:
            found += _parameters(item, name)
    return found


def _share(step: Step, name: str) -> str:
    """What a step's parameters count as; in a block without a module for its MLP, roles tell."""
    if step.kind == "lookup":
        return "embedding"
    if step.kind == "norm":
        return "norms"
    return name or ("MLP" if step.role in _OF_MLP else "other")


def totals(outline: Outline, words: Words = ENGLISH) -> tuple[str, str]:
    """Parameters with their shares, and FLOPs."""
    counts = outline.totals
    left = [words.say("{n} parameters", n=exact(counts.parameters))]
    if counts.active_parameters != counts.parameters:
        left.append(words.say("{n} active", n=exact(counts.active_parameters)))
    for name, count in parameter_parts(outline).items():
        left.append(f"{part_named(words, name)} {percent(count, counts.parameters)}")
    if counts.buffers:
        left.append(words.say("buffers {n}", n=exact(counts.buffers)))
    if outline.failure and not counts.flops:
        return GAP.join(left), words.say("no product ran")
    right = words.say("{flops} in products", flops=_flops(counts.matmul_flops))
    if counts.flops != counts.matmul_flops:
        right += ", " + words.say("{flops} with convolutions", flops=_flops(counts.flops))
    return GAP.join(left), right


def _flops(number: int) -> str:
    """FLOPs in short: ``291.65 GFLOPs``, ``512 FLOPs``."""
    return f"{short(number)}{'' if number >= 1000 else ' '}FLOPs"


def notes(outline: Outline, words: Words = ENGLISH) -> list[str]:
    """What stands below every table: ranks, coverage, what is not counted."""
    lines = (*of_ranks(outline, words), coverage(outline, words), uncounted(outline, words))
    return [line for line in lines if line]


def coverage(outline: Outline, words: Words = ENGLISH) -> str:
    """Where every operation went: ``coverage: 512 operations = 60 drawn + 440 folded + 12 elided (12 views)``."""
    counts = outline.coverage
    reasons = words.enumerated(
        f"{exact(n)} {words.say(reason if n != 1 else reason.removesuffix('s'))}"
        for reason, n in counts.reasons.items()
    )
    drawn = words.say("{n} drawn", n=exact(counts.drawn))
    if counts.unknown:
        drawn = words.say("{n} drawn ({unknown} not known to any pass)", n=exact(counts.drawn), unknown=counts.unknown)
    elided = words.say("{n} elided", n=exact(counts.elided))
    if reasons:
        elided = words.say("{n} elided ({reasons})", n=exact(counts.elided), reasons=reasons)
    folded = words.say("{n} folded", n=exact(counts.folded))
    repeats = sorted({section.repeat for section in outline.root.sections() if section.repeat > 1})
    if repeats and counts.folded:
        times = ", ".join(f"×{n}" for n in repeats)
        folded = words.say("{n} folded into {times}", n=exact(counts.folded), times=times)
    return words.say("coverage: {n} operations", n=exact(counts.operations)) + f" = {drawn} + {folded} + {elided}"


def uncounted(outline: Outline, words: Words = ENGLISH) -> str:
    """Operations whose FLOPs are not counted: ``FLOPs not counted: 25 layer_norm, 12 softmax``; or nothing."""
    names = outline.totals.uncounted
    listed = ", ".join(f"{n} {name}" for name, n in names.items())
    return words.say("FLOPs not counted: {names}", names=listed) if names else ""


def of_ranks(outline: Outline, words: Words = ENGLISH) -> list[str]:
    """Of a pass of one rank: which it is, its part of the parameters, what it sends, what every rank has whole."""
    ranks = outline.ranks
    if ranks is None:
        return []
    counts = outline.totals
    lines = [
        GAP.join((
            words.say("rank {rank} of {size}", rank=exact(ranks.rank), size=exact(ranks.size)), mesh_text(ranks),
            words.say("{n} of {all} parameters", n=exact(counts.parameters), all=exact(ranks.parameters)),
        )),
    ]  # fmt: skip
    if ranks.collectives:
        listed = words.enumerated(
            f"{exact(n)} {words.say(talk.replace('_', '-'))}" for talk, n in ranks.collectives.items()
        )
        lines.append(words.say("a rank sends {bytes} in a pass: {listed}", bytes=n_bytes(ranks.sent), listed=listed))
    if ranks.whole:
        names = words.enumerated(words.say(kind) for kind in ranks.whole)
        lines.append(words.say("not sharded, every rank has all of it: {names}", names=names))
    return lines


def part_named(words: Words, name: str) -> str:
    """A part of a model: ``experts`` above a column are a number of them, here they are the part."""
    part = name.capitalize()
    return words.say(part if part in words.phrases and words.lang != ENGLISH.lang else name)
