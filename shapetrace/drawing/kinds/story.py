"""The story of a pass, from ids to the next word, in one column: scenes, the block that repeats in a frame."""

from collections.abc import Iterator, Mapping, Sequence

from shapetrace.drawing.compact.scaling import CubeLaw, law_for
from shapetrace.drawing.compact.tiles import TileStyle
from shapetrace.drawing.content.following import fact_of, legend_of_followed, title_of, told
from shapetrace.drawing.content.rows import Row
from shapetrace.drawing.content.subject import model_facts
from shapetrace.drawing.layout.canvas import FOOTING, HEADING, on_canvas
from shapetrace.drawing.layout.captions import row_title
from shapetrace.drawing.layout.cells import Cell
from shapetrace.drawing.layout.headings import captions, footing, heading, legend_of_roles
from shapetrace.drawing.layout.painting import members
from shapetrace.drawing.layout.picking import legend_of_picks
from shapetrace.drawing.layout.running import legend_of_running
from shapetrace.drawing.layout.shading import legend_of_shades
from shapetrace.drawing.layout.token_axes import TOKEN_PX, TokenAxis
from shapetrace.drawing.look import Look
from shapetrace.drawing.metrics import clean
from shapetrace.drawing.primitives import Figure, Group, Text
from shapetrace.drawing.telling.laying import Part, SetScene, laid, unit_for
from shapetrace.drawing.telling.picking import pick_of
from shapetrace.drawing.telling.saying import block_note, scene_notes, scene_title
from shapetrace.drawing.telling.scene_cells import Pick, Tile, scene_cells, scene_pieces
from shapetrace.drawing.telling.scenes import Opened, Scene, Told, story_of
from shapetrace.drawing.telling.tokens import reads_ids, token_axes
from shapetrace.drawing.theme import Theme
from shapetrace.drawing.widths import COLUMN_PX
from shapetrace.drawing.wording import Words, counted, flops_text
from shapetrace.outlining.following import Followed, followed
from shapetrace.outlining.running import running_axes
from shapetrace.outlining.structure import Operand, Outline
from shapetrace.prompts import spoken

_BOTTOM_PX = 18.0
_SEPARATOR = " · "


def story_figure(outline: Outline, theme: Theme, words: Words, look: Look) -> Figure:
    """Draw the story of a pass; see the module."""
    tokens = token_axes(outline)
    follow = followed(outline, look.follow) if look.follow else None
    pick = pick_of(outline, tokens, follow)
    story = story_of(outline, look.hidden_kinds)
    parts = tuple(_parts(story, pick, words, follow))
    width = min(look.width_px, COLUMN_PX)  # wider, its lines would be no clearer
    operands = [operand for part in parts for each in part.scenes for operand in _operands(each.scene, pick, words)]
    sizes = [size for operand in operands for size in _sizes(operand, tokens)]

    running = running_axes(outline)

    def draw(scene: Scene, unit_px: float) -> tuple[Cell, ...]:
        style = TileStyle(law_for(sizes, unit_px), look.dims, theme.hatched, follow, running=running)
        return scene_cells(tuple(scene_pieces(scene, pick, words)), style, tokens)

    law = law_for(sizes, unit_for(parts, draw, sizes, width))
    cells = (cell for part in parts for each in part.scenes for cell in draw(each.scene, law.unit_px))
    written = any(isinstance(mark, Text) and mark.ink.endswith("-run") for cell in cells for mark in cell.marks)
    slanted = running if written else frozenset()  # where words stand beside all rows, their number is not written
    title = look.title or (_title(outline, pick, words) if follow is None else title_of(outline, follow, words))
    facts = (*_facts(outline, title, words), *(() if follow is None else (fact_of(outline, follow, words),)))
    legend = (*_legend(operands, law, pick, theme, words), *legend_of_running(operands, slanted, words, look.dims))
    told_steps = [step for part in parts for each in part.scenes if not each.scene.closed for step in each.scene.told()]
    legend = (*legend, *legend_of_shades(told_steps, tokens, words))
    legend = (*legend, *legend_of_followed(follow, operands, words))
    head, top = heading(clean(title), facts, legend, width)
    body, bottom = laid(parts, draw, law, top + 12, width)
    foot, bottom = footing(tuple(_notes(outline, law, tokens, pick, words, look)), bottom - 14, width)
    height = bottom + _BOTTOM_PX
    groups = on_canvas((Group(HEADING, head), *body, Group(FOOTING, foot)), width, height)
    desc = "\n".join(each.described for part in parts for each in part.scenes)
    return Figure("story", title, desc, width, height, groups, theme, words.lang)


