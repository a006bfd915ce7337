"""The programs of ``tools/`` as modules."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType


def tool(name: str) -> ModuleType:
    """One of them, not run."""
    path = Path(__file__).parents[1] / "tools" / f"{name}.py"
    made = importlib.util.spec_from_file_location(name, path)
    assert made is not None and made.loader is not None
    sys.modules[name] = module = importlib.util.module_from_spec(made)
    made.loader.exec_module(module)
    return module
