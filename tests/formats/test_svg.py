"""SVG documents: valid, self-contained, the same every time."""

import re
import subprocess
import sys
import xml.etree.ElementTree as ET

import pytest

from shapetrace.drawing import Look, figure
from shapetrace.drawing.layout.names import name_spans
from shapetrace.drawing.primitives import Figure, Group, Line, Polygon, Text
from shapetrace.drawing.theme import theme_named
from shapetrace.errors import UsageError
from shapetrace.formats.svg import corners, path_data, px, render
from tests.drawing.outlines import data, gpt2, outline_of, product, weight

SVG = "{http://www.w3.org/2000/svg}"


def toy(name="Toy"):
    return outline_of(product("Query", data("X", 6, 4), weight("W_Q", 4, 4), data("Q", 6, 4)), name=name)


def test_a_small_figure_reads_as_ever(golden):
    golden("toy.svg", render(figure(toy(), theme="light"), prefix="toy"))


def test_it_is_xml_with_title_and_desc():
    root = ET.fromstring(render(figure(gpt2())))
    assert root.tag == f"{SVG}svg"
    assert root[0].tag == f"{SVG}title"
    assert root[0].text == "GPT-2 small: one forward pass"
    assert "Query h.0.attn.c_attn: [1024,768]×[768,64]→[1024,64] ×12" in (root[1].text or "")
    assert root.get("aria-labelledby") == f"{root[0].get('id')} {root[1].get('id')}"


def test_it_refers_to_nothing_outside_and_runs_nothing():
    document = render(figure(gpt2(), theme="print"))
    assert not re.search(r"<script|href|url\(|@import|<image|<foreignObject|\son\w+=", document)
    assert document.count("http") == 1  # the name space


@pytest.mark.parametrize(
    "name", ["<script>alert(1)</script>", "a\x00b\x0bc\ufffe", "]]>", "{{ 7*7 }}", "\ud800", "' \" &"]
)
def test_hostile_names_are_text(name):
    document = render(figure(toy(name), look=Look(caption=name)))
    root = ET.fromstring(document.encode("utf-8"))
    assert not list(root.iter(f"{SVG}script"))
    assert "49" not in (root[0].text or "")


def test_ids_are_unique_and_two_figures_share_none():
    documents = [render(figure(gpt2(), section=section)) for section in ("attention", "mlp")]
    ids = [re.findall(r' id="([^"]+)"', document) for document in documents]
    assert all(len(found) == len(set(found)) for found in ids)
    assert not set(ids[0]) & set(ids[1])


def test_rows_have_stable_names():
    document = render(figure(gpt2(), section="attention"), prefix="fig")
    assert 'id="fig-h-0-attn-query"' in document
    assert (
        "<title>Query h.0.attn.c_attn: [1024,768]×[768,64]→[1024,64] ×12, 590,592 parameters, 1.21 GFLOPs;" in document
    )


def test_the_bytes_are_the_same_in_every_process():
    program = (
        "from hashlib import sha256; from tests.drawing.outlines import gpt2; from shapetrace.drawing import figure\n"
        "from shapetrace.formats.svg import render\nprint(sha256(render(figure(gpt2())).encode()).hexdigest())"
    )
    digests = {
        subprocess.run([sys.executable, "-c", program], env={"PYTHONHASHSEED": seed}, capture_output=True, text=True,
                       check=True).stdout
        for seed in ("0", "1")
    }  # fmt: skip
    assert len(digests) == 1


def test_sizes_stay_small():
    assert len(render(figure(gpt2())).encode()) < 60_000
    for section in ("embedding", "attention", "mlp", "unembedding"):
        assert len(render(figure(gpt2(), section=section)).encode()) < 40_000


def test_light_colours_are_attributes_and_dark_ones_only_style():
    document = render(figure(gpt2(), section="mlp"))
    head, body = document.split("</style>")
    assert 'fill="#dbeafe"' in body
    assert "#10284f" in head.split("prefers-color-scheme:dark")[1]
    assert "#10284f" not in body
    assert "prefers-color-scheme" not in render(figure(gpt2(), section="mlp", theme="light"))


def test_a_template_of_the_user_comes_first(tmp_path):
    (tmp_path / "figure.svg").write_text("<svg>{{ figure.title }}</svg>")
    assert render(figure(toy()), templates=tmp_path) == "<svg>Toy: one forward pass</svg>"


@pytest.mark.parametrize(
    ("text", "message"),
    [("{{ nope(", r"figure\.svg, line 1 cannot be filled in"), ("{{ figure.nope.x }}", "has no attribute 'nope'")],
)
def test_a_broken_template_of_the_user_is_one_line(tmp_path, text, message):
    (tmp_path / "figure.svg").write_text(text)
    with pytest.raises(UsageError, match=message):
        render(figure(toy()), templates=tmp_path)


def test_a_broken_rectangle_is_a_path_of_steps():
    assert corners(Polygon(((0, 0), (10, 0), (12, 5), (10, 10), (0, 10), (0, 10)), "data")) == "M0 0h10l2 5-2 5h-10z"


def test_coordinates_have_one_decimal():
    assert (px(1.25), px(3.0), px(-0.04), px(1186.0272)) == ("1.2", "3", "0", "1186")
    assert path_data(Line((((0, 0), (0, 10), (10, 10)),), "rail", 4)) == "M0 0L0 6Q0 10 4 10L10 10"
    assert not re.search(r'"-?\d+\.\d\d', render(figure(gpt2())))


def test_what_is_shortened_is_whole_where_a_pointer_rests():
    formula = "d_model·(2·n_heads + n_kv_heads)·d_head & more"
    figure = Figure(
        "f",
        "t",
        "",
        100,
        50,
        (Group("g", (Text(1, 2, name_spans(formula, "size", 60), "size"),)),),
        theme_named("default"),
    )
    (text,) = ET.fromstring(render(figure)).iter(f"{SVG}text")
    assert [each.text for each in text.iter(f"{SVG}title")] == [formula]
    assert "…" in (text[0].tail or "")
