"""What a step does and why, in a sentence: from its role, else from its kind. Nothing reads these words."""

from shapetrace.language import Phrase, joined
from shapetrace.outlining.roles import Role
from shapetrace.outlining.structure import Operand, Step, StepKind

_ROLES: dict[Role, str] = {
    Role.LOOKUP: "Each id takes its row of a table: numbers become vectors of {n} numbers that can be computed with.",
    Role.LOOKUP_TOKENS: "Each id takes its row of the token table: words become vectors of {n} numbers.",
    Role.LOOKUP_POSITIONS: "Each position takes its row of a table, so that the model can tell the order.",
    Role.ADD_EMBEDDINGS: "Adds two embeddings: one vector holds both, the word and its place.",
    Role.POSITION: "Says where each token stands: attention alone does not see the order.",
    Role.PATCHES: "Cuts the input into pieces, each of which becomes one row.",
    Role.QUERY: "Makes of each row its query: what it looks for in the others.",
    Role.KEY: "Makes of each row its key: what others find it by.",
    Role.VALUE: "Makes of each row its value: what it hands to those that look at it.",
    Role.QUERY_KEY: "Makes queries and keys of each row in one product.",
    Role.KEY_VALUE: "Makes keys and values of each row in one product.",
    Role.QUERY_KEY_VALUE: "Makes queries, keys and values of each row in one product.",
    Role.SPLIT_HEADS: "Splits the columns into heads, which look for different things side by side.",
    Role.SCORES: "Compares each query with every key: one number for each pair says how well they fit.",
    Role.ATTENTION_WEIGHTS: "Makes scores weights: how much each row looks at every other.",
    Role.MIX_HEADS: "Mixes the scores of the heads, so that they can agree or compete.",
    Role.WEIGHTED_SUM: "Adds up the values by these weights: each row gets what it looked at.",
    Role.STATE: "Multiplies keys and values over all positions: a state that does not grow with the text.",
    Role.READ_STATE: "Reads the state with each query.",
    Role.CONCAT_HEADS: "Puts what the heads found side by side: {n} columns again.",
    Role.OUT_PROJ: "Mixes what the heads found, and brings it to the width of the stream, {n}.",
    Role.LATENT_DOWN: "Compresses each row to {n} numbers, of which queries, or keys and values, are made.",
    Role.COMPRESS_KEY: "Makes one key of a block of keys: what is far away is seen coarsely, and cheaply.",
    Role.COMPRESS_VALUE: "Makes one value of a block of values, for the key of that block.",
    Role.CHOOSE_KEYS: "Chooses the keys that fit best; only those are looked at.",
    Role.CHOOSE_QUERIES: "Chooses the queries that tell most; only those look at keys.",
    Role.CACHE_APPEND: "Puts the new rows behind those kept from earlier passes, which need not be computed again.",
    Role.CACHE_WRITE: "Writes the new rows into a cache of fixed size.",
    Role.GATE: "Makes the gate: which of the hidden numbers count, and how much.",
    Role.UP: "Widens each row from {k} to {n} hidden numbers, which the gate weighs.",
    Role.GATE_UP: "Makes the gate and the hidden numbers in one product.",
    Role.DOWN: "Brings the hidden numbers back to the width of the stream, {n}.",
    Role.EXPAND: "Widens each row from {k} to {n} hidden numbers, each of which looks for a pattern in it.",
    Role.HIDDEN: "Makes {n} hidden numbers of the {k} before: patterns of patterns.",
    Role.SHRINK: "Brings the hidden numbers back to {n}: what the patterns that were found add to the row.",
    Role.ROUTER: "Scores {n} experts for each token: which of them should see it?",
    Role.CHOOSE_EXPERTS: "Chooses the best experts for each token; the others do not run for it.",
    Role.DISPATCH: "Copies each row to the experts that it goes to.",
    Role.COMBINE_EXPERTS: "Adds up what the chosen experts made of each row, by their weights.",
    Role.ADAPTER_DOWN: "Compresses each row to the low rank of an adapter, {n}.",
    Role.ADAPTER_UP: "Widens the low rank again: what the adapter adds to the projection beside it.",
    Role.RECURRENT: "Multiplies the state of the step before: what came earlier is carried along.",
    Role.UNEMBED: "Compares each row with all {n} words of the vocabulary: one score for each.",
    Role.HEAD: "Makes what the model gives back: {n} numbers for each row.",
    Role.RESIDUAL: "Adds what was computed to what was there: the row keeps what it knew.",
    Role.NORM: "Brings each row to a common scale, so that numbers stay usable through many layers.",
    Role.ACTIVATION: "Bends each number by itself: without that, two products in a row could be one.",
    Role.GATED_ACTIVATION: "Bends numbers, and multiplies by them: one value says how much of the other passes.",
    Role.GLU: "Weighs the hidden numbers by the activated gate, number by number.",
    Role.SIDE_GATE: "Makes a gate: how much of another result passes.",
    Role.SCALE: "Multiplies all numbers by one factor.",
    Role.SELECT: "Takes out the rows or columns that are needed next.",
    Role.LOSS: "Measures how far the scores are from the targets: the number that training makes smaller.",
}
_KINDS: dict[StepKind, str] = {
    "lookup": _ROLES[Role.LOOKUP],
    "product": "Makes {n} new numbers of the {k} of each row, by learned weights.",
    "scores": _ROLES[Role.SCORES],
    "weighted_sum": _ROLES[Role.WEIGHTED_SUM],
    "softmax": "Makes the numbers of each row weights that add up to 1.",
    "contraction": "Multiplies two computed values; no weights are learned here.",
    "convolution": "Slides a small window of learned weights over the input.",
    "split": "Splits one axis into several pieces.",
    "concat": "Puts several values side by side.",
    "residual": _ROLES[Role.RESIDUAL],
    "add": "Adds two values, number by number.",
    "multiply": "Multiplies two values, number by number.",
    "norm": _ROLES[Role.NORM],
    "activation": _ROLES[Role.ACTIVATION],
    "position": "Turns queries and keys by their position: their product then tells how far apart two tokens are.",
    "pointwise": "Changes each number by itself.",
    "select": _ROLES[Role.SELECT],
    "route": "Chooses the largest numbers and says where they are.",
    "reduce": "Makes several numbers one.",
    "collective": "Ranks tell each other what each has computed, so that every one can go on.",
    "algebra": "Solves, inverts or takes apart a matrix.",
    "unknown": "Runs an operation that is not known here; its shapes are recorded.",
}
_SOFTMAX = "Makes the scores of each row weights that add up to 1: how much it looks at every other."
_SCORING = "Makes one number of each row: how much it counts among the others."
_SEEN = {"causal": "What comes later is hidden.", "band": "Only what is near is seen."}


def sentence(step: Step) -> Phrase:
    """What a step does, and why."""
    if step.kind == "softmax" and step.role is Role.ATTENTION_WEIGHTS:
        template = _SOFTMAX
    elif step.kind == "product" and step.role is Role.SCORES:
        template = _SCORING
    elif step.kind == "position":
        template = _KINDS["position"]
    else:
        template = _ROLES.get(step.role) or _KINDS[step.kind]
    said = Phrase(template, {"n": _last(step.results), "k": _inner(step)})
    hidden = _SEEN.get(step.results[0].pattern) if _is_masked(step) else None
    return said if hidden is None else joined(said, Phrase(hidden), by="{first} {second}")  # type: ignore[return-value]


def _is_masked(step: Step) -> bool:
    return step.kind == "scores" and bool(step.results)


def _last(operands: tuple[Operand, ...]) -> int:
    """Columns of the first of some operands."""
    return operands[0].shape[-1] if operands and operands[0].shape else 1


def _inner(step: Step) -> int:
    """The size that a product sums over."""
    return step.operands[0].shape[step.inner[0]] if step.inner else _last(step.operands)
