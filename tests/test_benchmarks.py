"""What `benchmarks/peers.py` says of the peers is measured: which products an entry shows, how large a picture is."""

import importlib.util
import os
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture
def shown() -> ModuleType:
    spec = importlib.util.spec_from_file_location("shown", ROOT / "benchmarks" / "shown.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_shapes_are_found_as_people_write_them(shown):
    text = "addmm(t: f32[2304], t: f32[1024, 768]) (1, 12) 64x32 v0.2x3 [] (8,)"
    assert shown.shapes_in(text) == [(2304,), (1024, 768), (1, 12), (64, 32), (8,)]


def test_a_product_is_shown_where_an_entry_has_both_operands(shown):
    product = ((5, 8), (8, 3))
    assert shown.share([product], [[(5, 8), (8, 3)]]) == (1, 1)
    assert shown.share([product], [[(1, 5, 8), (3, 8)]]) == (1, 1)  # a batch of one, a turned weight
    assert shown.share([product], [[(5, 8)], [(8, 3)]]) == (0, 1)
    assert shown.share([((8, 8), (8, 8))], [[(8, 8)]]) == (0, 1)
    assert shown.share([product, product], [[(5, 8), (8, 3)]]) == (1, 2)


@pytest.mark.skipif(shutil.which("dot") is None, reason="no Graphviz")
def test_a_node_of_a_graph_shows_what_leads_to_it(shown):
    source = 'digraph { a [label="(5, 8)"]; b [label="(8, 3)"]; c [label="matmul (5, 3)"]; a -> c; b -> c }'
    entries = shown.of_dot(source)
    assert shown.share([((5, 8), (8, 3))], entries) == (1, 1)
    assert shown.share([((5, 8), (8, 4))], entries) == (0, 1)


def test_a_picture_in_points_is_measured_in_pixels(shown):
    assert shown.pixels_of_svg('<svg width="72pt" height="36pt">') == (96, 48)
    assert shown.pixels_of_svg('<svg width="700" height="90.5">') == (700, 91)


@pytest.mark.skipif(find_spec("torchlens") is not None, reason="it is installed")
def test_a_peer_that_is_not_installed_is_named():
    done = subprocess.run(
        [sys.executable, ROOT / "benchmarks" / "peers.py", "torchlens"],
        capture_output=True, encoding="utf-8", check=True, env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert done.stdout.endswith("| torchlens | not installed | | | | |\n")
