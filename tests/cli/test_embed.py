import pytest

from shapetrace import serialize
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
    assert "](post-trace-json.svg)\n" in text
    assert "](post-trace-json-step-1-lang-zh.svg)\nend" in text
    assert (post.parent / "post-trace-json.svg").read_text(encoding="utf-8").startswith("<svg")


def test_a_second_time_writes_nothing(post, shapetrace):
    shapetrace("embed", post)
    assert not shapetrace("embed", post).out
    assert not shapetrace("embed", "--check", post).out


def test_check_exits_1_when_something_is_stale_and_writes_nothing(post, shapetrace):
    assert shapetrace("embed", "--check", post, code=1).out.count("stale: ") == 3
    assert post.read_text(encoding="utf-8") == TEXT
    shapetrace("embed", post)
    (post.parent / "post-trace-json.svg").write_text("<svg/>", encoding="utf-8")
    assert shapetrace("embed", "--check", post, code=1).out == f"stale: {post.parent / 'post-trace-json.svg'}\n"


@pytest.mark.parametrize(
    ("marker", "message"),
    [
        ("nothing.json", "post.md:3: "),
        ("trace.json --section nope", "post.md:3: no section 'nope'"),
        ("trace.json --colour red", "post.md:3: No such option: --colour"),
        ("trace.json --format pdf", "post.md:3: no format 'pdf' in a post: choose svg or png"),
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
