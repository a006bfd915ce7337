"""The explanation of a failure: which sizes clash, where they come from, what would fit."""

from dataclasses import dataclass
from typing import Literal

from shapetrace.ir import Role
from shapetrace.language import Phrase, Text, say

FailureKind = Literal["shape", "dtype", "index", "other"]
"""shape: sizes or numbers of axes do not fit. dtype: types do not. index: a number points outside. other: the rest."""


@dataclass(frozen=True, slots=True)
class Part:
    """One operand of the operation that failed.

    Attributes:
        name: Name of the parameter, buffer or input; for computed values how to call them.
        role: data, weight or constant.
        shape: Sizes as the operation reads them: the weight of ``linear`` is turned to [in, out].
        dtype: torch's name without the prefix.
        origin: Where it came from: ``fc1 (Linear 512→768) produced it, then relu``.
        clashing: Positions in ``shape`` that do not fit.
        names: Names of ``shape`` where they were proved, "" elsewhere; () if none was.
    """

    name: Text
    role: Role
    shape: tuple[int, ...]
    dtype: str
    origin: Text = ""
    clashing: tuple[int, ...] = ()
    names: tuple[str, ...] = ()

    @property
    def sizes(self) -> str:
        """Its sizes with their names: ``[B=4,d_model=768]``."""
        named = zip(self.shape, self.names or ("",) * len(self.shape), strict=True)
        return "[" + ",".join(f"{name}={size}" if name else str(size) for size, name in named) + "]"


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a pass ended early.

    Attributes:
        kind: What sort of error it is.
        type: Class name of the exception.
        message: Its own text.
        model: Name of the model.
        op: The function that failed: ``linear``; empty if the model's own code raised.
        operator: What stands between the parts: ``×``, ``+``; empty for a function's arguments.
        parts: Its operands, in the order in which they are read.
        clash: The two numbers that do not fit, with their names if those were proved: ``768 (d_model) ≠ 512``; empty
            if it is no such pair.
        reason: One sentence.
        fits: What would fit, each a sentence of its own.
        path: Path of the module that was running; empty for the model itself.
        module: What that module is: ``Linear 512→10``.
        line: Line of the user's code: ``net.py:12 in Net.forward``.
    """

    kind: FailureKind
    type: str
    message: str
    model: str
    op: str = ""
    operator: str = ""
    parts: tuple[Part, ...] = ()
    clash: Text = ""
    reason: Text = ""
    fits: tuple[Text, ...] = ()
    path: str = ""
    module: str = ""
    line: str = ""

    @property
    def where(self) -> str:
        """The module for people: ``fc2 (Linear 512→10)``."""
        if self.path:
            return f"{self.path} ({self.module})" if self.module else self.path
        return self.module or self.model

    @property
    def title(self) -> Text:
        """What happened, in a few words: ``linear failed in fc2 (Linear 512→10)``."""
        if not self.path and not self.module:
            return say("{op} failed", op=self.op) if self.op else say("{error} raised", error=self.type)
        if self.op:
            return say("{op} failed in {where}", op=self.op, where=self.where)
        return say("{error} raised in {where}", error=self.type, where=self.where)

    @property
    def equation(self) -> str:
        """The operation with its shapes: ``[4,768]×[512,10]``, ``cat([2,3], [2,4])``."""
        shapes = [written(part.shape) for part in self.parts]
        if self.operator:
            return self.operator.join(shapes)
        called = self.op or self.module.partition(" ")[0] or self.model
        return f"{called}({', '.join(shapes)})" if shapes else ""


def axes_clash(left: int, right: int) -> Phrase:
    """``3 ≠ 4 axes``."""
    return say("{left} ≠ {right} axes", left=left, right=right)


def written(shape: tuple[int, ...]) -> str:
    """Sizes as people write them: ``[4,768]``."""
    return "[" + ",".join(map(str, shape)) + "]"
