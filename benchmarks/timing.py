"""Processor time, which a busy machine changes least; and tables whose lines are measured in processes of their own."""

import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

MEASURE = "--measure"
"""Makes a benchmark measure one thing and write the numbers, for the line of its table."""


def seconds(action: Callable[[], object]) -> float:
    """Processor time of one call."""
    start = time.process_time()
    action()
    return time.process_time() - start


def command_seconds(*command: str) -> float:
    """Processor time of a whole process, the best of three."""

    def once() -> float:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=_as_installed())
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    return min(once() for _ in range(3))


def measured(script: str, name: str) -> dict[str, Any]:
    """What a benchmark measures of one thing, in a process of its own."""
    done = subprocess.run([sys.executable, script, MEASURE, name], check=True, capture_output=True, text=True)
    return json.loads(done.stdout)  # type: ignore[no-any-return]


def print_table(
    header: str, names: Iterable[str], measure: Callable[..., Mapping[str, Any]], row: Callable[[str], str]
) -> None:
    """Print a table, a line as soon as it is known; after ``--measure``, what is measured of one thing.

    Args:
        header: The first lines.
        names: What has a line, if the command line names nothing.
        measure: Measures one thing in this process.
        row: The line of one thing.
    """
    arguments = sys.argv[1:]
    if arguments[:1] == [MEASURE]:
        print(json.dumps(measure(*arguments[1:])))
        return
    print(header)
    for name in arguments or names:
        print(row(name), flush=True)


def _as_installed() -> dict[str, str]:
    """One thread, and bytecode that the first turn writes: an installed package has it."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"} | {
        "OMP_NUM_THREADS": "1"
    }