def _parts(story: Sequence[Told], pick: Pick, words: Words, follow: Followed | None) -> Iterator[Part]:
    run: list[SetScene] = []
    for each in story:
        if isinstance(each, Scene):
            run.append(_set(each, pick, words, follow))
            continue
        if run:
            yield Part(tuple(run))
            run = []
        yield _opened(each, pick, words, follow)
    if run:
        yield Part(tuple(run))


def _opened(opened: Opened, pick: Pick, words: Words, follow: Followed | None) -> Part:
    section = opened.section
    times = f" ×{section.repeat}" if section.repeat > 1 else ""
    scenes = tuple(_set(scene, pick, words, follow) for scene in opened.scenes)
    return Part(scenes, words.say(clean(section.title)) + times, members(section), block_note(opened, words))


def _set(scene: Scene, pick: Pick, words: Words, follow: Followed | None) -> SetScene:
    note = _SEPARATOR.join(dict.fromkeys(filter(None, scene_notes(scene, words))))
    repeat = scene.closed.repeat if scene.closed else 1
    row = Row(scene.steps, scene.alike, folded=scene.closed, repeat=repeat)
    return SetScene(
        scene, scene_title(scene, pick, words), note, row_title(row, words), told(scene.told(), follow, words)
    )


def _operands(scene: Scene, pick: Pick, words: Words) -> Iterator[Operand]:
    for piece in scene_pieces(scene, pick, words):
        if isinstance(piece, Tile):
            yield piece.operand


def _sizes(operand: Operand, tokens: Mapping[int, TokenAxis]) -> Iterator[int]:
    """Sizes that are drawn to the common law: those of axes that count few tokens are not."""
    first = max(len(operand.shape) - 2, 0)
    for axis in range(first, len(operand.shape)):
        if axis >= len(operand.axes) or operand.axes[axis] not in tokens:
            yield operand.shape[axis]


def _title(outline: Outline, pick: Pick, words: Words) -> str:
    model = clean(outline.model.name)
    if pick.row is None:
        return words.say("{model}: from the input to the result", model=model)
    text = clean(spoken(outline.model.tokens))
    if outline.model.tokens and pick.label and len(text) <= _LONGEST_TEXT:
        return words.say("From “{text}” to the next word", text=text)
    return words.say("{model}: from ids to the next word", model=model)


_LONGEST_TEXT = 60


def _facts(outline: Outline, title: str, words: Words) -> tuple[str, ...]:
    totals = outline.totals
    costs = [words.say("{n} parameters", n=counted(totals.parameters))]
    if totals.matmul_flops:
        costs.append(words.say("{flops} in products", flops=flops_text(totals.flops)))
    shapes = words.say("every shape recorded from a real forward pass")
    name = clean(outline.model.name)
    return (*model_facts(outline, words, *([] if name in title else [name])), _SEPARATOR.join([shapes, *costs]))


def _legend(
    operands: Sequence[Operand], law: CubeLaw, pick: Pick, theme: Theme, words: Words
) -> Iterator[tuple[str, str]]:
    roles = {operand.role for operand in operands}
    yield from legend_of_roles(roles, theme.hatched, words)
    yield from legend_of_picks(operands, words)
    if pick.row is not None and not pick.quiet:
        label = (
            words.say("row of “{word}”, the last token", word=pick.label) if pick.label else words.say("the last row")
        )
        yield "marker", label
    yield "match", words.say("inner sizes match")
    if any(size in law.broken for operand in operands for size in operand.shape[-2:]):
        yield "broken", words.say("not to scale")


def _notes(
    outline: Outline, law: CubeLaw, tokens: Mapping[int, TokenAxis], pick: Pick, words: Words, look: Look
) -> Iterator[tuple[str, str]]:
    if outline.failure:
        yield "warning", words.say("The pass ended early: {reason}", reason=clean(outline.failure))
    yield from captions(look)
    said = [words.say("Side = {unit} px × ∛size: 8 times the size is 2 times the side.", unit=f"{law.unit_px:.1f}")]
    if tokens:
        phrase = "One row is one token, {n} px." if reads_ids(outline) else "One row is one position, {n} px."
        said.append(words.say(phrase, n=f"{TOKEN_PX:.0f}"))
    padded = next((axis for axis in tokens.values() if axis.padded), None)
    if padded:
        said.append(
            words.say("Rows {first} to {last} are padding.", first=f"{padded.real + 1:,}", last=f"{padded.size:,}")
        )
    if pick.row is not None:
        said.append(words.say("Softmax of the scores and the next word come after the pass."))
    yield "caption", " ".join(said)
