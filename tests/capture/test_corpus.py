"""Architectures of transformers on meta with known values, against the same ones on the CPU."""

import json
import os
import selectors
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

import pytest
import torch

pytest.importorskip("transformers")

from shapetrace.capture.known_calls import building
from shapetrace.models import huggingface
from tests.capture.corpus import SECONDS, contractions, measure, trace
from tests.models.shrinking import shrink

ROOT = Path(__file__).parents[2]

FEW = """bert deberta-v2 deepseek_v3 falcon gemma3_text gpt2 ibert llama longformer mamba mixtral opt qwen3_moe t5 vit
    whisper""".split()

AIM = 0.9


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("model_type", FEW)
def test_a_pass_on_meta_multiplies_what_a_pass_on_the_cpu_does(model_type: str) -> None:
    found = measure(model_type)
    assert (found["cpu"], found.get("known")) == ("", "")


@pytest.mark.skipif(torch.__version__ < (2, 9), reason="this PyTorch groups no products on the CPU")
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("implementation", ["grouped_mm", "batched_mm"])
def test_experts_run_on_meta_in_every_dtype(implementation: str, dtype: torch.dtype) -> None:
    def passed(device: str) -> Counter[tuple[int, ...]]:
        configuration = shrink(huggingface.config("mixtral"))
        configuration._experts_implementation = implementation
        with torch.device(device), building(device):
            model = huggingface.model_class(configuration)._from_config(configuration, dtype=dtype).eval()
        return contractions(trace(model, {"input_ids": torch.arange(16)[None]}))

    assert passed("meta") == passed("cpu")


@pytest.mark.slow
def test_nine_in_ten_architectures_that_run_on_the_cpu_run_on_meta(capsys: pytest.CaptureFixture[str]) -> None:
    rows = all_measured()
    ran = [row for row in rows if row["cpu"] == ""]
    shares = {way: sum(row[way] == "" for row in ran) / len(ran) for way in ("plain", "known")}
    with capsys.disabled():
        for row in ran:
            if row["known"]:
                print(row["type"], row["known"])
        print(
            f"\n{len(rows)} types, {len(ran)} run on the CPU; of these {shares['plain']:.1%} run on plain meta, ",
            end="",
        )
        print(f"{shares['known']:.1%} on meta with known values and equal contractions")
    assert len(ran) >= 100
    assert shares["known"] >= AIM


def all_measured(program: str = "tests.capture.corpus", names: Iterable[str] = ()) -> list[dict[str, Any]]:
    """What two workers find for every type of transformers, or for what is named."""
    from transformers import CONFIG_MAPPING

    types: SimpleQueue[str] = SimpleQueue()
    for model_type in names or CONFIG_MAPPING:
        types.put(model_type)
    with ThreadPoolExecutor(2) as pool:
        return [row for rows in pool.map(lambda _: list(measured(types, program)), range(2)) for row in rows]


def measured(types: "SimpleQueue[str]", program: str = "tests.capture.corpus") -> Iterator[dict[str, Any]]:
    """What a worker finds for the types that wait; a worker that hangs or dies is replaced."""
    while not types.empty():
        with worker(program) as process:
            for model_type in waiting(types):
                row = answer(process, model_type)
                yield row or {"type": model_type, "cpu": "the worker did not answer"}
                if row is None:
                    break


def waiting(types: "SimpleQueue[str]") -> Iterator[str]:
    try:
        while True:
            yield types.get_nowait()
    except Empty:
        return


@contextmanager
def worker(program: str) -> Iterator["subprocess.Popen[str]"]:
    command = [sys.executable, "-m", program]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd=ROOT,
        env=environment,
    ) as process:  # fmt: skip
        try:
            yield process
        finally:
            process.kill()


def answer(process: "subprocess.Popen[str]", model_type: str) -> dict[str, Any] | None:
    assert process.stdin is not None and process.stdout is not None
    try:
        process.stdin.write(model_type + "\n")
        process.stdin.flush()
    except BrokenPipeError:
        return None
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        if not selector.select(timeout=2 * SECONDS):
            return None
    line = process.stdout.readline()
    return json.loads(line) if line else None
