"""An extension of Sphinx: the directive ``shapetrace`` is a figure of a trace file."""

import os
import shlex
from contextlib import suppress
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.directives.patches import Figure
from sphinx.environment import BuildEnvironment

from shapetrace import __version__
from shapetrace.documenting.drawing import Drawn, drawn
from shapetrace.errors import MissingPartError, ShapetraceError
from shapetrace.writing import make_folder, write


class Shapetrace(Figure):
    """``.. shapetrace:: traces/gpt2.json --section attention``, with the options and the caption of a figure."""

    def run(self) -> list[nodes.Node]:
        """Draw it, and stand for a figure of that file."""
        env: BuildEnvironment = self.state.document.settings.env
        beside = Path(env.doc2path(env.docname)).parent
        try:
            found = drawn(shlex.split(self.arguments[0]), beside)
            file = _written(found, Path(env.doctreedir) / "shapetrace")
        except (ShapetraceError, ValueError) as error:
            raise self.error(f"shapetrace: {error}") from error
        for trace in found.traces:
            env.note_dependency(str(trace))
        self.arguments[0] = _uri(file, Path(env.srcdir))
        self.options.setdefault("alt", found.title)
        return list(super().run())


def _written(found: Drawn, folder: Path) -> Path:
    """The file, with ``*`` for its suffix where there is a PDF too: builders take what they can show."""
    file = folder / found.file
    make_folder(folder)
    write(file, found.content)
    if file.suffix == ".svg":
        with suppress(MissingPartError):  # then LaTeX says that it cannot show SVG
            write(file.with_suffix(".pdf"), found.pdf())
            return file.with_suffix(".*")
    return file


def _uri(file: Path, sources: Path) -> str:
    """A file as an image names it: from the folder of the sources; blanks would vanish."""
    return "/" + Path(os.path.relpath(file, sources)).as_posix().replace(" ", "\\ ")


def setup(app: Sphinx) -> dict[str, Any]:
    """What ``extensions = ["shapetrace.documenting.sphinx"]`` calls."""
    app.add_directive("shapetrace", Shapetrace)
    return {"version": __version__, "parallel_read_safe": True, "parallel_write_safe": True}
