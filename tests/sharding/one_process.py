"""One process of several: a rank of a small preset in a real group. ``python one_process.py RANK FOLDER DEGREES``."""

import json
import sys
from pathlib import Path

import torch
from torch import distributed

from shapetrace.capture import capture
from shapetrace.models import building
from shapetrace.request import Request, settings_of
from shapetrace.serialize import save
from shapetrace.sharding import megatron
from shapetrace.sharding.degrees import Degrees


def main(rank: int, folder: Path, name: str, shape: dict[str, int], degrees: dict[str, int]) -> None:
    """Trace the rank's part of a model, and keep the trace in the folder."""
    ranks = Degrees(**degrees, rank=rank)
    distributed.init_process_group("gloo", init_method=f"file://{folder}/store", rank=rank, world_size=ranks.size)
    _, settings = settings_of(Request(model=name, shape={**shape, "device": "cpu"}))
    model = megatron.shard(building.build(settings), settings, ranks)
    args, kwargs = building.inputs(settings)
    with torch.no_grad():
        save(capture(model, args, kwargs), folder / f"{rank}.json")
    distributed.destroy_process_group()


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], json.loads(sys.argv[4]), json.loads(sys.argv[5]))
