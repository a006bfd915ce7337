"""Posts: markers are found, image lines are put and refreshed, nothing else is touched."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shapetrace.errors import UsageError
from shapetrace.places import FILE, Files, Place
from shapetrace.posting import Image, Marker, file_names, markers, refreshed, shown_files

BESIDE = Files(Path(), FILE, "post-")
PLACE = Place(BESIDE, BESIDE, BESIDE)


def words(text: str) -> list[tuple[str, ...]]:
    return [marker.words for marker in markers(text, "post.md")]


def with_images(text: str) -> str:
    asked = markers(text, "post.md")
    images = [
        Image(f"{name}.svg", "Title") for name in file_names(["post-"] * len(asked), asked, list(map(short, asked)))
    ]
    return refreshed(text, PLACE, asked, images)


def short(marker: Marker) -> str:
    return " ".join(marker.words)


def test_comments_and_blocks_are_markers():
    text = '<!-- shapetrace: gpt2 --section attention -->\n\n```shapetrace\n--layers 2\n--title "a b"\n```\n'
    assert words(text) == [("gpt2", "--section", "attention"), ("--layers", "2", "--title", "a b")]


def test_a_comment_may_take_several_lines():
    assert words("<!-- shapetrace:\n  gpt2\n  --step 1\n-->\n") == [("gpt2", "--step", "1")]


def test_markers_inside_code_are_text():
    assert (
        words("````md\n```shapetrace\ngpt2\n```\n<!-- shapetrace: gpt2 -->\n````\n~~~\n<!-- shapetrace: x -->\n") == []
    )


def test_other_comments_and_words_are_text():
    assert words("<!-- shapetraced -->\n<!-- prettier-ignore -->\nsay <!-- shapetrace: gpt2 -->\n") == []


def test_an_image_line_is_put_under_each_marker_and_refreshed_later():
    text = "# T\n<!-- shapetrace: gpt2 -->\nafter\n"
    once = with_images(text)
    assert once == "# T\n<!-- shapetrace: gpt2 -->\n![Title](post-gpt2.svg)\nafter\n"
    assert with_images(once) == once
    changed = once.replace("gpt2 -->", "gpt2 --step 1 -->")
    assert with_images(changed) == "# T\n<!-- shapetrace: gpt2 --step 1 -->\n![Title](post-gpt2-step-1.svg)\nafter\n"


def test_an_image_of_the_author_stays():
    text = "<!-- shapetrace: gpt2 -->\n![mine](photo.png)\n![mine](other/post-gpt2.svg)\n"
    assert with_images(text).splitlines()[1:] == ["![Title](post-gpt2.svg)", *text.splitlines()[1:]]


@pytest.mark.parametrize("text", ["<!-- shapetrace: gpt2 -->", "a\r\n<!-- shapetrace: gpt2 -->\r\nb\r\n", "\ufeff"])
def test_ends_of_lines_stay_as_they_are(text):
    once = with_images(text)
    assert with_images(once) == once
    assert once.replace("![Title](post-gpt2.svg)\r\n", "").replace("\n![Title](post-gpt2.svg)\n", "") == text


def test_markers_that_differ_have_files_that_differ():
    text = "<!-- shapetrace: a.b -->\n<!-- shapetrace: a-b -->\n<!-- shapetrace: a.b -->\n"
    names = file_names(["post-"] * 3, markers(text, "p"), ["a-b", "a-b", "a-b"])
    assert names[0] == names[2] == "post-a-b" != names[1]
    long = [markers(f"<!-- shapetrace: {'x' * 80}{end} -->", "p")[0] for end in "ab"]
    names = file_names(["post-"] * 2, long, list(map(short, long)))
    assert len(set(names)) == 2
    assert max(map(len, names)) <= 60


def test_a_marker_may_name_its_file():
    text = "<!-- shapetrace: gpt2 --section attention --name heads -->\n"
    assert file_names(["post-"], markers(text, "p"), ["x"]) == ["post-heads"]
    with pytest.raises(UsageError, match="p:2: another figure of this post is named 'heads' too"):
        file_names(["post-"] * 2, markers(text + "<!-- shapetrace: gpt2 --name heads -->\n", "p"), ["x", "x"])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a\n<!-- shapetrace: gpt2", r"post\.md:2: the comment is not closed"),
        ("<!-- shapetrace gpt2 -->", r"post\.md:1: expected <!-- shapetrace: MODEL"),
        ("\n\n<!-- shapetrace: gpt2 --> text", r"post\.md:3: expected"),
        ("```shapetrace\ngpt2\n", r"post\.md:1: the block is not closed"),
        ('<!-- shapetrace: "gpt2 -->', r"post\.md:1: no closing quotation"),
    ],
)
def test_a_broken_marker_names_file_and_line(text, message):
    with pytest.raises(UsageError, match=message):
        markers(text, "post.md")


def test_a_block_becomes_a_comment_that_no_site_publishes_as_code():
    text = 'a\r\n  ```shapetrace\r\n  gpt2 --title "a b"\r\n  ```\r\nb\r\n'
    once = with_images(text)
    assert once.split("\r\n")[1] == "  <!-- shapetrace: gpt2 --title 'a b' -->"
    assert once.split("\r\n")[2].startswith("  ![Title](")
    assert words(once) == words(text)
    assert with_images(once) == once
    assert markers("```shapetrace\n```\n", "post.md")[0].comment == "<!-- shapetrace: -->"
    with pytest.raises(UsageError, match="--> cannot stand in a marker"):
        markers("```shapetrace\ngpt2 --title -->\n```\n", "post.md")


def test_mdx_has_comments_of_its_own():
    text = "{/* shapetrace: gpt2 --step 1 */}\n\n```shapetrace\ngpt2\n```\n"
    asked = markers(text, "post.mdx")
    assert [marker.words for marker in asked] == [("gpt2", "--step", "1"), ("gpt2",)]
    assert asked[1].comment == "{/* shapetrace: gpt2 */}"
    with pytest.raises(UsageError, match=r"end it with \*/\}"):
        markers("{/* shapetrace: gpt2\n", "post.mdx")


@pytest.mark.parametrize(
    "link", [FILE, f"./{FILE}", f"/blog/figures/{FILE}", f"{{{{ '/assets/{FILE}' | relative_url }}}}", f"../img/{FILE}"]
)
def test_any_link_is_found_again(link):
    files, text = Files(Path(), link, "post-"), "<!-- shapetrace: gpt2 -->\nend\n"
    place = Place(files, files, files)
    asked = markers(text, "post.md")
    once = refreshed(text, place, asked, [Image("post-a.svg", "T")])
    assert f"]({link.replace(FILE, 'post-a.svg')})\nend" in once
    again = markers(once, "post.md")
    assert shown_files(once, place, again) == [Path("post-a.svg")]
    assert refreshed(once, place, again, [Image("post-b.svg", "T")]) == once.replace("post-a", "post-b")


@pytest.mark.parametrize("height", [0, 300])
def test_any_link_into_a_page_is_found_again(height):
    liquid, text = f"{{{{ '/a/{FILE}' | relative_url }}}}", "<!-- shapetrace: explore gpt2 -->\nend\n"
    files = Files(Path(), liquid, "post-")
    place, image = Place(files, files, files), Image("post-a.html", "T", "h.0/a?row=5&dims=names", height)
    once = refreshed(text, place, markers(text, "p"), [image])
    assert f"{liquid.replace(FILE, 'post-a.html')}#h.0/a?row=5&" in once, "a site reads it before it reads HTML"
    assert shown_files(once, place, markers(once, "p")) == [Path("post-a.html")]
    assert refreshed(once, place, markers(once, "p"), [image]) == once


PIECES = st.sampled_from(
    ["<!-- shapetrace: gpt2 -->", "```", "~~~", "text", "![a](post-x.svg)", "", "# é\u2028x", "\t"]
)


@given(st.lists(st.tuples(PIECES, st.sampled_from(["\n", "\r\n"]))))
def test_whatever_the_post_a_second_time_changes_nothing_and_text_stays(pieces):
    text = "".join(piece + end for piece, end in pieces)
    once = with_images(text)
    assert with_images(once) == once
    images = ("![Title](post-gpt2.svg)", "![a](post-x.svg)")
    kept, new = ([line for line in each.split("\n") if line.strip() not in images] for each in (text, once))
    assert kept == new
