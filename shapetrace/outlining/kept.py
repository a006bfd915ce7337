"""What a decoder keeps of each token for the tokens after it: the key/value cache. Standard library only."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CachedLayers:
    """Layers that keep the same of each token.

    Attributes:
        n_layers: How many there are, folded ones counted.
        parts: Heads and width of each thing kept: ((4, 64), (4, 64)) for the K and V of 4 heads; of a latent first the
            latent, then what is kept beside it: ((1, 512), (1, 64)).
        query_heads: Heads of the queries that look at them.
        latent: Width of the latent that becomes keys and values; 0 for plain keys and values.
        window: Tokens that a query looks back on, itself included: older ones can be dropped; None for all.
        tokens_per_row: Tokens that share what is kept: more than 1 where keys are compressed block by block.
    """

    n_layers: int
    parts: tuple[tuple[int, int], ...]
    query_heads: int = 1
    latent: int = 0
    window: int | None = None
    tokens_per_row: int = 1

    @property
    def values(self) -> int:
        """Numbers that one of these layers keeps, of one token or of the tokens that share a row."""
        return sum(heads * width for heads, width in self.parts)


@dataclass(frozen=True, slots=True)
class Cache:
    """What all layers keep of one token, while it is in every window.

    Attributes:
        layers: Layers by what they keep, in the order of the first of each.
        itemsize: Bytes of one value, those of the model's weights.
    """

    layers: tuple[CachedLayers, ...]
    itemsize: int

    @property
    def n_layers(self) -> int:
        """Layers in all."""
        return sum(group.n_layers for group in self.layers)

    def bytes_per_token(self, itemsize: int | None = None) -> int:
        """Bytes that all layers keep of one token, rounded up where tokens share rows.

        Args:
            itemsize: Bytes of one value; those of the weights if it is not given.
        """
        size = self.itemsize if itemsize is None else itemsize
        return sum(-(-group.n_layers * group.values * size // group.tokens_per_row) for group in self.layers)
