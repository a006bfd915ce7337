"""Which operation asks what of its operands: one table."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from shapetrace.failing.case import Operation
from shapetrace.failing.constraints import Asks, Constraint
from shapetrace.failing.layouts import (
    aligned,
    cat,
    expand,
    interpolate,
    masked_fill,
    permute,
    repeat,
    shuffle,
    split,
    stack,
    unflatten,
    unread,
    view,
    where,
)
from shapetrace.failing.lookups import (
    channel_norm,
    classes,
    gather,
    getitem,
    index,
    index_add,
    layer_norm,
    lookup,
    one_hot,
    targets,
    topk,
)
from shapetrace.failing.products import added, attention, cell, convolution, einsum, linear, matmul, multi_head, pooling
from shapetrace.language import Phrase, say


@dataclass(frozen=True, slots=True)
class Rule:
    """How an operation is read.

    Attributes:
        asks: What it asks of its operands.
        sign: What stands between them: ``×``; empty for the arguments of a function.
        shown: Positions of the operands that are shown; all if empty.
        turned: Position of the weight whose two axes are read the other way round.
        says: The exception must say this for it to be this rule's matter.
        names: What its operands are called, where it is not by their origin.
        alike: Where its operands must have the same sizes: in all axes but the one that is joined, in all, or in all
            but the positions, axis 0.
    """

    asks: Callable[[Operation], Asks]
    sign: str = ""
    shown: tuple[int, ...] = ()
    turned: int | None = None
    says: re.Pattern[str] | None = None
    names: tuple[Phrase, ...] = ()
    alike: Literal["", "joined", "stacked", "positions"] = ""


BROADCASTS = re.compile(r"must match the (?:existing )?size|broadcast|expanded size|shape mismatch", re.IGNORECASE)
"""Functions that nothing is known of are read as element-wise ones only if the exception speaks of broadcasting."""

_TABLE = (
    (Rule(linear, "×", (0, 1), turned=1), "linear"),
    (Rule(matmul, "×"), "matmul rmatmul mm bmm mv dot"),
    (Rule(added, ", "), "addmm baddbmm addbmm addmv"),
    (Rule(einsum), "einsum"),
    (Rule(convolution, "∗", (0, 1)), "conv1d conv2d conv3d conv_transpose1d conv_transpose2d conv_transpose3d"),
    (Rule(pooling, shown=(0,)), "max_pool1d max_pool2d max_pool3d avg_pool1d avg_pool2d avg_pool3d"),
    (Rule(cat, alike="joined"), "cat concat concatenate hstack vstack"),
    (Rule(stack, alike="stacked"), "stack"),
    (Rule(split), "split_with_sizes split"),
    (Rule(view), "view reshape"),
    (Rule(unflatten), "unflatten"),
    (Rule(shuffle), "pixel_shuffle pixel_unshuffle"),
    (Rule(permute), "permute"),
    (Rule(expand), "expand broadcast_to"),
    (Rule(repeat), "repeat"),
    (Rule(masked_fill), "masked_fill"),
    (Rule(where), "where"),
    (Rule(lookup), "embedding embedding_bag"),
    (Rule(index), "index_select"),
    (Rule(one_hot), "one_hot"),
    (Rule(gather), "gather scatter scatter_add take_along_dim"),
    (Rule(index_add), "index_add index_copy"),
    (Rule(getitem), "getitem"),
    (Rule(topk), "topk kthvalue"),
    (Rule(interpolate), "interpolate"),
    (Rule(unread), "setitem copy"),
    (Rule(targets), "mse_loss l1_loss smooth_l1_loss huber_loss"),
    (Rule(targets, shown=(0, 1)), "binary_cross_entropy binary_cross_entropy_with_logits"),
    (Rule(cell, shown=(0, 1)), "lstm_cell gru_cell rnn_tanh_cell rnn_relu_cell"),
    (Rule(classes, shown=(0, 1)), "cross_entropy_loss nll_loss nll_loss_nd cross_entropy"),
    (
        Rule(attention, names=(say("the queries"), say("the keys"), say("the values"), say("the mask"))),
        "scaled_dot_product_attention",
    ),
    (Rule(multi_head, alike="positions"), "multi_head_attention_forward"),
    (Rule(layer_norm, shown=(0, 1)), "layer_norm rms_norm"),
    (Rule(channel_norm, shown=(0, 1)), "batch_norm group_norm instance_norm"),
    (Rule(aligned, "+", says=BROADCASTS), "add radd iadd"),
    (Rule(aligned, "−", says=BROADCASTS), "sub rsub isub"),
    (Rule(aligned, "⊙", says=BROADCASTS), "mul rmul imul"),
)
"""Adding a rule is a function and a line here: what it asks, and the functions it speaks for."""

_RULES = {name: rule for rule, names in _TABLE for name in names.split()}
_OTHER = Rule(aligned, says=BROADCASTS)


ALIGNED = (aligned, masked_fill, where)
"""Rules of functions whose result is as large as the largest operand."""


def rule_of(name: str) -> Rule:
    """How a function is read; element-wise if nothing is known of it."""
    return _RULES.get(name, _OTHER)


def broken(op: Operation) -> list[Constraint]:
    """What does not hold, in the order in which it is read; each rests on those before it."""
    found: list[Constraint] = []
    for constraint in rule_of(op.name).asks(op):
        if not constraint.holds:
            found.append(constraint)
            if constraint.kind == "rank":
                break
    return found
