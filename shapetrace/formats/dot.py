"""A graph in Graphviz's language: sections are clusters, data flows in blue, weights are grey boxes.

Writing DOT needs no program; `drawn` runs the system's ``dot``. Nodes are numbered, so that no name of a user
stands where Graphviz reads syntax.
"""

import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

import graphviz

from shapetrace.drawing.metrics import clean
from shapetrace.drawing.theme import theme_named
from shapetrace.drawing.wording import Words, words_in
from shapetrace.errors import MissingPartError, ShapetraceError
from shapetrace.formats.contract import Excerpt, Files, Format, Options
from shapetrace.formats.equations import Dims, joined, pieces
from shapetrace.outlining.structure import Operand, Outline, Section, Step

_SIZES = {"fontsize": "11", "fontname": "Helvetica"}


def render(
    outline: Outline, *, theme: str = "default", lang: str = "en", templates: Path | None = None, dims: Dims = "numbers"
) -> str:
    """Write an outline as DOT.

    Args:
        outline: What to write, whole or narrowed to a section.
        theme: Name of a theme, or a TOML file; its light colours are taken.
        lang: Language of the words.
        templates: Folder of the user, whose themes and labels come before ours.
        dims: How sizes are written.

    Raises:
        UsageError: If there is no such theme or language.
    """
    return _Graph(outline, theme_named(theme, templates).colours, words_in(lang, templates), dims).written()


def drawn(source: str, format: str) -> bytes:  # noqa: A002 - Graphviz calls it so
    """Let the system's ``dot`` draw a graph as ``svg``, ``png`` or ``pdf``.

    Raises:
        MissingPartError: If Graphviz is not installed.
        ShapetraceError: If ``dot`` fails.
    """
    try:
        return bytes(graphviz.Source(source).pipe(format=format, quiet=True))
    except graphviz.ExecutableNotFound as error:
        raise MissingPartError(
            "the program dot is not found: install Graphviz (apt install graphviz, brew install graphviz, "
            "winget install graphviz); the .dot file needs no program"
        ) from error
    except subprocess.CalledProcessError as error:
        reason = (error.stderr or b"").decode(errors="replace").strip().partition("\n")[0]
        raise ShapetraceError(f"dot could not draw the graph: {reason or error}") from error


