"""All passes from a trace to an outline, in one list. Each is a pure function; its parameters are what it reads.

facts → recognise → steps → roles → sections → fold → cost → words
"""

import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from shapetrace.errors import CONTRADICTIONS
from shapetrace.outlining.accounts import accounts, totals
from shapetrace.outlining.analysis import analyse
from shapetrace.outlining.axis_ids import axis_atoms, axis_ids, axis_parts
from shapetrace.outlining.axis_roles import axis_roles
from shapetrace.outlining.costing import costs, model_costs
from shapetrace.outlining.covering import coverage
from shapetrace.outlining.flow import Flow
from shapetrace.outlining.folding import folded
from shapetrace.outlining.lanes import Positions
from shapetrace.outlining.memory import memory
from shapetrace.outlining.naming import named, operands
from shapetrace.outlining.positions import positions
from shapetrace.outlining.proof import proof
from shapetrace.outlining.proved import proved
from shapetrace.outlining.recognise.adapters import Adapters, adapters
from shapetrace.outlining.recognise.additive import additives
from shapetrace.outlining.recognise.attention import attentions
from shapetrace.outlining.recognise.caches import appended, appends
from shapetrace.outlining.recognise.columns import columns
from shapetrace.outlining.recognise.combining import combine_roles
from shapetrace.outlining.recognise.crossing import Crossing, crossing, sided_tree
from shapetrace.outlining.recognise.ends import end_roles, roles, sure_roles, vocabulary_roles
from shapetrace.outlining.recognise.experts import choice_roles, drafts, router_roles
from shapetrace.outlining.recognise.filling import fills
from shapetrace.outlining.recognise.keeping import Keeper, cache
from shapetrace.outlining.recognise.losses import loss_roles, loss_steps
from shapetrace.outlining.recognise.mlps import mlp_roles
from shapetrace.outlining.recognise.projections import (
    block_roles,
    gate_roles,
    given_roles,
    graph,
    latent_roles,
    output_roles,
)
from shapetrace.outlining.recognise.recurrences import recurrences
from shapetrace.outlining.recognise.sharding import lyings, ranks, shares
from shapetrace.outlining.recognise.states import states
from shapetrace.outlining.sections import tree
from shapetrace.outlining.sizes import sizes
from shapetrace.outlining.steps.additive import additive_steps
from shapetrace.outlining.steps.attention import attention_steps
from shapetrace.outlining.steps.biases import biased_steps
from shapetrace.outlining.steps.collecting import collected, drawn, early_steps, elided
from shapetrace.outlining.steps.collectives import collective_steps
from shapetrace.outlining.steps.elementwise import append_steps, element_steps, lone_steps, lookup_steps, residual_steps
from shapetrace.outlining.steps.products import dispatch_steps, product_steps
from shapetrace.outlining.symbols import symbols

NEEDED: Any = object()
"""Of a pass that nothing can stand for."""


@dataclass(frozen=True)
class Pass:
    """One pass.

    Attributes:
        gives: Name of its result, which later passes read.
        run: The function; the names of its parameters are the results that it reads.
        nothing: Of a recogniser: what it gives where it fails, so that the rest of an outline stands.
    """

    gives: str
    run: Callable[..., Any]
    nothing: Any = NEEDED

    @cached_property
    def reads(self) -> tuple[str, ...]:
        """Results of earlier passes, ``trace`` or an option."""
        return tuple(inspect.signature(self.run).parameters)


PASSES: tuple[Pass, ...] = (
    # facts
    Pass("facts", analyse),
    Pass("flow", Flow),
    Pass("attentions", attentions, ()),
    Pass("additives", additives, ()),
    Pass("recurrences", recurrences, {}),
    Pass("states", states, {}),
    Pass("appends", appends, {}),
    Pass("appended", appended, frozenset()),
    Pass("fills", fills, ()),
    Pass("axis_roles", axis_roles),
    Pass("columns", columns, {}),
    Pass("lyings", lyings, {}),
    # steps
    Pass("attention_steps", attention_steps),
    Pass("product_steps", product_steps),
    Pass("additive_steps", additive_steps),
    Pass("dispatch_steps", dispatch_steps, ()),
    Pass("append_steps", append_steps, ()),
    Pass("loss_steps", loss_steps, ()),
    Pass("biased_steps", biased_steps),
    Pass("lookup_steps", lookup_steps),
    Pass("residual_steps", residual_steps),
    Pass("early_steps", early_steps),
    Pass("element_steps", element_steps),
    Pass("collective_steps", collective_steps, ()),
    Pass("drawn", drawn),
    Pass("elided", elided),
    Pass("lone_steps", lone_steps),
    Pass("collected", collected),
    # roles
    Pass("adapters", adapters, Adapters({}, {})),
    Pass("router_roles", router_roles, {}),
    Pass("drafts", drafts),
    Pass("graph", graph),
    Pass("given_roles", given_roles),
    Pass("output_roles", output_roles, {}),
    Pass("crossing", crossing, Crossing(frozenset(), frozenset(), frozenset())),
    Pass("latent_roles", latent_roles, {}),
    Pass("block_roles", block_roles, {}),
    Pass("gate_roles", gate_roles, {}),
    Pass("loss_roles", loss_roles, {}),
    Pass("vocabulary_roles", vocabulary_roles, {}),
    Pass("sure_roles", sure_roles),
    Pass("mlp_roles", mlp_roles, {}),
    Pass("end_roles", end_roles, {}),
    Pass("combine_roles", combine_roles, {}),
    Pass("choice_roles", choice_roles, {}),
    Pass("roles", roles),
    # sections, folding, cost
    Pass("tree", tree),
    Pass("sided_tree", sided_tree),
    Pass("accounts", accounts),
    Pass("folded", folded),
    Pass("totals", totals),
    Pass("memory", memory),
    Pass("coverage", coverage),
    Pass("ranks", ranks, None),
    Pass("keeper", Keeper),
    Pass("cache", cache, None),
    # words
    Pass("symbols", symbols, {}),
    Pass("sizes", sizes, {}),
    Pass("axis_atoms", axis_atoms, {}),
    Pass("axis_ids", axis_ids, {}),
    Pass("axis_parts", axis_parts, {}),
    Pass("positions", positions, Positions()),
    Pass("proof", proof, None),
    Pass("proved", proved, {}),
    Pass("costs", costs, {}),
    Pass("model_costs", model_costs, None),
    Pass("shares", shares, {}),
    Pass("operands", operands),
    Pass("named", named),
)


def run(passes: Iterable[Pass], **given: Any) -> Mapping[str, Any]:
    """Run passes in their order.

    Args:
        passes: Each after those whose results it reads.
        given: What no pass makes: ``trace``, ``fused``.

    Returns:
        All results by name; ``failed`` has the names of the recognisers that could not read the trace.
    """
    results = dict(given)
    failed: list[str] = []
    for each in passes:
        try:
            results[each.gives] = each.run(**{name: results[name] for name in each.reads})
        except CONTRADICTIONS:
            if each.nothing is NEEDED:
                raise
            results[each.gives] = each.nothing
            failed.append(each.gives)
    return {**results, "failed": tuple(failed)}
