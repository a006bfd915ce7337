"""GPT-2 at 1,024 tokens beside the peers, as a Markdown table: ``PYTHONPATH=. python benchmarks/peers.py [NAME ...]``.

Each tool runs in a process of its own, with one thread and a limit on its time. Ratios are of processor time in that
process: the best of some turns of the tool over the best of as many plain forward passes of the same model. Peak memory
is what the tool adds to that of a plain pass. A peer that is not installed is named and left out: ``pip install
torchinfo torchview torchlens torchvista tensorgami torchspace tabulate``, and Graphviz for what draws with it.
"""

import json
import os
import resource
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib import metadata
from math import prod
from pathlib import Path
from typing import Any

from shown import Entry, of_dot, of_graph, of_lines, pixels_of_dot, pixels_of_svg, share
from timing import MEASURE, print_table, seconds

TURNS = 3
LIMIT_S = 400
N_TOKENS = 1024
HEADER = """\
| tool | time, × a plain forward on CPU | on meta | memory above a plain forward, MiB | products with both operands \
| default picture, px |
| --- | ---: | ---: | ---: | ---: | ---: |"""


@dataclass(frozen=True)
class Tool:
    """A tool as its own documentation uses it.

    Attributes:
        package: What pip installs.
        run: Looks at one forward pass, and gives what it has found.
        entries: What it shows of that.
        pixels: Width and height of its picture; None if it draws none of a fixed size.
    """

    package: str
    run: Callable[[Any, Any], Any]
    entries: Callable[[Any], list[Entry]]
    pixels: Callable[[Any], tuple[int, int] | None] = lambda _: None


def _ours(model: Any, ids: Any) -> Any:
    import shapetrace

    return shapetrace.trace(model, ids)


def _our_entries(trace: Any) -> list[Entry]:
    steps = trace.outline(fused=True).steps()
    return [[(each.stack, *each.shape) for each in step.operands] for step in steps for _ in range(step.repeat)]


def _our_pixels(trace: Any) -> tuple[int, int]:
    import shapetrace

    drawing = shapetrace.figure(trace).drawing
    return round(drawing.width_px), round(drawing.height_px)


def _empty_modes(model: Any, ids: Any) -> None:
    import limit

    limit.run(model, ids)


def _torchinfo(model: Any, ids: Any) -> str:
    import torchinfo

    columns = ("input_size", "output_size", "kernel_size")
    found = torchinfo.summary(model, input_data=ids, verbose=0, depth=20, col_names=columns, device=ids.device)
    return str(found)


def _torchview(model: Any, ids: Any) -> str:
    import torchview

    graph = torchview.draw_graph(model, input_data=ids, device=ids.device)
    return str(graph.visual_graph.source)


def _torchlens(model: Any, ids: Any) -> Any:
    import torchlens

    if ids.is_meta:
        return torchlens.trace(model, ids, capture=torchlens.options.CaptureOptions(structure_only=True))
    return torchlens.trace(model, ids)


def _lens_entries(trace: Any) -> list[Entry]:
    ops = list(trace.ops)
    shapes = {op.label.removesuffix(":1"): tuple(op.shape or ()) for op in ops}
    return [
        [*(shapes[parent.removesuffix(":1")] for parent in op.parents), *(tuple(each) for each in op.param_shapes)]
        for op in ops
    ]


def _lens_pixels(trace: Any) -> tuple[int, int]:
    with tempfile.TemporaryDirectory() as folder:
        trace.draw(vis_outpath=f"{folder}/graph", vis_save_only=True, vis_fileformat="svg")
        return pixels_of_svg(Path(folder, "graph.svg").read_text(encoding="utf-8"))


def _torchvista(model: Any, ids: Any) -> str:
    import torchvista

    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder) / "page.html"
        torchvista.trace_model(model, ids, export_format="html", export_path=str(page))
        return page.read_text(encoding="utf-8")


def _vista_entries(page: str) -> list[Entry]:
    def constant(name: str) -> Any:
        (line,) = [line for line in page.splitlines() if line.strip().startswith(f"const {name} = ")]
        return json.loads(line.strip().removeprefix(f"const {name} = ").rstrip(";"))

    nodes, modules = constant("adj_list"), constant("module_info")
    number = {name: n for n, name in enumerate(nodes)}
    arriving = {name: [json.dumps(modules.get(name, ""))] for name in nodes}
    for node in nodes.values():
        for edge in node["edges"]:
            arriving[edge["target"]].append(edge["dims"])
    return of_graph({number[name]: " ".join(said) for name, said in arriving.items()}, ())


def _tensorgami(model: Any, ids: Any) -> Any:
    import tensorgami

    return tensorgami.draw(model, ids)


def _gami_entries(figure: Any) -> list[Entry]:
    """Of each box the shapes on its wires and the widths that it names, in each of the layers that it stands for."""
    graph = figure.graph
    found = []
    for node in graph.nodes:
        widths = [node.params[name] for name in ("in_features", "out_features") if name in node.params]
        shapes = [edge.shape for edge in graph.in_edges(node.id) if edge.shape]
        times = node.count * prod(group.count for group in (graph.group(node.group), *graph.ancestors(node.group)))
        found += [[*shapes, *([tuple(widths)] if widths else [])]] * times
    return found


def _gami_pixels(figure: Any) -> tuple[int, int]:
    width, height = figure.size
    return round(width), round(height)


