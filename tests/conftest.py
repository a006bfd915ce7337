"""What all tests share: golden files, which one flag rewrites; no test depends on how fast the machine is."""

import gc
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # a worker has one core: more threads would wait for each other

gc.set_threshold(20_000, 20, 20)  # looking for cycles behind every 700 objects takes a tenth of the time

settings.register_profile("any machine", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")

GOLDEN = Path(__file__).parent / "golden"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--rewrite-golden", action="store_true", help="write the golden files instead of comparing them")


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[str, str], None]:
    """Compare a text with tests/golden/NAME."""

    def compare(name: str, text: str) -> None:
        path = GOLDEN / name
        if request.config.getoption("--rewrite-golden"):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        assert path.exists(), f"no golden file {name}: run pytest --rewrite-golden and read it"
        assert text == path.read_text(encoding="utf-8"), f"{name} changed: pytest --rewrite-golden, then read the diff"

    return compare


@pytest.fixture(scope="module")
def browser() -> Iterator[object]:
    """The system's Chromium."""
    from tests.browser import open_browser

    with open_browser() as opened:
        yield opened
