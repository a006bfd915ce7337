"""What each step does, in one sentence for someone who has not met it before. Label files translate them."""

from collections.abc import Mapping

from shapetrace.outlining.roles import Role
from shapetrace.outlining.structure import SectionKind, Step, StepKind

OF_ROLES: Mapping[Role, str] = {
    Role.LOOKUP: "Each id picks one row of a table.",
    Role.LOOKUP_TOKENS: "Each token id picks one row of the table: the vector of that token.",
    Role.LOOKUP_POSITIONS: "Each position picks one row of a learned table.",
    Role.ADD_EMBEDDINGS: "Several vectors of the same token are added up to one.",
    Role.POSITION: "The order of the tokens is put into the numbers; nothing else tells one position from another.",
    Role.PATCHES: "The signal is cut into pieces, and each piece becomes one row.",
    Role.QUERY: "What each token is looking for, in one narrow matrix a head.",
    Role.KEY: "What each token offers to be found by.",
    Role.VALUE: "What each token hands over when it is attended to.",
    Role.QUERY_KEY: "Queries and keys of all heads in one product, as the code runs it.",
    Role.KEY_VALUE: "Keys and values of all heads in one product, as the code runs it.",
    Role.QUERY_KEY_VALUE: "Queries, keys and values of all heads in one product, as the code runs it.",
    Role.SPLIT_HEADS: "The wide rows are cut into heads; no number changes.",
    Role.SCORES: "How well the query of each token fits the key of each token it may look at.",
    Role.ATTENTION_WEIGHTS: "Scores become weights: how much each token looks at each other one.",
    Role.MIX_HEADS: "The heads' scores or weights are mixed with each other.",
    Role.WEIGHTED_SUM: "Each token takes the values of the others, mixed by its attention weights.",
    Role.STATE: "Keys and values are multiplied over all positions: what is kept has a fixed size.",
    Role.READ_STATE: "Each query reads what keys and values left in the state.",
    Role.CONCAT_HEADS: "The heads lie side by side again, as one wide row a token.",
    Role.OUT_PROJ: "One product mixes what the heads found and brings it back to the width of the stream.",
    Role.LATENT_DOWN: "Each row is squeezed into a short latent; it is all that has to be kept of it.",
    Role.COMPRESS_KEY: "A block of keys is squeezed into one.",
    Role.COMPRESS_VALUE: "A block of values is squeezed into one.",
    Role.CHOOSE_KEYS: "Each query chooses which keys, or blocks of them, it will look at.",
    Role.CACHE_APPEND: "The new rows join those that were kept from earlier passes.",
    Role.CACHE_WRITE: "The new rows are written into a cache of fixed size.",
    Role.GATE: "How much of each feature will pass, decided row by row.",
    Role.UP: "Each row is widened to many features, one token at a time.",
    Role.GATE_UP: "Features, and how much of each will pass, in one product.",
    Role.DOWN: "The features are mixed back to the width of the stream.",
    Role.EXPAND: "Each row is widened to many features, one token at a time.",
    Role.SHRINK: "The features are mixed back to the width of the stream.",
    Role.ROUTER: "How well each expert suits each token: one score an expert.",
    Role.CHOOSE_EXPERTS: "The best few experts of each token are chosen, and weighed.",
    Role.DISPATCH: "Each row is copied to the experts that it goes to.",
    Role.COMBINE_EXPERTS: "What the chosen experts made of each token is weighed and added up.",
    Role.ADAPTER_DOWN: "An adapter squeezes each row into a few numbers.",
    Role.ADAPTER_UP: "The adapter widens them again; the result is added to the projection beside it.",
    Role.RECURRENT: "Row after row, each step reads the state that the one before left.",
    Role.UNEMBED: "Each row is compared with every token of the vocabulary: one score for each.",
    Role.HEAD: "Each row becomes the scores that the model gives back.",
    Role.RESIDUAL: "What was computed is added to what came in; nothing is overwritten.",
    Role.NORM: "Each row is brought to a common scale, so that the next product meets numbers of a known size.",
    Role.ACTIVATION: "Each number is bent on its own: without it, two products in a row would be one.",
    Role.GATED_ACTIVATION: "One value, bent, decides how much of another one passes.",
    Role.GLU: "The gate, bent, decides how much of each feature passes.",
    Role.SIDE_GATE: "A product of its own scales what another one made.",
    Role.SCALE: "All numbers are multiplied with one.",
    Role.SELECT: "Some rows or columns are taken out.",
    Role.LOSS: "One number that says how far the scores are from the targets.",
}
"""By what a step is for."""

OF_KINDS: Mapping[StepKind, str] = {
    "lookup": "Each id picks one row of a table.",
    "product": "A matrix product: each row of the result mixes the numbers of one row of the data with the weights.",
    "scores": "How well the query of each token fits the key of each token it may look at.",
    "softmax": "Each row becomes weights that add up to 1.",
    "weighted_sum": "Each token takes the values of the others, mixed by its attention weights.",
    "contraction": "A product of data with data.",
    "convolution": "A small window of weights slides over the data.",
    "split": "One axis is cut into two; no number changes.",
    "concat": "Pieces are put side by side.",
    "residual": "What was computed is added to what came in; nothing is overwritten.",
    "add": "Two values are added, number by number.",
    "multiply": "Two values are multiplied, number by number.",
    "norm": "Each row is brought to a common scale, so that the next product meets numbers of a known size.",
    "activation": "Each number is bent on its own: without it, two products in a row would be one.",
    "position": "The order of the tokens is put into the numbers; nothing else tells one position from another.",
    "pointwise": "Each number is computed on its own.",
    "select": "Some rows or columns are taken out.",
    "route": "Data decides where each row goes.",
    "reduce": "Many numbers become one: a sum, a mean, a largest.",
    "algebra": "A matrix is solved, inverted or taken apart.",
    "unknown": "An operation that is drawn with its shapes alone.",
}
"""By what sort of step it is, where nothing more is known."""

OF_SECTIONS: Mapping[SectionKind, str] = {
    "model": "One forward pass from its inputs to its outputs. Choose a part on the left or in the figure.",
    "embedding": "Inputs become vectors, one row each.",
    "block": "One layer: rows look at each other, then each one is worked on alone.",
    "attention": "Where rows exchange information: each decides how much it takes from which other one.",
    "mlp": "Works on each row alone, and often holds most of a layer's weights.",
    "experts": "Many small networks, of which each row passes a few.",
    "unembedding": "The stream becomes one score for each token of the vocabulary.",
    "other": "Steps that the model keeps together.",
}
"""By what a section holds."""


def sentence(step: Step) -> str:
    """What a step does."""
    return OF_ROLES.get(step.role) or OF_KINDS[step.kind]
