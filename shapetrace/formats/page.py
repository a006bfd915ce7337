"""The explorer: one page that holds a model, its pictures and what walks through them. It needs no network."""

import base64
import gzip
import hashlib
import json
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any

from markupsafe import Markup

from shapetrace.comparing.unfolding import moved
from shapetrace.drawing.content.selecting import section_named
from shapetrace.drawing.inks import SHAPES, TEXTS, ShapeInk, TextInk
from shapetrace.drawing.kinds.equation_cells import EquationCell
from shapetrace.drawing.layout.boxes import Box
from shapetrace.drawing.resources import names_in, read
from shapetrace.drawing.theme import Theme, theme_named
from shapetrace.drawing.wording import Words, words_in
from shapetrace.errors import UsageError
from shapetrace.exploring import Explored, Tour, page_data
from shapetrace.exploring.ending import last_step
from shapetrace.formats.bundling import bundle
from shapetrace.formats.contract import Options
from shapetrace.formats.fragments import fragment
from shapetrace.formats.summary import of_ranks
from shapetrace.formats.svg import ink_class, px
from shapetrace.formats.templating import rendered
from shapetrace.language import printable
from shapetrace.outlining.structure import Outline, Section, Step

_FOLDER = "explorer"
_CHOICES = ("dims", "form", "view", "bars", "lang", "theme", "axis", "row", "entry", "pass", "rank", "with")
"""What a link holds behind its place."""
_COUNTED = frozenset({"row", "entry"})


def render(shown: Tour | Explored, options: Options, place: str = "") -> str:
    """Write a page; the same model and options give the same bytes.

    Args:
        shown: A model, two in step, passes of a generation, or ranks.
        options: Its first language and theme, its title, and whose templates.
        place: Path or kind of the section, or id of the step, that is open at first.

    Raises:
        UsageError: If there is no such place, theme or language.
    """
    templates = options.templates
    languages = _languages(options.lang, templates)
    tour = Tour((shown,)) if isinstance(shown, Explored) else shown
    data, drawn = page_data(tour, languages)
    data |= {
        "side": _side(tour),
        "lang": options.lang,
        "layout": tour.layout,
        "place": place_in(tour, place),
        "theme": options.theme if options.theme in {"light", "dark"} else "auto",
        "languages": {words.lang: _phrases(words, templates) for words in languages},
        "cells": [_cell(cell) for cell in drawn.cells],
        "plates": [["".join(fragment(group.marks) for group in groups), _numbers(box)] for groups, box in drawn.plates],
    }
    _share_steps(data)
    for subject, told in zip(tour.subjects, data["subjects"], strict=True):
        told["rank"] = _rank(subject.outline, languages)
    title = (options.look.title if options.look else "") or tour.name
    data["title"] = title
    script = bundle("main", lambda name: read(f"{_FOLDER}/{name}", templates))
    style = _colours(theme_named(options.theme, templates)) + read(f"{_FOLDER}/style.css", templates) + _inks()
    values = {
        "lang": options.lang,
        "title": printable(title, ""),
        "style": Markup(style),  # noqa: S704 - ours
        "script": Markup(script),  # noqa: S704 - ours
        "style_hash": digest(style),
        "script_hash": digest(script),
        "data": Markup(_packed(data)),  # noqa: S704 - base64
    }
    return rendered(f"{_FOLDER}/page.html", values, filters={}, templates=templates)


def framed(page: str, title: str, height_px: int, instead: str = "") -> str:
    """A page in a frame, to stand in another page: nothing of either reaches into the other.

    Args:
        page: The page.
        title: What it is, for those who cannot see it.
        height_px: How high it is.
        instead: HTML that stands there where frames are dropped: in a notebook that is not trusted.
    """
    look = f"box-sizing:border-box;width:100%;height:{height_px}px;border:1px solid #8888;border-radius:8px"
    frame = f'title="{escape(title)}" srcdoc="{escape(page)}" style="{look}" loading="lazy"'
    return f"<iframe {frame}>{instead}</iframe>"


def _rank(outline: Outline, languages: Sequence[Words]) -> dict[str, Any] | None:
    """Which rank it is, and what is said of it."""
    if outline.ranks is None:
        return None
    return {"number": outline.ranks.rank, "told": {words.lang: of_ranks(outline, words) for words in languages}}


def _side(tour: Tour) -> int:
    """Number of the pass or rank that is seen first: the one that failed, if one did."""
    failed = [n for n, subject in enumerate(tour.subjects) if subject.outline.failure]
    return failed[0] if failed and not tour.in_step else 0


def _share_steps(data: dict[str, Any]) -> None:
    """Write steps that several passes, models or forms have alike once, and everywhere else their number."""
    numbers: dict[str, int] = {}
    for subject in data["subjects"]:
        for form in subject["forms"].values():
            texts = [step and json.dumps(step, separators=(",", ":")) for step in form["steps"]]
            form["steps"] = [text and numbers.setdefault(text, len(numbers)) for text in texts]
    data["steps"] = [json.loads(text) for text in numbers]


def place_in(tour: Tour, asked: str) -> str:
    """What a link to a place says behind its ``#``; of a failed pass where it ended, if nothing is asked for.

    Args:
        tour: What a page shows.
        asked: Id of a step, path or kind of a section, of the first model that has it; then choices as in a link:
            ``attention?dims=names``.

    Raises:
        UsageError: If there is no such place, or no such choice.
    """
    outlines = [subject.outline for subject in tour.subjects]
    where, mark, state = asked.partition("?")
    for choice in state.split("&") if state else ():
        _check_choice(*choice.partition("=")[::2])
    if not where:
        return (next((last_step(outline) for outline in outlines if outline.failure), "")) + mark + state
    for outline in outlines[:-1]:
        try:
            return _place_in(outline, where) + mark + state
        except UsageError:
            continue
    return _place_in(outlines[-1], where) + mark + state


