"""Answers about models for programs that ask in words: what `shapetrace mcp` serves, without the protocol."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from shapetrace.api import Trace
from shapetrace.comparing import compare
from shapetrace.errors import UsageError
from shapetrace.failing.reporting import lines
from shapetrace.formats import FORMATS
from shapetrace.formats.contract import Excerpt, Options
from shapetrace.formats.rendering import render
from shapetrace.obtaining import obtain
from shapetrace.outlining.structure import Step
from shapetrace.request import Request

_MOST_KEPT = 8
_MOST_FOUND = 60


class Answers:
    """Traces models, keeps the traces, and answers from them.

    A model is named as on the command line: a preset, ``hf:TYPE``, a configuration, a trace file. Modules of a user's
    own are code that runs: they are refused unless that was allowed.
    """

    def __init__(self, *, runs_code: bool = False) -> None:
        """Start with no trace.

        Args:
            runs_code: Whether ``package.module:attr`` and ``file.py:attr`` are traced too.
        """
        self._runs_code = runs_code
        self._kept: dict[tuple[Any, ...], Trace] = {}

    def trace(self, model: str = "gpt2", seq: int = 0, batch: int = 0, depth: int = 0, save: str = "") -> str:
        """Run a real forward pass (on the meta device: no weights are needed) and list its steps with every shape.

        Args:
            model: A preset (gpt2, llama-3.1-8b, deepseek-v3), hf:MODEL_TYPE, hf:config.json, or a trace file.
            seq: Tokens of the input; 0 for the model's own.
            batch: Examples of the input; 0 for one.
            depth: Sections that lie deeper are one row each; 0 shows all.
            save: A new file to keep the trace in, which can be named as a model later.
        """
        traced = self._trace(model, seq, batch)
        if save:
            if Path(save).exists():
                raise UsageError(f"{save} is there already: name a new file")
            traced.save(save)
        return str(render(traced.outline(), FORMATS["markdown"], Options(depth=depth or None)))

    def section(self, model: str, section: str, seq: int = 0, batch: int = 0) -> str:
        """List the steps of one section of a model.

        Args:
            model: As for ``trace``.
            section: A path (h.0.attn) or a kind (attention, mlp, experts, embedding, unembedding).
            seq: As for ``trace``.
            batch: As for ``trace``.
        """
        part = Excerpt(section, section)
        return str(render(self._trace(model, seq, batch).outline(), FORMATS["markdown"], Options(), part))

    def find(self, model: str, text: str, seq: int = 0, batch: int = 0) -> str:
        """Find steps by module path, parameter, role, title or shape, with the section that each is in.

        Args:
            model: As for ``trace``.
            text: Part of a name (q_proj, router), or a shape or its beginning ([768,3072], 768x3072).
            seq: As for ``trace``.
            batch: As for ``trace``.
        """
        wanted = _plain(text)
        found = [step for step in self._trace(model, seq, batch).outline().steps() if wanted in _plain(_known_of(step))]
        if not wanted or not found:
            return f"no step has {text!r} in its path, parameters, role, title or shapes"
        shown = [_line(step) for step in found[:_MOST_FOUND]]
        left = len(found) - len(shown)
        return "\n".join([*shown, *([f"… and {left} more"] if left else [])])

    def diff(self, model: str, other: str, seq: int = 0, batch: int = 0) -> str:
        """Compare two models step by step: what was added, removed and changed, settings first.

        Args:
            model: As for ``trace``.
            other: The model to compare with.
            seq: As for ``trace``, for both.
            batch: As for ``trace``, for both.
        """
        traces = [self._trace(name, seq, batch) for name in (model, other)]
        found = compare(*traces, names=(model, other))
        return str(render(found, FORMATS["markdown"], Options()))

    def explain_failure(self, model: str, seq: int = 0, batch: int = 0) -> str:
        """Say why a forward pass fails: the sizes that clash, where they come from, and mends that were tried.

        Args:
            model: As for ``trace``.
            seq: As for ``trace``.
            batch: As for ``trace``.
        """
        explained = self._trace(model, seq, batch).outline().explained
        return "the pass ended well: nothing to explain" if explained is None else "\n".join(lines(explained))

    def figure(self, model: str, section: str = "", seq: int = 0, batch: int = 0) -> str:
        """Draw a model or one section of it as SVG.

        Args:
            model: As for ``trace``.
            section: A path or kind as for ``section``; empty for the whole model.
            seq: As for ``trace``.
            batch: As for ``trace``.
        """
        part = Excerpt(section or "overview", section or None)
        return str(render(self._trace(model, seq, batch).outline(), FORMATS["svg"], Options(), part))

    def tools(self) -> tuple[Callable[..., str], ...]:
        """What can be asked; each tells about itself in its docstring."""
        return (self.trace, self.section, self.find, self.diff, self.explain_failure, self.figure)

    def _trace(self, model: str, seq: int, batch: int) -> Trace:
        shape = {name: size for name, size in (("seq", seq), ("batch", batch)) if size}
        request = Request(model=model, shape=shape)
        if request.kind == "code" and not model.startswith("toy:") and not self._runs_code:
            raise UsageError(f"{model} is code that would run: start the server with --run-code to allow it")
        key = (model, seq, batch, Path(model).stat().st_mtime_ns if Path(model).is_file() else 0)
        if key not in self._kept:
            self._kept[key] = obtain(request, lambda _sentence: None)
            while len(self._kept) > _MOST_KEPT:
                del self._kept[next(iter(self._kept))]
        return self._kept[key]


def _plain(text: str) -> str:
    """Text as it is compared: in small letters, sizes joined by ``×`` or ``x`` as with commas, no blanks."""
    joined = re.sub(r"(?<=\d)\s*[x×]\s*(?=\d|$)", ",", text.lower().strip())
    return re.sub(r"\s+", "", joined)


def _known_of(step: Step) -> str:
    sources = " ".join(operand.source for operand in step.operands)
    return f"{step.path}\n{step.section}\n{step.title}\n{step.role.value}\n{step.equation}\n{sources}"


def _line(step: Step) -> str:
    stack = next((f" ×{operand.stack}" for operand in step.results if operand.stack > 1), "")
    repeat = f", in {step.repeat} layers" if step.repeat > 1 else ""
    return f"{step.section or 'the model'}: {step.title} ({step.path or 'no module'}) {step.equation}{stack}{repeat}"
