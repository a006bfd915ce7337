"""Which products of a pass something shows: an entry has the shapes of both operands.

An entry is a line of text, or a node of a graph with the nodes that lead to it. Each entry counts for one product.
Axes of size 1 do not count, and a weight may be turned.
"""

import json
import math
import re
import subprocess
from collections.abc import Iterable, Sequence

Shape = tuple[int, ...]
Entry = Sequence[Shape]

_WRITTEN = re.compile(r"[\[(](\d+(?:\s*,\s*\d+)*),?[\])]|(?<![\w.])(\d+(?:x\d+)+)(?!\w)")


def shapes_in(text: str) -> list[Shape]:
    """Shapes as people write them: ``[2, 3]``, ``(2, 3)``, ``2x3``."""
    found = [first or second for first, second in _WRITTEN.findall(text)]
    return [tuple(int(size) for size in re.split(r"\s*[,x]\s*", each)) for each in found]


def share(products: Iterable[tuple[Shape, Shape]], entries: Iterable[Entry]) -> tuple[int, int]:
    """How many of the products are shown, and how many there are."""
    left = [[plain(shape) for shape in entry] for entry in entries]
    asked = [(plain(first), plain(second)) for first, second in products]
    shown = 0
    for first, second in asked:
        place = next((n for n, entry in enumerate(left) if _has(entry, first, second)), None)
        if place is not None:
            del left[place]
            shown += 1
    return shown, len(asked)


def plain(shape: Shape) -> Shape:
    """Without axes of size 1: (1, 12, 64, 8) and (12, 64, 8) are one shape."""
    return tuple(size for size in shape if size != 1)


def _has(entry: list[Shape], first: Shape, second: Shape) -> bool:
    rest = list(entry)
    if first not in rest:
        return False
    rest.remove(first)
    return second in rest or (*second[:-2], *reversed(second[-2:])) in rest


def of_lines(text: str) -> list[Entry]:
    """Each line an entry."""
    return [found for line in text.splitlines() if (found := shapes_in(line))]


def of_dot(source: str) -> list[Entry]:
    """Each node of a Graphviz graph with the nodes before it."""
    done = subprocess.run(["dot", "-Tjson0"], input=source, capture_output=True, text=True, check=True)
    graph = json.loads(done.stdout)
    labels = {each["_gvid"]: str(each.get("label", "")) for each in graph.get("objects", ())}
    return of_graph(labels, [(edge["tail"], edge["head"]) for edge in graph.get("edges", ())])


def of_graph(labels: dict[int, str], edges: Iterable[tuple[int, int]]) -> list[Entry]:
    """Each node with what its label says and what the labels of the nodes before it say."""
    own = {node: shapes_in(label) for node, label in labels.items()}
    found = {node: list(shapes) for node, shapes in own.items()}
    for tail, head in edges:
        found[head] += own[tail]
    return list(found.values())


def pixels_of_dot(source: str) -> tuple[int, int]:
    """Width and height of the picture that Graphviz draws, in px."""
    done = subprocess.run(["dot", "-Tsvg"], input=source, capture_output=True, text=True, check=True)
    return pixels_of_svg(done.stdout)


def pixels_of_svg(svg: str) -> tuple[int, int]:
    """Its size in px: 96 an inch, of which a point is a 72nd."""
    head = svg[svg.index("<svg") :][:2000]
    sizes = [re.search(rf'\s{name}="([\d.]+)(pt|px)?"', head) for name in ("width", "height")]
    width, height = (math.ceil(float(size[1]) * (4 / 3 if size[2] == "pt" else 1)) for size in sizes if size)
    return width, height
