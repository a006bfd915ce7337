"""A thing in a format: as text where the format takes it so, drawn first where the format is one of figures."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from shapetrace.comparing.structure import Comparison
from shapetrace.drawing import Look
from shapetrace.drawing.content.selecting import FAILURE, section_named, step_numbered
from shapetrace.drawing.primitives import Figure
from shapetrace.drawing.teaching import caption
from shapetrace.errors import UsageError
from shapetrace.formats import tables
from shapetrace.formats.comparison import compared
from shapetrace.formats.contract import Content, Excerpt, Files, Format, Options
from shapetrace.formats.grid import Grid
from shapetrace.outlining.structure import Outline

WHOLE = Excerpt("overview")


def render(thing: Outline | Grid | Comparison | Figure, to: Format, options: Options, part: Excerpt = WHOLE) -> Content:
    """Write a thing.

    Raises:
        UsageError: If the format does not take it, there is no such part, or an option names what does not exist.
        MissingPartError: If a program or package is not installed.
    """
    given = to.given(options)
    if isinstance(thing, Outline) and to.outline:
        return to.outline(narrowed(thing, part), given)
    if isinstance(thing, Comparison) and to.comparison:
        return to.comparison(thing, given)
    if isinstance(thing, Comparison) and to.grid:
        return to.grid(compared(thing, given.words, strict=options.strict), given)
    if isinstance(thing, Grid) and to.grid:
        return to.grid(thing, given)
    if to.figure is None:
        raise UsageError(f"the format {to.name} takes no {type(thing).__name__.lower()}")
    return to.figure(_figure(thing, options, part), given)


def files(
    outline: Outline,
    part: Excerpt,
    to: Format,
    options: Options,
    among: Sequence[str] = (),
    drawn: Callable[[Excerpt], Figure] | None = None,
) -> Files:
    """The files of a part of a model in a format: names and contents, in the order to write.

    Args:
        outline: What a trace means.
        part: What of it.
        to: The format.
        options: What the user chose.
        among: Names of all formats that are being written, for those that show another.
        drawn: Gives the figure of a part, where it is drawn for several formats; None draws it.

    Raises:
        UsageError: If the request is wrong.
        MissingPartError: If a program or package is not installed; files that need none come before.
    """
    if to.files:
        yield from to.files(outline, part, to.given(options), among)
    else:
        thing = drawn(part) if drawn and to.figure and not to.outline else outline
        yield f"{part.name}.{to.suffix}", render(thing, to, options, part)


def part_shown(outline: Outline, look: Look | None) -> Excerpt:
    """What one figure shows where nobody says: the whole, of a pass that failed what failed."""
    is_asked = look is not None and (look.view, look.expand) != (Look().view, Look().expand)
    return WHOLE if is_asked or outline.explained is None else Excerpt(FAILURE, FAILURE)


def drawing(outline: Outline, part: Excerpt, options: Options) -> Figure:
    """The figure of a part.

    Raises:
        UsageError: If there is no such section, step, theme or language.
    """
    from shapetrace.drawing import figure as draw

    look = replace(options.look or Look(), view=part.view) if part.view else options.look
    if options.explain and not part.view:
        told = caption(narrowed(outline, part).steps(), options.words)
        look = replace(look or Look(), caption="\n".join(filter(None, [(look or Look()).caption, told])))
    return draw(outline, section=part.section, step=part.step, theme=options.theme, lang=options.lang, look=look)


def narrowed(outline: Outline, part: Excerpt) -> Outline:
    """An outline of one part alone; totals, coverage and failure stay those of the whole model.

    Raises:
        UsageError: If there is no such section or step.
    """
    if part.step is not None:
        step = step_numbered(outline, part.step)
        return replace(outline, root=replace(outline.root, items=(step,)), first_step=part.step)
    if part.section is None:
        return outline
    if part.section == FAILURE and outline.explained is not None:
        return replace(outline, root=replace(outline.root, items=()))
    found = section_named(outline, part.section)
    whole = replace(outline.root, path="", items=(found,), members=found.members or (found.path,))
    first = next((outline.numbers()[step.id] for step in found.steps()), outline.first_step)
    return replace(outline, root=whole, first_step=first)


def _figure(thing: Outline | Grid | Comparison | Figure, options: Options, part: Excerpt) -> Figure:
    if isinstance(thing, Outline):
        return drawing(thing, part, options)
    if isinstance(thing, Comparison):
        from shapetrace.drawing.kinds.differing import difference

        return difference(thing, strict=options.strict, theme=options.theme, lang=options.lang, look=options.look)
    if isinstance(thing, Grid):
        title = (options.look.title if options.look else None) or ""
        return tables.figure(thing, theme=options.theme, lang=options.lang, title=title, templates=options.templates)
    return thing
