import re
from urllib.parse import quote

import pytest

from shapetrace import load, serialize
from tests.traces import linear

TEXT = "# Post\n\n<!-- shapetrace: trace.json -->\n\n```shapetrace\ntrace.json --step 1 --lang zh\n```\nend\n"


@pytest.fixture
def post(tmp_path):
    serialize.save(linear(), tmp_path / "trace.json")
    (tmp_path / "post.md").write_text(TEXT, encoding="utf-8")
    return tmp_path / "post.md"


def test_figures_are_written_beside_the_post_and_shown_in_it(post, shapetrace):
    assert len(shapetrace("embed", post).out.splitlines()) == 3
    text = post.read_text(encoding="utf-8")
    assert "](post-trace.svg)\n" in text
    assert "](post-trace-step-1.svg)\nend" in text
    assert (post.parent / "post-trace.svg").read_text(encoding="utf-8").startswith("<svg")


def test_a_second_time_writes_nothing(post, shapetrace):
    shapetrace("embed", post)
    assert not shapetrace("embed", post).out
    assert not shapetrace("embed", "--check", post).out


def test_check_exits_1_when_something_is_stale_and_writes_nothing(post, shapetrace):
    assert shapetrace("embed", "--check", post, code=1).out.count("stale: ") == 3
    assert post.read_text(encoding="utf-8") == TEXT
    shapetrace("embed", post)
    (post.parent / "post-trace.svg").write_text("<svg/>", encoding="utf-8")
    assert shapetrace("embed", "--check", post, code=1).out == f"stale: {post.parent / 'post-trace.svg'}\n"


@pytest.mark.parametrize(
    ("marker", "message"),
    [
        ("nothing.json", "post.md:3: "),
        ("trace.json --section nope", "post.md:3: no section 'nope'"),
        ("trace.json --colour red", "post.md:3: No such option: --colour"),
        ("trace.json --format pdf", "post.md:3: no format 'pdf' in a post: choose svg, png or gif"),
        ("no-such-preset", "post.md:3: There is no preset"),
        ("trace.json --help", "post.md:3: No such option: --help"),
    ],
)
def test_a_wrong_marker_names_file_and_line_and_leaves_the_post(post, shapetrace, marker, message):
    text = TEXT.replace("trace.json", marker, 1)
    post.write_text(text, encoding="utf-8")
    assert message in shapetrace("embed", post, code=2).err
    assert post.read_text(encoding="utf-8") == text
    assert not list(post.parent.glob("*.svg"))


def test_a_post_that_is_not_there_is_one_line(tmp_path, shapetrace):
    assert "cannot read" in shapetrace("embed", tmp_path / "none.md", code=2).err


def test_every_marker_of_every_post_is_read_before_anything_runs(post, shapetrace):
    other = post.with_name("other.md")
    other.write_text("<!-- shapetrace: trace.json --colour red -->\n", encoding="utf-8")
    assert "other.md:1: No such option" in shapetrace("embed", post, other, code=2).err
    assert not list(post.parent.glob("*.svg"))
    assert post.read_text(encoding="utf-8") == TEXT


def test_a_figure_that_is_replaced_is_removed_and_one_that_nobody_asks_for_is_told(post, shapetrace):
    shapetrace("embed", post)
    text = post.read_text(encoding="utf-8")
    edited = text.replace("trace.json --step 1 --lang zh", "trace.json --step 1 --name one")
    post.write_text(edited, encoding="utf-8")
    assert "stale: " in shapetrace("embed", "--check", post, code=1).out
    said = shapetrace("embed", post)
    assert f"removed {post.parent / 'post-trace-step-1.svg'}" in said.out
    assert not (post.parent / "post-trace-step-1.svg").exists()
    assert (post.parent / "post-one.svg").exists()
    (post.parent / "post-photo.svg").write_text("<svg/>", encoding="utf-8")
    post.write_text(TEXT.partition("```")[0], encoding="utf-8")
    said = shapetrace("embed", post)
    assert "post-one.svg looks like a figure that no marker" in said.err
    assert "photo" not in said.err
    assert (post.parent / "post-one.svg").exists()


def test_models_are_compared_and_listed_in_a_post(post, shapetrace):
    lines = [
        "<!-- shapetrace: compare trace.json trace.json --section all -->",
        "<!-- shapetrace: models --family gpt -->",
    ]
    post.write_text("\n\n".join(lines) + "\n", encoding="utf-8")
    shapetrace("embed", post)
    text = post.read_text(encoding="utf-8")
    assert "](post-compare-trace-trace.svg)" in text
    assert "![Parameter table: GPT](post-models-gpt.svg)" in text
    assert "124,439,808" in (post.parent / "post-models-gpt.svg").read_text(encoding="utf-8")
    post.write_text("<!-- shapetrace: compare trace.json -->\n", encoding="utf-8")
    assert "post.md:1: got one model" in shapetrace("embed", post, code=2).err