class _Graph:
    """One graph in the making."""

    def __init__(self, outline: Outline, colours: dict[str, str], words: Words, dims: Dims) -> None:
        self.outline, self.colours, self.words, self.dims = outline, colours, words, dims
        self.steps = {step.id: number for number, step in enumerate(outline.steps(), 1)}
        self.sources: dict[tuple[str, ...], str] = {}
        self.n_clusters = 0
        title = [outline.model.name, *([outline.failure] if outline.failure else [])]
        self.graph = graphviz.Digraph(
            "shapetrace",
            graph_attr={**_SIZES, "label": label(*title), "labelloc": "t", "fontsize": "16", "rankdir": "TB",
                        "bgcolor": colours["background"], "fontcolor": colours["ink"], "nodesep": "0.25"},
            node_attr={**_SIZES, "shape": "box", "style": "rounded,filled", "fillcolor": colours["data_back"],
                       "color": colours["data_line"], "fontcolor": colours["ink"]},
            edge_attr={**_SIZES, "fontsize": "10", "color": colours["data_line"], "fontcolor": colours["data_text"]},
        )  # fmt: skip

    def written(self) -> str:
        """The whole graph."""
        self.cluster(self.graph, self.outline.root)
        for step in self.outline.steps():
            self.edges(step)
        self.results()
        return str(self.graph.source)

    def cluster(self, graph: graphviz.Digraph, section: Section, ground: str = "panel") -> None:
        """The steps and sections of a section, in a frame of their own unless it is the model.

        Args:
            graph: Where they are written.
            section: The section.
            ground: Colour of frames in it; those inside them have the other.
        """
        for item in section.items:
            if isinstance(item, Step):
                self.step(graph, item)
                continue
            self.n_clusters += 1
            with graph.subgraph(name=f"cluster_{self.n_clusters}") as inner:
                times = f" ×{item.repeat}" if item.repeat > 1 else ""
                inner.attr(
                    label=label(self.words.say(item.title) + times, item.module, end=r"\l"),
                    style="rounded,filled",
                    labeljust="l",
                )
                inner.attr(color=self.colours["rule"], fillcolor=self.colours[ground], labelloc="t", fontsize="12")
                self.cluster(inner, item, "card" if ground == "panel" else "panel")

    def step(self, graph: graphviz.Digraph, step: Step) -> None:
        """A step, and beside it the weights and constants that it takes."""
        number = self.steps[step.id]
        module = step.path.removeprefix(step.section).strip(".")
        graph.node(f"step{number}", label(self.words.say(step.title), module, joined(pieces(step, dims=self.dims))))
        for place, operand in enumerate(step.operands, 1):
            if operand.role != "data":
                role = "weight" if operand.role == "weight" else "const"
                style = "filled" if role == "weight" else "filled,dashed"
                name, colours = f"step{number}_{role}{place}", self.colours
                graph.node(
                    name, label(_described(operand), operand.source), style=style,
                    fillcolor=colours[role], color=colours[f"{role}_line"], fontcolor=colours[f"{role}_text"],
                )  # fmt: skip
                graph.edge(name, f"step{number}", color=colours[f"{role}_line"], arrowsize="0.7")

    def edges(self, step: Step) -> None:
        """From where its data comes to a step."""
        older = self.older(step)
        for operand in step.operands:
            if operand.role != "data":
                continue
            more = {"style": "dashed", "penwidth": "2", "constraint": "false"} if operand is older else {}
            self.graph.edge(
                self.origin(operand),
                f"step{self.steps[step.id]}",
                label(_described(operand), indent="\N{NO-BREAK SPACE} "),
                **more,
            )
        for made in step.also_reads:
            if made in self.steps:
                self.graph.edge(f"step{self.steps[made]}", f"step{self.steps[step.id]}")

    def older(self, step: Step) -> Operand | None:
        """The operand of a residual that was there before."""
        if step.kind != "residual":
            return None
        data = [operand for operand in step.operands if operand.role == "data"]
        return min(data, key=lambda operand: self.steps.get(operand.made_by, 0)) if len(data) > 1 else None

    def origin(self, operand: Operand) -> str:
        """The node that an operand comes from: a step, or an input of what is drawn."""
        if operand.made_by in self.steps:
            return f"step{self.steps[operand.made_by]}"
        key = (operand.made_by, operand.source or operand.name, str(operand.shape))
        if key not in self.sources:
            self.sources[key] = f"input{len(self.sources) + 1}"
            self.ellipse(self.sources[key], _described(operand), operand.source)
        return self.sources[key]

    def results(self) -> None:
        """What nothing in the graph reads any more."""
        steps = list(self.outline.steps())
        read = {made for step in steps for made in (*step.also_reads, *(each.made_by for each in step.operands))}
        for step in steps:
            if step.id not in read:
                number = self.steps[step.id]
                for place, result in enumerate(step.results, 1):
                    self.ellipse(f"output{number}_{place}", _described(result))
                    self.graph.edge(f"step{number}", f"output{number}_{place}")

    def ellipse(self, name: str, *lines: str) -> None:
        """Data that enters or leaves."""
        given: Callable[[str], str] = self.colours.__getitem__
        self.graph.node(
            name, label(*lines), shape="ellipse", style="filled", fillcolor=given("data"), fontcolor=given("data_text")
        )


def label(*lines: str, end: str = r"\n", indent: str = "") -> str:
    r"""Lines of text as a label: no character of theirs is syntax, none is markup.

    Args:
        lines: The lines; empty ones are left out.
        end: What ends a line: ``\n`` centres it, ``\l`` puts it to the left.
        indent: Space before each, which clears the line of an edge.
    """
    kept = [graphviz.escape(clean(line)[:200].replace("&", "&amp;")) for line in lines if clean(line)]
    text = "".join(f"{indent}{line}{end}" for line in kept)
    quoted: str = graphviz.nohtml(text.removesuffix(r"\n"))  # a plain str <b> would be read as markup
    return quoted


def _described(operand: Operand) -> str:
    name = f"{operand.name}ᵀ" if operand.transposed else operand.name
    shape = "[" + ", ".join(map(str, operand.shape)) + "]"
    return f"{name} {shape} ×{operand.stack}" if operand.stack > 1 else f"{name} {shape}"


def _outline(outline: Outline, options: Options) -> str:
    dims = options.look.dims if options.look else "numbers"
    return render(outline, theme=options.theme, lang=options.lang, templates=options.templates, dims=dims)


def _drawn(suffix: str) -> Format:
    """A graph that Graphviz draws; its source is written beside it."""

    def files(outline: Outline, part: Excerpt, options: Options, _among: Sequence[str]) -> Files:
        from shapetrace.formats import rendering

        source = _outline(rendering.narrowed(outline, part), options)
        yield f"{part.name}.dot", source
        yield f"{part.name}.dot.{suffix}", drawn(source, suffix)

    return Format(
        f"dot-{suffix}",
        f"dot.{suffix}",
        _OPTIONS,
        outline=lambda outline, options: drawn(_outline(outline, options), suffix),
        files=files,
        in_pages=suffix != "pdf",
    )


_OPTIONS = frozenset({"lang", "look", "theme"})
FORMAT = Format("dot", "dot", _OPTIONS, outline=_outline)
DRAWN = tuple(map(_drawn, ("svg", "png", "pdf")))
