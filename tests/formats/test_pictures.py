"""PNG and PDF: real text, true size, and plain words when a font or package is missing."""

import re
import struct
import sys
import zlib
from pathlib import Path

import pytest

from shapetrace.drawing import Look, figure
from shapetrace.errors import MissingPartError, UsageError
from shapetrace.formats import gif, pdf, png
from shapetrace.formats.contract import Options
from shapetrace.formats.fonts import family, has_letter, with_families
from shapetrace.formats.svg import SANS
from tests.drawing.outlines import gpt2

FONTS = sorted(Path("/usr/share/fonts").rglob("DejaVuSans.ttf"))
CJK = sorted(Path("/usr/share/fonts").rglob("NotoSansCJK-Regular.ttc"))
needs_fonts = pytest.mark.skipif(not png._has("M", ()) or not png._has("中", ()), reason="needs fonts, Chinese too")


def size(picture: bytes) -> tuple[int, int]:
    return struct.unpack(">II", picture[16:24])


def pixels(picture: bytes) -> bytes:
    chunks, at = b"", 8
    while at < len(picture):
        length, kind = struct.unpack(">I4s", picture[at : at + 8])
        chunks += picture[at + 8 : at + 8 + length] if kind == b"IDAT" else b""
        at += 12 + length
    return zlib.decompress(chunks)


@needs_fonts
def test_png_is_as_large_as_its_scale_says():
    drawn = figure(gpt2(), section="mlp")
    for scale in (1, 2.5):
        width, height = size(png.render(drawn, Options(scale=scale)))
        assert abs(width - drawn.width_px * scale) <= 2
        assert abs(height - drawn.height_px * scale) <= 2


@needs_fonts
@pytest.mark.parametrize("lang", ["en", "zh"])
def test_the_text_of_a_png_appears(lang):
    """Only the title differs, so only letters can make the difference."""
    first, second = (
        pixels(png.render(figure(gpt2(), section="mlp", lang=lang, look=Look(title=title)), Options(scale=1)))
        for title in ("语言 AAAA", "模型 AAAA")
    )
    assert first != second


def test_no_font_is_said_plainly(monkeypatch):
    drawn = png._drawn
    monkeypatch.setattr(png, "_drawn", lambda *args, **options: drawn(*args, **options, skip_system_fonts=True))
    png._has.cache_clear()
    with pytest.raises(MissingPartError, match=r"no font is found.*--font FILE"):
        png.render(figure(gpt2()))
    png._has.cache_clear()


@pytest.mark.skipif(not FONTS, reason="needs DejaVu Sans")
def test_a_font_file_stands_in_for_those_of_the_system(monkeypatch):
    drawn = png._drawn
    monkeypatch.setattr(png, "_drawn", lambda *args, **options: drawn(*args, **options, skip_system_fonts=True))
    png._has.cache_clear()
    assert png.render(figure(gpt2(), section="mlp"), Options(fonts=(FONTS[0],)))
    with pytest.raises(MissingPartError, match="no font has Chinese letters"):
        png.render(figure(gpt2(), section="mlp", lang="zh"), Options(fonts=(FONTS[0],)))
    png._has.cache_clear()


@pytest.mark.skipif(not FONTS, reason="needs DejaVu Sans")
def test_a_font_tells_which_letters_it_has(tmp_path):
    assert has_letter(FONTS[0], "M")
    assert has_letter(FONTS[0], "√")
    assert not has_letter(FONTS[0], "中")
    (tmp_path / "bad.ttf").write_bytes(b"\0\1\0\0" + b"\xff" * 40)
    assert not has_letter(tmp_path / "bad.ttf", "M")
    assert not has_letter(tmp_path / "none.ttf", "M")


@pytest.mark.skipif(not CJK, reason="needs Noto Sans CJK")
def test_a_collection_tells_which_letters_it_has():
    assert has_letter(CJK[0], "中")
    assert not has_letter(CJK[0], "\u0378")


def test_a_chinese_pdf_without_a_font_is_refused(monkeypatch):
    monkeypatch.setattr(pdf, "_system_fonts", lambda: FONTS[:1])
    with pytest.raises(MissingPartError, match=r"no font has Chinese letters.*--font FILE"):
        pdf.render(figure(gpt2(), section="mlp", lang="zh"))
    assert pdf.render(figure(gpt2(), section="mlp")).startswith(b"%PDF")


@pytest.mark.skipif(not FONTS, reason="needs DejaVu Sans")
def test_a_font_tells_its_family(tmp_path):
    assert family(FONTS[0]) == "DejaVu Sans"
    for content in (b"", b"\0\1\0\0", b"OTTO\0\1" + bytes(40), b"ttcf" + b"\xff" * 20, b"no font at all"):
        (tmp_path / "bad.ttf").write_bytes(content)
        with pytest.raises(UsageError, match="is no font"):
            family(tmp_path / "bad.ttf")
    with pytest.raises(UsageError, match="cannot read the font"):
        family(tmp_path / "none.ttf")


def test_only_lines_with_chinese_change_their_face():
    document = f'<svg font-family="{SANS}"><text x="1">a</text><text x="2"><tspan>中</tspan></text><text>X</text></svg>'
    changed = with_families(document)
    assert re.findall(r'<text style="font-family:[^"]+Noto Sans CJK SC', changed) or "CJK SC" in changed
    assert changed.count("style=") == 1
    assert '<text x="1">a</text>' in changed


@needs_fonts
def test_pdf_is_the_same_every_time_and_as_large_as_the_figure():
    drawn = figure(gpt2(), section="mlp", lang="zh")
    document = pdf.render(drawn)
    assert document.startswith(b"%PDF")
    assert document == pdf.render(drawn)
    assert b"/Subtype/Image" not in document.replace(b" ", b"")
    assert len(document) < 200_000


@needs_fonts
@pytest.mark.parametrize("title", ["<b>\x00\x1f]]>", '"#eval(1)" \\', "\ud800 🎉 שלום", "x" * 500])
def test_hostile_titles_are_drawn(title):
    drawn = figure(gpt2(), section="mlp", look=Look(title=title, caption=title))
    assert png.render(drawn, Options(scale=0.5))
    assert pdf.render(drawn)


@pytest.mark.parametrize("scale", [0, -1, 1e5, float("nan")])
def test_a_scale_that_makes_no_picture_is_refused(scale):
    with pytest.raises(UsageError, match="scale"):
        png.render(figure(gpt2()), Options(scale=scale))


@pytest.mark.parametrize(("module", "package"), [(png, "resvg_py"), (gif, "resvg_py"), (gif, "PIL"), (pdf, "typst")])
def test_a_missing_package_names_its_extra(module, package, monkeypatch):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingPartError, match=r"pip install 'shapetrace\["):
        module.render(figure(gpt2()))
