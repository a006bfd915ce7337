"""The user's own names of sizes: of what was varied, and of numbers that nothing varied."""

from collections.abc import Mapping
from dataclasses import replace

from shapetrace.errors import UsageError
from shapetrace.ir import Trace
from shapetrace.sizing.formulas import Formula
from shapetrace.sizing.parsing import parse


def renamed(trace: Trace, names: Mapping[str, str]) -> Trace:
    """A trace whose sizes have other names.

    Args:
        trace: A pass with named sizes.
        names: New names by symbols (``d_model``), or by numbers: a size that is this number whatever was varied.

    Raises:
        UsageError: If the trace has no such size, or a name is no word, or taken.
    """
    sizes = trace.sizes
    if sizes is None:
        raise UsageError("this pass has no named sizes: the model did not run at other sizes")
    symbols, entries = dict(sizes.symbols), dict(sizes.entries)
    formulas = [parse(text) for text in sizes.formulas]
    for before, after in names.items():
        if not after.isidentifier() or after in symbols:
            raise UsageError(f"{after!r} is no new name of a size: write a word that no other size has")
        if before in symbols:
            formulas = [each.with_symbols({before: Formula.of(after)}) for each in formulas]
            symbols[after], entries[after] = symbols.pop(before), entries.pop(before)
            entries = {name: _in_entry(entry, before, after) for name, entry in entries.items()}
        elif before.isdigit() and Formula.of(int(before)) in formulas:
            formulas = [Formula.of(after) if each == Formula.of(int(before)) else each for each in formulas]
            symbols[after], entries[after] = int(before), before
        else:
            raise UsageError(f"no size is {before!r}: name one of {', '.join(symbols)}, or a number that stays")
    inputs = tuple(names.get(symbol, symbol) for symbol in sizes.inputs)
    samples = tuple({names.get(symbol, symbol): value for symbol, value in sample.items()} for sample in sizes.samples)
    texts = tuple(map(str, formulas))
    changed = replace(sizes, symbols=symbols, entries=entries, formulas=texts, inputs=inputs, samples=samples)
    return replace(trace, sizes=changed)


def _in_entry(entry: str, before: str, after: str) -> str:
    """What a derived symbol stands for, in the new names."""
    try:
        return str(parse(entry).with_symbols({before: Formula.of(after)}))
    except ValueError:
        return entry
