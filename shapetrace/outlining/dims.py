"""Names of sizes, in the field's standard terms, for operands whose symbol a recognised pattern gave.

They follow from what an operand is, never from how large it is. An operand without such a symbol has no names.
"""

_LAST_TWO = {
    "ids": ("T",),
    "E": ("vocab", "d_model"),
    "P": ("T", "d_model"),
    "X": ("T", "d_model"),
    "Q": ("T", "d_head"),
    "K": ("T", "d_head"),
    "V": ("T", "d_head"),
    "S": ("T", "T"),
    "A": ("T", "T"),
    "O": ("T", "d_model"),
    "H": ("T", "d_ff"),
    "G": ("T", "d_ff"),
    "U": ("T", "d_ff"),
    "M": ("T", "d_model"),
    "R": ("T", "experts"),
    "logits": ("T", "vocab"),
    "W_Q": ("d_model", "d_head"),
    "W_K": ("d_model", "d_head"),
    "W_V": ("d_model", "d_head"),
    "W_O": ("heads·d_head", "d_model"),
    "W_1": ("d_model", "d_ff"),
    "W_2": ("d_ff", "d_model"),
    "W_gate": ("d_model", "d_ff"),
    "W_up": ("d_model", "d_ff"),
    "W_down": ("d_ff", "d_model"),
    "W_R": ("d_model", "experts"),
    "W_U": ("d_model", "vocab"),
}


def dims(symbol: str, shape: tuple[int, ...], *, transposed: bool = False) -> tuple[str, ...]:
    """Names beside the sizes of a shape, "" where nothing is known.

    A batch in front is B. Scores whose sides differ are of T queries and S keys.
    """
    plain = symbol.replace("\u0302", "")
    names = _LAST_TWO.get(plain) or _LAST_TWO.get("X" if plain.partition("_")[0] == "X" else plain)
    if names is None or len(shape) < len(names) or len(shape) > len(names) + 1:
        return ()
    if names == ("T", "T") and shape[-1] != shape[-2]:
        names = ("T", "S")
    names = names[::-1] if transposed else names
    return ("B", *names) if len(shape) > len(names) else names
