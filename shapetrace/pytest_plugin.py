"""pytest: ``--shapetrace-explain`` says of tests that fail in PyTorch which shapes clash, and where they come from.

It is loaded in every run of pytest: torch, and what reads a trace, are imported when it is asked for.
"""

from collections.abc import Generator
from typing import Any

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """The option."""
    group = parser.getgroup("shapetrace")
    group.addoption(
        "--shapetrace-explain",
        action="store_true",
        help="explain failures in PyTorch: which shapes clash, where they come from, what would fit",
    )


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, Any, Any]:
    """Run a test with an explanation of what it raises."""
    asked = item.config.getoption("--shapetrace-explain") or "shapetrace_explain" in getattr(item, "fixturenames", ())
    if not asked:
        return (yield)
    from shapetrace import explain

    with explain(others=False):
        return (yield)


@pytest.fixture
def shapetrace_explain() -> None:
    """Explain the failure of the test that asks for this fixture, whatever the options are."""
