"""A figure as PDF: one page of its own size, vectors and real text.

Typst places the SVG: one wheel without system libraries, which chooses fonts letter by letter and embeds only
the glyphs used. CairoSVG needs the Cairo library and has no fallback for Chinese; svglib and fpdf2 read a part
of SVG and need a font file for every letter outside Latin; a browser's print is no package to depend on.
"""

from pathlib import Path
from shutil import copy
from tempfile import TemporaryDirectory

from shapetrace.drawing.primitives import Figure
from shapetrace.formats import svg
from shapetrace.formats.contract import PLAIN, Format, Options, needs
from shapetrace.formats.fonts import WIDE, first_wide, has_letter, missing, with_families

_PAGE = b"""
#set document(title: sys.inputs.title, date: none)
#set text(lang: sys.inputs.lang)
#set page(width: auto, height: auto, margin: 0pt)
#image(bytes(sys.inputs.svg), format: "svg", alt: sys.inputs.desc)
"""

check = needs("pdf", "typst")


def render(figure: Figure, options: Options = PLAIN) -> bytes:
    """Write a figure as PDF. A theme with a light and a dark appearance is light here.

    Raises:
        MissingPartError: If typst is not installed, or no font has the figure's Chinese letters.
        UsageError: If a file is no font.
    """
    check()
    import typst

    letter, fonts = first_wide(figure), options.fonts
    if letter and not any(has_letter(font, letter) for font in (*fonts, *_system_fonts())):
        raise missing("no font has Chinese letters")

    document = with_families(svg.render(figure, templates=options.templates, styled=False), fonts)
    inputs = {"svg": document, "title": figure.title, "desc": figure.desc, "lang": figure.lang.partition("-")[0]}
    with TemporaryDirectory() as folder:  # typst takes folders of fonts
        for font in fonts:
            copy(font, folder)
        compiler = typst.Compiler(
            _PAGE,
            font_paths=typst.Fonts(font_paths=[folder]),
            sys_inputs={name: svg.xml_text(value) for name, value in inputs.items()},
        )
        written = compiler.compile(format="pdf")
    assert isinstance(written, bytes)  # a list only for several pages of PNG
    return written


def _system_fonts() -> list[Path]:
    """Font files that Typst finds, those of the families that figures ask for first."""
    import typst

    found = sorted(typst.Fonts().fonts(), key=lambda font: font.family not in WIDE)
    return list(dict.fromkeys(Path(font.path) for font in found if font.path))


FORMAT = Format("pdf", "pdf", frozenset({"fonts"}), figure=render, check=check)
