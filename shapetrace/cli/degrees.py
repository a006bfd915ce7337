"""One model by several degrees: ``compare MODEL --tp 1,8,16``."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated

import typer

from shapetrace.cli.options import InputOptions, numbers_in, takes
from shapetrace.errors import UsageError
from shapetrace.obtaining import obtain
from shapetrace.request import Request
from shapetrace.running import Say
from shapetrace.sharding.degrees import Degrees

if TYPE_CHECKING:
    from shapetrace.formats.degrees import Degree

_MOST = 5
_TP = typer.Option("--tp", help="Of one model, several degrees: 1,8,16; what fails is shown too.", show_default=False)


@dataclass(frozen=True, slots=True)
class DegreeOptions(InputOptions):
    """Those of several models, or of one that is spread over several numbers of ranks."""

    tp: Annotated[str | None, _TP] = None  # type: ignore[assignment]

    def asked(self) -> tuple[Request, tuple[int, ...]]:
        """The request, and the degrees of which there are several."""
        degrees = numbers_in(self.tp, "--tp", least=1, most=_MOST) if self.tp is not None else ()
        one = degrees[0] if len(degrees) == 1 else None
        plain = replace(self, tp=one)  # type: ignore[arg-type]
        return InputOptions.request(plain), degrees if len(degrees) > 1 else ()


takes_degrees = takes(DegreeOptions, DegreeOptions.asked, place=1)


def of_degrees(request: Request, model: str, degrees: Sequence[int], say: Say, *, fused: bool) -> "list[Degree]":
    """What one rank does by each degree; what cannot be is a column too."""
    from shapetrace.formats.degrees import Degree

    found: list[Degree] = []
    for tp in degrees:
        others = request.ranks or Degrees()
        ranks = replace(others, tp=tp)
        alone = tp == 1 and replace(others, world=0, tp=1, dp=None, rank=0) == Degrees()
        name = f"tp {tp}"
        try:
            outline = obtain(replace(request, model=model, ranks=None if alone else ranks), say).outline(fused=fused)
        except UsageError as error:
            if len(found) == len(degrees) - 1 and not any(each.outline for each in found):
                raise  # nothing to show
            found.append(Degree(name, None, str(error)))
            continue
        found.append(Degree(name, outline))
    return found
