"""What stands above and below a table: the model in one line, totals, coverage, what is not counted."""

from shapetrace.ir import Model, Plain
from shapetrace.outlining.structure import Outline, Section, SectionKind, Step
from shapetrace.renderers.numbers import exact, percent, short

_COUNTED = {
    "layers": "layers",
    "encoder_layers": "encoder layers",
    "heads": "heads",
    "kv_heads": "kv heads",
    "experts": "experts",
    "experts_per_token": "experts a token",
}
_MLP_TITLES = frozenset({"Expand", "Shrink", "Gate", "Up", "Down"})
_UNSAID = frozenset({"positions", "norm", "activation"})
"""Settings that the rows of the table show by themselves."""

_SHARES: dict[SectionKind, str] = {
    "embedding": "embedding",
    "attention": "attention",
    "mlp": "MLP",
    "experts": "experts",
    "unembedding": "head",
}


def facts(model: Model) -> list[str]:
    """A model's settings for people: ``12 layers``, ``d_model 768``, ``1,024 tokens``. The usual is left out."""
    given = dict(model.settings)
    usual: dict[str, Plain] = {"batch": 1, "kv_heads": given.get("heads"), "d_head": _head_size(given)}
    words = []
    for key, value in given.items():
        if key in _UNSAID or value is None or value == usual.get(key):
            continue
        if key == "seq":
            words.append(f"{value:,} tokens" if isinstance(value, int) else f"{value} tokens")
        else:
            words.append(f"{value} {_COUNTED[key]}" if key in _COUNTED else f"{key} {value}")
    return words


def _head_size(settings: dict[str, Plain]) -> int | None:
    """The width of a head that d_model and heads give."""
    d_model, heads = settings.get("d_model"), settings.get("heads")
    return d_model // heads if isinstance(d_model, int) and isinstance(heads, int) and heads else None


def device(model: Model) -> str:
    """Where the pass ran, and what that means: ``meta: no arithmetic``."""
    return "meta: no arithmetic" if model.device == "meta" else model.device


def shares(outline: Outline) -> list[tuple[str, str]]:
    """Where the parameters live: (``embedding``, ``31.7 %``) ... in the order of the model; small ones too."""
    whole = outline.totals.parameters
    return [(name, percent(count, whole)) for name, count in parameter_parts(outline).items()]


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
            found.append((_share(item, name), item.parameters * item.repeat))
        else:
            found += _parameters(item, name)
    return found


def _share(step: Step, name: str) -> str:
    """What a step's parameters count as; in a block without a module for its MLP, titles tell."""
    if step.kind == "lookup":
        return "embedding"
    if step.kind == "norm":
        return "norms"
    return name or ("MLP" if step.title in _MLP_TITLES else "other")


def totals(outline: Outline) -> tuple[str, str]:
    """Parameters with their shares, and FLOPs."""
    counts = outline.totals
    left = [f"{exact(counts.parameters)} parameters"]
    if counts.active_parameters != counts.parameters:
        left.append(f"{exact(counts.active_parameters)} active")
    left += [f"{name} {share}" for name, share in shares(outline)]
    if counts.buffers:
        left.append(f"buffers {exact(counts.buffers)}")
    right = f"{short(counts.matmul_flops)}{'' if counts.matmul_flops >= 1000 else ' '}FLOPs in products"
    if counts.flops != counts.matmul_flops:
        right += f", {short(counts.flops)}FLOPs with convolutions"
    return "   ".join(left), right


def coverage(outline: Outline) -> str:
    """Where every operation went: ``coverage: 512 operations = 60 drawn + 440 folded + 12 elided (12 views)``."""
    counts = outline.coverage
    reasons = ", ".join(
        f"{exact(n)} {reason if n != 1 else reason.removesuffix('s')}" for reason, n in counts.reasons.items()
    )
    unknown = f" ({counts.unknown} not known to any pass)" if counts.unknown else ""
    elided = f"{exact(counts.elided)} elided" + (f" ({reasons})" if reasons else "")
    repeats = sorted({section.repeat for section in outline.root.sections() if section.repeat > 1})
    into = f" into {', '.join(f'×{n}' for n in repeats)}" if repeats and counts.folded else ""
    return (
        f"coverage: {exact(counts.operations)} operations = {exact(counts.drawn)} drawn{unknown} + "
        f"{exact(counts.folded)} folded{into} + {elided}"
    )


def uncounted(outline: Outline) -> str:
    """Operations whose FLOPs are not counted: ``FLOPs not counted: 25 layer_norm, 12 softmax``; or nothing."""
    names = outline.totals.uncounted
    return "FLOPs not counted: " + ", ".join(f"{n} {name}" for name, n in names.items()) if names else ""
