"""The errors that shapetrace raises. The command line prints them as one line."""

CONTRADICTIONS = (LookupError, TypeError, ValueError, ArithmeticError, AssertionError, RecursionError)
"""What a recogniser, a rule or a mend may raise on a pass or a call that it was not made for."""


class ShapetraceError(Exception):
    """Something could not be done. The message says what was got, what was expected and what to do."""

    exit_code = 1


class UsageError(ShapetraceError):
    """The request itself is wrong: an unknown model, settings that do not fit together, a bad file."""

    exit_code = 2


class TraceError(ShapetraceError):
    """The pass could not be recorded."""


class TooManyOpsError(TraceError):
    """The pass makes more operations than it was to be recorded for."""


class UnknownValueError(TraceError):
    """The pass runs on meta, and the model's code looks at a value that only a real pass would compute.

    Attributes:
        operation: Which operation, in which module: ``nonzero in model.layers.0.mlp``.
    """

    operation = "The model"


class MissingPartError(ShapetraceError):
    """A program, font or optional package that this request needs is not installed."""

    exit_code = 2
