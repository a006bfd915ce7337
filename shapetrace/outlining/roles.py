"""Roles: what a step is for, and what an operand is in its step. Decided from facts; words follow from them, last."""

from enum import StrEnum, auto


class Role(StrEnum):
    """What a step is for. Titles are made from it; nothing is decided by a title."""

    OTHER = auto()
    """Nothing that a recogniser knows: a step by its kind alone."""

    LOOKUP = auto()
    """Rows of a table, one for each id."""
    LOOKUP_TOKENS = auto()
    LOOKUP_POSITIONS = auto()
    ADD_EMBEDDINGS = auto()
    POSITION = auto()
    """Positions put in: a table added, a rotation."""
    PATCHES = auto()
    """Windows or patches cut out of a signal."""

    QUERY = auto()
    KEY = auto()
    VALUE = auto()
    QUERY_KEY = auto()
    KEY_VALUE = auto()
    QUERY_KEY_VALUE = auto()
    SPLIT_HEADS = auto()
    SCORES = auto()
    ATTENTION_WEIGHTS = auto()
    """Scores made weights: softmax, or an activation in its place."""
    MIX_HEADS = auto()
    """Scores or weights of all heads mixed with each other."""
    WEIGHTED_SUM = auto()
    STATE = auto()
    """Keys and values multiplied over positions: what linear attention keeps."""
    READ_STATE = auto()
    CONCAT_HEADS = auto()
    OUT_PROJ = auto()
    LATENT_DOWN = auto()
    """To a latent that becomes queries, or keys and values."""
    COMPRESS_KEY = auto()
    """A block of keys made one."""
    COMPRESS_VALUE = auto()

    CHOOSE_KEYS = auto()
    """Which keys, or blocks of them, a query will look at."""
    CHOOSE_QUERIES = auto()
    """Which queries will look at keys."""
    CACHE_APPEND = auto()
    """New rows behind those kept from earlier passes."""
    CACHE_WRITE = auto()
    """New rows written into a cache of fixed size."""

    GATE = auto()
    UP = auto()
    GATE_UP = auto()
    DOWN = auto()
    EXPAND = auto()
    """First product of an MLP without a gate, whatever its widths."""
    HIDDEN = auto()
    """A product between the first and the last of an MLP."""
    SHRINK = auto()
    """Last product of an MLP without a gate."""
    ROUTER = auto()
    CHOOSE_EXPERTS = auto()
    DISPATCH = auto()
    """Rows copied to the experts that they go to."""
    COMBINE_EXPERTS = auto()
    ADAPTER_DOWN = auto()
    ADAPTER_UP = auto()
    RECURRENT = auto()

    UNEMBED = auto()
    """The last product: scores over a vocabulary that the model also reads."""
    HEAD = auto()
    """The last product: scores of classes, or whatever leaves the model."""

    RESIDUAL = auto()
    NORM = auto()
    ACTIVATION = auto()
    GATED_ACTIVATION = auto()
    """An activation times another value."""
    GLU = auto()
    """A product, activated, times another one of the same rows: the gate of an MLP and what it lets through."""
    SIDE_GATE = auto()
    """A product that scales what another one made, outside an MLP."""
    SCALE = auto()
    SELECT = auto()
    """Rows or columns taken out."""
    LOSS = auto()


CACHING = frozenset({Role.CACHE_APPEND, Role.CACHE_WRITE})
"""Steps that put new rows to kept ones."""


class Part(StrEnum):
    """What an operand is in its step. Symbols are made from it; nothing is decided by a symbol."""

    OTHER = auto()
    IDS = auto()
    TABLE = auto()
    WEIGHT = auto()
    BIAS = auto()
    POSITIONS = auto()
    STREAM = auto()
    """Rows of d_model that residuals add to."""
    CONTEXT = auto()
    """What cross-attention reads keys and values from."""
    SELECTED = auto()
    """Some rows of the stream."""
    QUERY = auto()
    KEY = auto()
    VALUE = auto()
    QUERY_KEY = auto()
    KEY_VALUE = auto()
    QUERY_KEY_VALUE = auto()
    SCORES = auto()
    ATTENTION_WEIGHTS = auto()
    STATE = auto()
    HEADS = auto()
    """Weighted sums: one a head, or side by side."""
    ATTENTION = auto()
    """What attention adds to the stream."""
    LATENT_QUERY = auto()
    LATENT_KEY_VALUE = auto()
    CACHED_KEY = auto()
    CACHED_VALUE = auto()
    CACHED_KEY_VALUE = auto()
    CACHED_LATENT = auto()
    HIDDEN = auto()
    GATE = auto()
    UP = auto()
    GATE_UP = auto()
    FEED_FORWARD = auto()
    """What an MLP or the experts add to the stream."""
    ROUTING = auto()
    EXPERT_WEIGHTS = auto()
    """How much each chosen expert counts."""
    MIXING = auto()
    """How much of each row goes into each: the adjacency of a graph."""
    MASK = auto()
    LOGITS = auto()
    SHARES = auto()
    """Logits made shares of one: how likely each word or class is."""
    TARGETS = auto()
    LOSS = auto()
    PRODUCT = auto()
    """The result of a product that no recogniser knows."""


KEPT = frozenset({Part.CACHED_KEY, Part.CACHED_VALUE, Part.CACHED_KEY_VALUE, Part.CACHED_LATENT})
"""What an earlier pass kept."""