def _check_choice(name: str, value: str) -> None:
    if name not in _CHOICES:
        raise UsageError(f"no {name!r} in a link of the explorer: it holds {', '.join(_CHOICES)}")
    if name in _COUNTED and "0" in value.partition("@")[0].split(","):
        raise UsageError(f"{name}={value}: rows and columns are counted from 1")


def title_of(tour: Tour, place: str, options: Options) -> str:
    """What a link to a place says: ``GPT-2 small: Scores``."""
    words, name = words_in(options.lang, options.templates), (options.look.title if options.look else "") or tour.name
    where = place.partition("?")[0]
    for outline in (subject.outline for subject in tour.subjects):
        parts: list[Step | Section] = [*outline.steps(), *outline.root.sections()]
        for part in parts:
            ids = part.members or (part.path,) if isinstance(part, Section) else (part.id,)
            if where and {_bare(where), _first_layer(outline, where)} & set(map(_bare, ids)):
                return words.say("{title}: {sentence}", title=name, sentence=words.say(part.title))
    return name


def _place_in(outline: Outline, asked: str) -> str:
    """The same in one model; of folded layers it may be any."""
    places = (*(step.id for step in outline.steps()), *(section.path for section in outline.root.sections()))
    if _first_layer(outline, asked) in set(map(_bare, places)):
        return asked
    found = section_named(outline, asked)
    return asked if asked in found.members else found.spoken


def _first_layer(outline: Outline, asked: str) -> str:
    """The same place in the first of the layers that it is in: ``h.7.attn/scores`` is drawn as ``h.0.attn/scores``."""
    found = _bare(asked)
    for section in outline.root.sections():
        member = next((each for each in section.members if moved(found, _bare(each), "") != found), None)
        found = moved(found, _bare(member), _bare(section.members[0])) if member else found
    return found


def _bare(path: str) -> str:
    """A path or id as people type it, without the brackets of what is no module."""
    return path.replace("<", "").replace(">", "")


def _languages(first: str, templates: Path | None) -> list[Words]:
    others = [code for code in names_in("labels", templates) if code != first]
    return [words_in(code, templates) for code in (first, *others)]


def _phrases(words: Words, templates: Path | None) -> dict[str, Any]:
    """What a language calls itself, and its phrases but for those that stay as they are."""
    language = read(f"labels/{words.lang}.toml", templates).partition('language = "')[2].partition('"')[0]
    kept = {phrase: said for phrase, said in words.phrases.items() if said != phrase}
    return {"language": language or words.lang, "phrases": kept}


def _cell(cell: EquationCell) -> list[Any]:
    """A cell: its SVG, the box around it, its column, and of a matrix its operand, body, sizes and front."""
    told: list[Any] = [fragment(cell.cell.marks), _numbers(cell.cell.box), cell.column]
    if cell.operand is not None and cell.body is not None:
        told += [cell.operand, _numbers(cell.body), [[axis, *_numbers(box)] for axis, box in cell.edges]]
        told += [_numbers(cell.front)] if cell.front and cell.front != cell.body else []
    return told


def _numbers(box: Box) -> list[float]:
    """Left, top, right and bottom; one decimal is enough."""
    return [round(value, 1) for value in (box.left, box.top, box.right, box.bottom)]


def _packed(data: dict[str, Any]) -> str:
    text = json.dumps(data, ensure_ascii=True, separators=(",", ":"))
    return base64.b64encode(gzip.compress(text.encode(), 9, mtime=0)).decode()


def digest(text: str) -> str:
    """Hash of a script or a style, as a Content-Security-Policy names it."""
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _colours(theme: Theme) -> str:
    """The theme's colours as variables of the page, light and dark."""
    dark = theme.dark or theme.colours
    pairs = (
        f"--{name.replace('_', '-')}:light-dark({colour},{dark.get(name, colour)});"
        for name, colour in theme.colours.items()
    )
    return f":root{{{''.join(pairs)}}}\n"


def _inks() -> str:
    """Rules that paint the pictures, in the colours of the page."""
    shapes = (f".{ink_class(ink)}{{{_painted(shape)}}}" for ink, shape in SHAPES.items())
    texts = (f".equation svg .{ink_class(ink)},.equation svg .{ink_class(ink)} text{{{_lettered(text)}}}"
             for ink, text in TEXTS.items())  # fmt: skip
    return "\n".join([*shapes, *texts]) + "\n"


def _lettered(text: TextInk) -> str:
    rules = f"fill:{_variable(text.colour)};font-size:{px(text.size_px)}px;font-weight:{text.weight}"
    return f"{rules};font-style:italic" if text.italic else rules


def _painted(shape: ShapeInk) -> str:
    rules = [f"fill:{_variable(shape.fill)}" if shape.fill else "fill:none"]
    if shape.line:
        rules += [f"stroke:{_variable(shape.line)}", f"stroke-width:{px(shape.width_px)}"]
    if shape.dash:
        rules.append(f"stroke-dasharray:{' '.join(map(px, shape.dash))}")
    return ";".join(rules)


def _variable(colour: str) -> str:
    return f"var(--{colour.replace('_', '-')})"