def _torchspace(model: Any, ids: Any) -> str:
    import torchspace

    if ids.is_meta:
        return json.dumps(torchspace.view(model, input_data=ids, device="meta").ir)
    run = torchspace.trace(model, input_data=ids)
    model(ids)
    run.detach()
    return "\n".join(json.dumps(node) for node in run.ir["nodes"])


def _debug_mode(model: Any, ids: Any) -> str:
    from torch.utils._debug_mode import DebugMode

    with DebugMode() as mode:
        model(ids)
    return str(mode.debug_string())


def _flop_counter(model: Any, ids: Any) -> str:
    from torch.utils.flop_counter import FlopCounterMode

    with FlopCounterMode(display=False, depth=20) as mode:
        model(ids)
    return str(mode.get_table())


TOOLS = {
    "two empty modes": Tool("torch", _empty_modes, lambda _: []),
    "shapetrace": Tool("shapetrace", _ours, _our_entries, _our_pixels),
    "torchinfo": Tool("torchinfo", _torchinfo, of_lines),
    "torchview": Tool("torchview", _torchview, of_dot, pixels_of_dot),
    "torchlens": Tool("torchlens", _torchlens, _lens_entries, _lens_pixels),
    "torchvista": Tool("torchvista", _torchvista, _vista_entries),
    "tensorgami": Tool("tensorgami", _tensorgami, _gami_entries, _gami_pixels),
    "TorchSpace": Tool("torchspace", _torchspace, of_lines),
    "DebugMode": Tool("torch", _debug_mode, of_lines),
    "FlopCounterMode": Tool("torch", _flop_counter, of_lines),
}


def _products(model: Any, ids: Any) -> list[tuple[tuple[int, ...], tuple[int, ...]]]:
    """Operands of all matrix products, read off the kernels."""
    import torch
    from torch.utils._python_dispatch import TorchDispatchMode

    first = {"mm": 0, "bmm": 0, "addmm": 1, "baddbmm": 1}
    found = []

    class Kernels(TorchDispatchMode):
        def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            at = first.get(func.overloadpacket.__name__)
            if at is not None:
                found.append((tuple(args[at].shape), tuple(args[at + 1].shape)))
            return func(*args, **(kwargs or {}))

    with torch.no_grad(), Kernels():
        model(ids)
    return found


def _gpt2(device: str, **changed: Any) -> tuple[Any, Any]:
    """GPT-2 small in plain modules, with random weights and its attention written out, and its ids."""
    from shapetrace.models.building import build, inputs
    from shapetrace.models.presets import preset

    settings = replace(preset("gpt2").settings, device=device, seq=N_TOKENS, **changed)
    ((ids,), _) = inputs(settings)
    return build(settings).eval(), ids


def _ratio(tool: Tool, model: Any, ids: Any) -> float:
    """Time of the tool over that of a plain pass, by turns."""
    turns = [(seconds(lambda: model(ids)), seconds(lambda: tool.run(model, ids))) for _ in range(TURNS)]
    plain, with_tool = (min(times) for times in zip(*turns, strict=True))
    return with_tool / plain


def _peak_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measure(name: str, device: str) -> dict[str, Any]:
    """Measure one tool in this process."""
    import torch

    torch.set_num_threads(1)
    torch.set_grad_enabled(False)
    warnings.simplefilter("ignore")
    tool = TOOLS[name]
    model, ids = _gpt2(device)
    if device == "meta":
        tool.run(model, ids)  # what is imported and made once
        return {"ratio": _ratio(tool, model, ids)}
    tool.run(*_gpt2(device, layers=1, vocab=64))  # the same, before memory is counted
    model(ids)
    before = _peak_mib()
    found = tool.run(model, ids)
    added = _peak_mib() - before
    shown, products = share(_products(*_gpt2("meta")), tool.entries(found))
    pixels = tool.pixels(found)
    del found
    return {
        "ratio": _ratio(tool, model, ids), "added_mib": added, "shown": shown, "products": products, "pixels": pixels
    }  # fmt: skip


def _measured(name: str, device: str) -> dict[str, Any] | str:
    """What a process of its own measured, or why it did not."""
    command = [sys.executable, __file__, MEASURE, name, device]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT_S, env=environment, check=False)
    except subprocess.TimeoutExpired:
        return f"not within {LIMIT_S} s"
    if done.returncode:
        return (done.stderr.strip().splitlines() or ["it ended early"])[-1][:100]
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def row(name: str) -> str:
    """One line of the table, or one line about what is missing."""
    try:
        version = metadata.version(TOOLS[name].package) if TOOLS[name].package != "torch" else ""
    except metadata.PackageNotFoundError:
        return f"| {name} | not installed | | | | |"
    found, meta = _measured(name, "cpu"), _measured(name, "meta")
    on_meta = f"{meta['ratio']:.2f}" if isinstance(meta, dict) else f"no: {meta.partition(':')[0]}"
    label = f"{name} {version}".strip()
    if isinstance(found, str):
        return f"| {label} | no: {found} | {on_meta} | | | |"
    size = "{:,} × {:,}".format(*found["pixels"]) if found["pixels"] else "–"
    products = f"{found['shown']} of {found['products']}" if name != "two empty modes" else "–"
    return f"| {label} | {found['ratio']:.2f} | {on_meta} | {found['added_mib']:,.0f} | {products} | {size} |"


if __name__ == "__main__":
    print_table(HEADER, TOOLS, measure, row)
