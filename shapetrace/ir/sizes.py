"""What the sizes of a pass are called, and between which sizes that holds."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Refusal:
    """A variation that told nothing.

    Attributes:
        symbol: Symbol of the size that was varied: ``h_kv``.
        entry: What that is of the model or its input: ``num_key_value_heads``.
        reason: What the model said, or what came out different.
    """

    symbol: str
    entry: str
    reason: str


@dataclass(frozen=True, slots=True)
class Range:
    """Between which sizes of the input the names of a pass hold; every bound was found by running the model.

    Attributes:
        symbol: Symbol of the size: ``T``.
        least: The smallest size; None if 1 holds too, or nobody knows.
        most: The largest size; None if none was found among those that were tried.
        below: What the model said to a smaller one, or what came out different.
        beyond: The same of a larger one.
    """

    symbol: str
    least: int | None = None
    most: int | None = None
    below: str = ""
    beyond: str = ""


@dataclass(frozen=True, slots=True)
class Sizes:
    """Sizes by name, proved: the model ran at other sizes, and every formula gave every one of them.

    Attributes:
        symbols: Value of each symbol in this pass: ``{"B": 1, "T": 1024, "d_model": 768}``.
        entries: What each symbol is: an axis of an input (``input_ids[1]``), an entry of the configuration
            (``n_embd``), or the formula of others that it stands for (``d_model/h``).
        formulas: Different formulas, as text: ``("B", "T", "2·T−1")``.
        axes: By tensor id, for each axis the position of its formula; -1 where there is none.
        parameters: The same, by position in ``Trace.parameters``.
        refused: Variations that the model refused, or that gave other operations.
        samples: Values of the symbols in every pass that was compared, the named one first.
        inputs: Symbols of sizes of the input.
        is_counted: Whether every pass that was compared makes the same products and data, only of other sizes: sums
            over operations have formulas.
        ranges: Sizes of the input beyond which the names do not hold.
    """

    symbols: dict[str, int]
    entries: dict[str, str]
    formulas: tuple[str, ...]
    axes: tuple[tuple[int, ...], ...]
    parameters: tuple[tuple[int, ...], ...]
    refused: tuple[Refusal, ...] = ()
    samples: tuple[dict[str, int], ...] = ()
    inputs: tuple[str, ...] = ()
    is_counted: bool = True
    ranges: tuple[Range, ...] = ()