def test_figures_go_where_they_are_told_to(post, shapetrace):
    folder = post.parent / "static" / "img"
    shapetrace("embed", post, "--image-dir", folder)
    assert (folder / "post-trace.svg").exists()
    assert "](static/img/post-trace.svg)" in post.read_text(encoding="utf-8")
    post.write_text(TEXT, encoding="utf-8")
    shapetrace("embed", post, "--image-dir", folder, "--url-prefix", "/blog/img")
    assert "](/blog/img/post-trace.svg)" in post.read_text(encoding="utf-8")
    assert not shapetrace("embed", "--check", post, "--image-dir", folder, "--url-prefix", "/blog/img").out


EXPLORED = """# Post

<!-- shapetrace: explore trace.json --at "linear?dims=names" --link "the step itself" -->

<!-- shapetrace: explore trace.json --frame 480 -->

{/* shapetrace: explore trace.json */}
"""


def test_a_marker_writes_a_link_into_a_page_or_the_page_in_a_frame(post, shapetrace):
    post.write_text(EXPLORED, encoding="utf-8")
    step = next(iter(load(post.parent / "trace.json").outline().steps())).id
    post.write_text(EXPLORED.replace("linear?", f"{step}?"), encoding="utf-8")
    told = shapetrace("embed", post).out.splitlines()
    assert told == [str(post.parent / "post-explore-trace.html"), str(post)]
    text = post.read_text(encoding="utf-8")
    assert f"-->\n[the step itself](post-explore-trace.html#{quote(step)}?dims=names)\n" in text
    assert '-->\n<iframe src="post-explore-trace.html" title="' in text
    assert 'width="100%" height="480" loading="lazy"></iframe>\n' in text
    assert "](post-explore-trace.html)\n" in text
    assert (post.parent / "post-explore-trace.html").read_text(encoding="utf-8").startswith("<!doctype html>")
    assert not shapetrace("embed", post).out
    assert not shapetrace("embed", "--check", post).out


def test_a_page_that_no_marker_shows_any_more_is_removed(post, shapetrace):
    post.write_text(EXPLORED.replace("linear?", "?"), encoding="utf-8")
    shapetrace("embed", post)
    text = re.sub(r"explore trace.json[^>}*]*?(?= -->| \*/)", "trace.json --step 1", post.read_text(encoding="utf-8"))
    post.write_text(text, encoding="utf-8")
    assert f"removed {post.parent / 'post-explore-trace.html'}" in shapetrace("embed", post).out
    assert "explore" not in post.read_text(encoding="utf-8") and "iframe" not in post.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("--at nowhere", "post.md:1: no section 'nowhere'"),
        ('--at "?colour=red"', "post.md:1: no 'colour' in a link of the explorer: it holds dims, form"),
        ('--at "?entry=0,4"', "post.md:1: entry=0,4: rows and columns are counted from 1"),
        ("--frame -3", "post.md:1: Invalid value for '--frame'"),
        ("other.json", "post.md:1: "),
    ],
)
def test_a_wrong_place_in_a_page_is_told_with_its_line(post, shapetrace, words, message):
    post.write_text(f"<!-- shapetrace: explore trace.json {words} -->\n", encoding="utf-8")
    assert message in shapetrace("embed", post, code=2).err
    assert not list(post.parent.glob("*.html"))


def test_two_models_stand_in_one_page(post, shapetrace):
    post.write_text("<!-- shapetrace: explore trace.json trace.json -->\n", encoding="utf-8")
    shapetrace("embed", post)
    assert "](post-explore-trace-trace.html)" in post.read_text(encoding="utf-8")


def test_a_page_goes_where_a_site_publishes_it(post, shapetrace):
    (post.parent / "astro.config.mjs").write_text("", encoding="utf-8")
    post.write_text("<!-- shapetrace: explore trace.json -->\n", encoding="utf-8")
    assert "public/figures/post-explore-trace.html" in shapetrace("embed", post).out
    assert "](/figures/post-explore-trace.html)" in post.read_text(encoding="utf-8")
    shapetrace("embed", "--image-dir", post.parent / "public/img", "--url-prefix", "/x/img", post)
    assert "](/x/img/post-explore-trace.html)" in post.read_text(encoding="utf-8")
