"""What is said of a pass of one rank of several."""

from collections.abc import Iterator

from shapetrace.drawing.wording import Words, bytes_text, counted, short
from shapetrace.outlining.ranks import Circle, Ranks, Transfer


def facts_of_ranks(ranks: Ranks, held: int, words: Words) -> list[str]:
    """Which rank it is, how all of them stand, and its part: ``rank 0 of 1,024``, ``dp 128 × tp 8``.

    Args:
        ranks: What is known of them.
        held: Parameters that this rank holds.
        words: The language.
    """
    return [*rank_of(ranks, words), words.say("{n} of {all} parameters", n=short(held), all=short(ranks.parameters))]


def rank_of(ranks: Ranks, words: Words) -> list[str]:
    """Which rank it is, and how all of them stand."""
    rank = words.say("rank {rank} of {size}", rank=counted(ranks.rank), size=counted(ranks.size))
    return [rank, *filter(None, (mesh_text(ranks),))]


def mesh_text(ranks: Ranks) -> str:
    """The axes along which ranks stand: ``dp 128 × tp 8``; "" for a single rank.

    An axis that counts the same ranks once more stands behind them: ``tp 8, ep 8``.
    """
    more = ranks.mesh[len(ranks.axes) :] if ranks.axes else ()
    first = " × ".join(f"{name} {size}" for name, size in ranks.axes or ranks.mesh if size > 1)
    return ", ".join(filter(None, (first, *(f"{name} {size}" for name, size in more if size > 1))))


def talks_of(circle: Circle, words: Words) -> str:
    """How ranks talk: ``253 all-reduce, 1 all-gather``."""
    counts = (f"{counted(n)} {words.say(talk.replace('_', '-'))}" for talk, n in circle.collectives.items())
    return words.enumerated(counts)


def sending(transfer: Transfer, words: Words) -> str:
    """What a rank sends in a collective: ``a rank sends 235 MB``; of rows between stages, how much they are."""
    if transfer.talk in ("send", "receive"):
        return bytes_text(transfer.payload)
    return "" if not transfer.sent else words.say("a rank sends {bytes}", bytes=bytes_text(transfer.sent))


def talkers(transfer: Transfer, words: Words) -> Iterator[str]:
    """Who talks: ``over tp``, ``ranks 0-7``; ``over pp``, ``to rank 8``."""
    if transfer.axes:
        yield words.say("over {axis}", axis=" = ".join(transfer.axes))
    if transfer.peer >= 0:
        yield words.say("to rank {rank}" if transfer.talk == "send" else "from rank {rank}", rank=transfer.peer)
    elif transfer.members:
        yield words.say("ranks {members}", members=transfer.members)
