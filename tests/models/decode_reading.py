"""The roles that matrices have in a prefill, beside those in the decode steps behind it, with a model's own cache.

Run as a program it reads model types from its standard input, one a line, and writes a line of JSON for each.
"""

from collections.abc import Mapping
from typing import Any

from shapetrace.decoding import Generation
from shapetrace.hf_obtaining import generated
from shapetrace.models import huggingface
from shapetrace.request import Request
from tests.capture import corpus
from tests.models.role_names import Roles
from tests.models.role_reading import uses
from tests.models.shrinking import shrink

SEQ, STEPS = 12, 2


def generation(model_type: str, *, widths: bool = True) -> Generation:
    """A prefill and two decode steps of an architecture of transformers, shrunk, on meta."""
    config = shrink(huggingface.config(model_type), widths=widths)
    return generated(Request(model=f"hf:{model_type}", shape={"seq": SEQ}), lambda _: None, STEPS, config=config)


def changed(of: Generation) -> list[str]:
    """A line for each matrix that is something else in a decode step than in the prefill."""
    first, *others = map(_roles, of.passes)
    return list(dict.fromkeys(
        f"{name}: {_told(first[name])} in the prefill, then {_told(roles)}"
        for each in others for name, roles in each.items() if name in first and first[name] != roles
    ))  # fmt: skip


def _roles(of: Any) -> Mapping[str, Roles]:
    found = uses(of.trace, of.outline)
    return {name: frozenset[str]().union(*(roles for roles, _ in each)) for name, each in found.items()}


def _told(said: Roles) -> str:
    return " and ".join(sorted(said))


def measured(model_type: str) -> dict[str, Any]:
    """The comparison as JSON can hold it; ``cpu`` says why there is none."""
    try:
        found = generation(model_type, widths=False)
        if found.failure:
            return {"cpu": found.failure}
        n_matrices = len(_roles(found.passes[-1]))
        return {"cpu": "", "n_passes": len(found.passes), "matrices": n_matrices, "changed": changed(found)}
    except Exception as error:  # noqa: BLE001 - whatever a model raises is the finding
        return {"cpu": f"{type(error).__name__}: {error}"}


if __name__ == "__main__":
    corpus.main(measured)
