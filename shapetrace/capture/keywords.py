"""Keyword arguments of a module call, as a hook for all modules can see them."""

import sys

import torch


def keyword_arguments() -> dict[str, object]:
    """What the module whose pre-hook is running was called with by keyword; empty if that cannot be seen.

    PyTorch hands keyword arguments to the pre-hooks of one module alone; to register one would change the model. The
    frame that runs the hooks has them.
    """
    frame = sys._getframe(2)
    if frame.f_code.co_filename != torch.nn.modules.module.__file__:
        return {}
    found = frame.f_locals.get("kwargs")
    return dict(found) if isinstance(found, dict) else {}
