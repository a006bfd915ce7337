"""The roles that an outline gives to matrices, beside those that their names give.

Run as a program it reads model types from its standard input, one a line, and writes a line of JSON for each.
"""

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from shapetrace import ir
from shapetrace.models import hf_inputs, huggingface
from shapetrace.ops.kinds import op_kind
from shapetrace.outlining import outline
from shapetrace.outlining.structure import Outline, Step
from tests.capture import corpus
from tests.models.role_names import Names, Roles
from tests.models.shrinking import shrink


@dataclass(frozen=True)
class Compared:
    """Matrices with conventional names: how many have the role that their name says, and a line for each other."""

    right: int
    wrong: tuple[str, ...]


def traced(model_type: str) -> ir.Trace:
    """A pass of an architecture of transformers, shrunk, on the CPU."""
    model = huggingface.build(shrink(huggingface.config(model_type)), device="cpu")
    return corpus.trace(model, hf_inputs.inputs(model))


def compared(trace: ir.Trace) -> Compared:
    """Outline a pass and ask the names; a matrix that several steps multiply with has all their roles."""
    names = Names(
        {
            name: parameter.shape
            for parameter in trace.parameters
            if not parameter.buffer
            for name in (parameter.name, *parameter.aliases)
        }
    )
    right, wrong = 0, []
    for name, found in uses(trace).items():
        answers = names.answers(name)
        together = frozenset[str]().union(*(roles for roles, _ in found))
        for roles, equation in found:
            said = together if any(len(answer & {"QUERY", "KEY", "VALUE"}) > 1 for answer in answers) else roles
            right += said in answers
            if answers and said not in answers:
                wrong.append(f"{name} {equation}: {_told(said)}, its name says {_told(answers[0])}")
    return Compared(right, tuple(wrong))


def uses(trace: ir.Trace, read: Outline | None = None) -> dict[str, list[tuple[Roles, str]]]:
    """What each parameter is multiplied as, with the equations; one that a drawn layer holds."""
    origins, aliases = _origins(trace), {p.name: (p.name, *p.aliases) for p in trace.parameters}
    uses: dict[str, list[tuple[Roles, str]]] = defaultdict(list)
    for step in (read or outline(trace)).steps():
        weights = [o for o in step.operands if o.role == "weight"] if step.kind == "product" else []
        for name in dict.fromkeys(name for weight in weights for name in origins.get(weight.value, ())):
            here = [alias for alias in aliases[name] if alias.rpartition(".")[0] == step.path]
            uses[(here or [name])[0]].append((roles(step), step.equation))
    return uses


def roles(step: Step) -> Roles:
    """The name of a step's role; a product that gives several has them all."""
    several = step.role.name.startswith(("QUERY_", "KEY_"))
    return frozenset(step.role.name.split("_") if several else [step.role.name])


def _origins(trace: ir.Trace) -> dict[int, tuple[str, ...]]:
    """The parameters that a weight was made from, without being multiplied."""
    origins = {tensor.id: (tensor.name,) for tensor in trace.tensors if tensor.origin == "parameter"}
    for op in (op for op in trace.ops if op_kind(op) != "product"):
        made = tuple(dict.fromkeys(name for value in op.inputs for name in origins.get(value, ())))
        for output in op.outputs:
            if trace.tensors[output].role == "weight" and len(trace.tensors[output].shape) > 1:
                origins.setdefault(output, made)
    return origins


def _told(said: Roles) -> str:
    return " and ".join(sorted(said))


def measured(model_type: str) -> dict[str, Any]:
    """The comparison as JSON can hold it; ``cpu`` says why there is none."""
    try:
        found = compared(traced(model_type))
    except Exception as error:  # noqa: BLE001 - whatever a model raises is the finding
        return {"cpu": f"{type(error).__name__}: {error}"}
    return {"cpu": "", "right": found.right, "wrong": found.wrong}


if __name__ == "__main__":
    corpus.main(measured)
