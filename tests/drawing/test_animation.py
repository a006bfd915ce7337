"""What an animated generation shows, and when; where it may not move it is the figure that stands still."""

import re
from functools import cache
from io import BytesIO
from itertools import pairwise

import pytest
from PIL import Image, ImageChops, ImageStat

import shapetrace
from shapetrace.drawing.primitives import Figure, Mark, Rect
from shapetrace.errors import UsageError
from shapetrace.formats import gif, png, svg
from shapetrace.formats.contract import Options
from shapetrace.formats.moving import cycle_s, motion
from shapetrace.generations.decoding import Generation
from shapetrace.generations.running import generated
from shapetrace.request import Request

PARIS = "The capital of France is"


@cache
def passes(n_steps: int = 2) -> Generation:
    return generated(Request(model="gpt2", text=PARIS, shape={"layers": 2}), print, n_steps)


def drawn(*, animate: bool, n_steps: int = 2) -> Figure:
    return passes(n_steps).figure(animate=animate).drawing


def stages(figure: Figure) -> list[tuple[Mark, ...]]:
    by_name = {group.id: group.marks for group in figure.groups}
    return [by_name[name] for name in figure.stages]


def test_a_pass_appears_from_its_ids_to_the_one_that_it_chooses_which_the_next_one_reads() -> None:
    inks = [{mark.ink for mark in marks} for marks in stages(drawn(animate=True))]
    ids, new, kept, way = {"marker", "token-marked"}, {"marker", "marker-back"}, {"kept", "kept-bar"}, {"marker-way"}
    prefill = [ids, {"data"}, new, {"data-hollow"}, {"data"}, {"pill"}, ids, way]
    step = [ids, {"data"}, kept, {"marker"}, {"data"}, {"data"}, {"pill"}, ids, way]
    expected = [*prefill, *step, *step[:-1]]
    assert len(inks) == len(expected)
    assert all(wanted <= found for wanted, found in zip(expected, inks, strict=True))
    assert "marker" not in set.union(*(inks[number] for number in (1, 3, 4, 5)))


def test_the_rows_that_a_step_adds_appear_after_those_that_it_reads() -> None:
    found = stages(drawn(animate=True))
    read, added = ([m for m in found[number] if isinstance(m, Rect)] for number in (10, 11))
    tops = [rect.y + rect.height for rect in read if rect.ink == "kept"]
    assert [rect.y for rect in added if rect.ink == "marker"] == tops
    assert len(tops) == 2  # K and V


def test_it_is_the_still_figure_taken_apart() -> None:
    still, moving = drawn(animate=False), drawn(animate=True)
    assert sorted(map(repr, still.marks())) == sorted(map(repr, moving.marks()))
    assert (still.stages, still.desc, still.height_px) == ((), moving.desc, moving.height_px)
    assert png.render(still) == png.render(moving)


@pytest.mark.skipif(not png._has("M", ()), reason="needs a font")
def test_a_gif_shows_the_moments_of_the_moving_figure_one_after_another() -> None:
    moving = drawn(animate=True)
    picture = Image.open(BytesIO(gif.render(moving, Options(scale=0.5))))
    frames, lasts = [], 0
    for number in range(picture.n_frames):
        picture.seek(number)
        frames.append(picture.convert("L"))
        lasts += picture.info["duration"]
    assert (len(frames), picture.info["loop"]) == (len(moving.stages) + 1, 0)
    assert abs(lasts / 1000 - cycle_s(len(moving.stages))) < 1
    brightness = [ImageStat.Stat(frame).sum[0] for frame in frames]
    assert all(one > other for one, other in pairwise([*brightness[1:], brightness[0]]))
    whole = Image.open(BytesIO(png.render(moving, Options(scale=0.5)))).convert("L")
    far = [ImageStat.Stat(ImageChops.difference(frame, whole)).mean[0] for frame in frames]
    assert far[0] < 2 < 2 * far[0] < far[1]


@pytest.mark.skipif(not png._has("M", ()), reason="needs a font")
def test_a_gif_of_a_still_figure_is_one_picture_and_the_same_each_time() -> None:
    written = gif.render(drawn(animate=False), Options(scale=0.5))
    assert Image.open(BytesIO(written)).n_frames == 1
    assert written == gif.render(drawn(animate=False), Options(scale=0.5))


def test_without_the_option_nothing_of_it_is_in_the_file() -> None:
    assert not re.search("data-stage|animation|keyframes|reduced", svg.render(drawn(animate=False)))


def test_the_file_runs_nothing_and_is_the_same_each_time() -> None:
    one, other = (generated(Request(model="gpt2", text=PARIS, shape={"layers": 2}), print, 2) for _ in range(2))
    written = one.figure(animate=True).svg
    assert written == other.figure(animate=True).svg
    assert not re.search(r"<script|href|url\(|@import|\son\w+=|<animate", written)
    assert len(set(re.findall(r'data-stage="(\d+)"', written))) == len(one.figure(animate=True).drawing.stages)


def test_one_thing_appears_after_another_and_the_whole_picture_rests() -> None:
    rules = str(motion([f"stage-{n}" for n in range(1, 5)], "fig"))
    frames = [list(map(float, re.findall(r"([\d.]+)%", line))) for line in rules.split("@keyframes")[1:]]
    seconds = [[round(cycle_s(4) * percent / 100, 1) for percent in line] for line in frames]
    assert [times[-2] - times[-3] for times in seconds] == pytest.approx([0.4] * 4)
    assert all(before[-2] <= after[-3] for before, after in pairwise(seconds))
    assert [times[1] for times in seconds] == [1.5] * 4  # all at rest, then all faint together
    assert cycle_s(4) - seconds[-1][-2] >= 1.5
    assert 12 <= cycle_s(len(drawn(animate=True).stages)) <= cycle_s(500) == 20


def test_a_pass_alone_is_not_animated() -> None:
    with pytest.raises(UsageError, match="animate a generation, --generate N --animate"):
        shapetrace.figure(passes().passes[0].trace, animate=True)
