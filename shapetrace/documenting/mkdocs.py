"""A plugin of MkDocs: a fenced block whose language is ``shapetrace`` becomes the figure of a trace file."""

import posixpath
from pathlib import Path

from mkdocs.config.base import Config
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.plugins import BasePlugin
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

from shapetrace.documenting.drawing import drawn
from shapetrace.errors import ShapetraceError
from shapetrace.formats.markdown import escaped
from shapetrace.posting import Marker, lines_of, markers

FOLDER = "assets/shapetrace"
"""Where the figures lie in the built site."""


class Settings(Config):
    """There is nothing to set."""


class Plugin(BasePlugin[Settings]):
    """``plugins: [search, shapetrace]``."""

    def on_page_markdown(self, markdown: str, /, *, page: Page, config: MkDocsConfig, files: Files) -> str:
        """Put an image in the place of each block; MkDocs finds its file among the others."""
        # Without its front matter a page has fewer lines than its file: messages count those of the file.
        missing = max(0, page.file.content_string.count("\n") - markdown.count("\n"))
        text = "\n" * missing + markdown
        try:
            asked = [marker for marker in markers(text, page.file.src_uri) if marker.comment]
            images = [_image(marker, page, config, files) for marker in asked]
        except ShapetraceError as error:
            raise PluginError(str(error)) from error
        lines = lines_of(text)
        for marker, image in reversed(list(zip(asked, images, strict=True))):
            lines[marker.start : marker.end] = [f"{marker.indent}{image}\n"]
        return "".join(lines)[missing:]


def _image(marker: Marker, page: Page, config: MkDocsConfig, files: Files) -> str:
    """The image line of a block, its file made known to the site."""
    try:
        found = drawn(marker.words, Path(page.file.src_dir or config.docs_dir, page.file.src_uri).parent)
    except ShapetraceError as error:
        raise type(error)(f"{marker.place}: {error}") from error
    uri = f"{FOLDER}/{found.file}"
    if files.get_file_from_path(uri) is None:
        files.append(File.generated(config, uri, content=found.content))
    return f"![{escaped(found.title)}]({posixpath.relpath(uri, posixpath.dirname(page.file.src_uri) or '.')})"
