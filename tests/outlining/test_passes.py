"""What `PASSES` promises: each pass reads what stands before it, changes nothing, and may run as soon as it can."""

import random
import re
from collections.abc import Mapping
from dataclasses import fields, replace
from functools import cached_property
from typing import Any

import pytest

from shapetrace.ir import Trace
from shapetrace.ops.atoms import Atoms
from shapetrace.outlining import outline
from shapetrace.outlining.accounts import Accounts
from shapetrace.outlining.analysis import Facts
from shapetrace.outlining.counts import Coverage
from shapetrace.outlining.drafts import Draft, Graph
from shapetrace.outlining.flow import Flow
from shapetrace.outlining.passes import PASSES, Pass, run
from shapetrace.outlining.roles import Role
from shapetrace.outlining.sections import Node
from shapetrace.outlining.steps.collecting import Collected
from tests.outlining.tape import Tape
from tests.outlining.traced import MODELS, traced

GIVEN = ("trace", "fused")
WORDED = ("named", "totals", "coverage", "ranks", "cache", "model_costs", "positions", "appended", "axis_parts")
"""The results that an outline is made of."""


def results(trace: Trace, passes: tuple[Pass, ...] = PASSES) -> Mapping[str, Any]:
    return run(passes, trace=trace, fused=False)


def test_names_of_results_are_unique() -> None:
    names = [*GIVEN, *(each.gives for each in PASSES)]
    assert len(set(names)) == len(names)


def test_a_pass_reads_what_stands_before_it() -> None:
    known = set(GIVEN)
    for each in PASSES:
        assert set(each.reads) <= known, each.gives
        known.add(each.gives)


def test_every_result_is_read_or_leaves_in_the_outline() -> None:
    read = {name for each in PASSES for name in each.reads} | set(WORDED)
    assert {each.gives for each in PASSES} <= read


# Any order will do that has what is read before what reads it.


def shuffled(chance: random.Random) -> tuple[Pass, ...]:
    """The passes in a random order in which each stands after those that it reads."""
    known, left, order = set(GIVEN), list(PASSES), []
    while left:
        ready = [each for each in left if set(each.reads) <= known]
        order.append(chance.choice(ready))
        left.remove(order[-1])
        known.add(order[-1].gives)
    return tuple(order)


@pytest.mark.parametrize("name", ["gpt2", "deepseek", "encoder-decoder", "adapters", "heads apart"])
def test_twenty_orders_give_one_outline(name: str) -> None:
    expected = [results(traced(name))[each] for each in WORDED]
    chance = random.Random(name)
    orders = [shuffled(chance) for _ in range(20)]
    assert len({tuple(each.gives for each in order) for order in orders}) == 20
    for order in orders:
        found = results(traced(name), order)
        assert [found[each] for each in WORDED] == expected


# Objects that answer questions may remember answers; what stood in them stays.

_REMEMBERS = (Facts, Flow, Accounts, Graph)


def state(value: Any) -> Any:
    """All that a result says, to be compared later; of an object that remembers, by attribute and key."""
    if isinstance(value, Atoms):
        atoms = range(len(value._size))
        split, same = ({atom: found(atom) for atom in atoms} for found in (value._parts.__getitem__, value._find))
        return {"split": split, "same": same, "pieces": dict(value.pieces), "joined": dict(value.joined)}
    if isinstance(value, Facts):
        return {field.name: state(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, _REMEMBERS):
        computed = {name for name, found in vars(type(value)).items() if isinstance(found, cached_property)}
        return {name: state(found) for name, found in vars(value).items() if name not in computed}
    if isinstance(value, dict):  # asking a defaultdict for a key puts it in, empty
        return {key: repr(found) for key, found in value.items() if found or not hasattr(value, "default_factory")}
    return repr(value)


def stands(before: Any, after: Any) -> bool:
    """Whether all that was in a state still is there: an object that remembers may have more."""
    if isinstance(before, dict):
        return before.keys() <= after.keys() and all(stands(before[key], after[key]) for key in before)
    return bool(before == after)


def changed(passes: tuple[Pass, ...], trace: Trace) -> list[str]:
    """Which pass changed what it read: ``fold: accounts``."""
    found: dict[str, Any] = {"trace": trace, "fused": False}
    wrong = []
    for each in passes:
        before = {name: state(found[name]) for name in each.reads}
        result = each.run(**{name: found[name] for name in each.reads})
        for name, said in before.items():
            now = state(found[name])
            if not (stands(said, now) if isinstance(found[name], _REMEMBERS) else said == now):
                wrong.append(f"{each.gives}: {name}")
        found[each.gives] = result
    return wrong


@pytest.mark.parametrize("name", MODELS)
def test_passes_change_nothing_that_they_read(name: str) -> None:
    assert changed(PASSES, traced(name)) == []


def replaced(gives: str, run: Any) -> tuple[Pass, ...]:
    return tuple(Pass(gives, run) if each.gives == gives else each for each in PASSES)


def test_a_pass_that_changes_what_it_reads_is_noticed() -> None:
    def roles(sure_roles: Any, mlp_roles: Any, end_roles: Any, combine_roles: Any) -> Any:
        sure_roles.update(mlp_roles)
        return {**sure_roles, **end_roles, **combine_roles}

    assert changed(replaced("roles", roles), traced("gpt2")) == ["roles: sure_roles"]


def test_a_pass_that_splits_an_axis_is_noticed() -> None:
    def states(flow: Flow, attentions: Any) -> Any:
        width = flow.facts.atoms.leaves(flow.facts.products[0].k)
        flow.facts.atoms.split(width[0], 2, flow.facts.atoms.size(width) // 2)
        return {}

    assert "states: flow" in changed(replaced("states", states), traced("gpt2"))


@pytest.mark.parametrize("name", ["gpt2", "mixtral", "encoder-decoder", "rotated", "recurrent"])
def test_a_pass_says_the_same_twice(name: str) -> None:
    found: dict[str, Any] = {"trace": traced(name), "fused": False}
    for each in PASSES:
        read = {name: found[name] for name in each.reads}
        found[each.gives] = each.run(**read)
        assert said(each.run(**read)) == said(found[each.gives]), each.gives


def said(value: Any) -> Any:
    """A result in full, without the addresses that print for objects inside it."""
    return re.sub(r" at 0x[0-9a-f]+", "", repr(state(value)))


# Coverage: every operation is drawn, folded or elided, and just one of the three.


def places(trace: Trace, passes: tuple[Pass, ...] = PASSES) -> tuple[list[int], Coverage]:
    """All operations of steps shown, of steps folded and of what is elided, one after the other."""
    found = results(trace, passes)
    shown = [op for step in found["named"].steps() for op in step.ops]
    return [*shown, *behind(found["folded"]), *found["collected"].elided], found["coverage"]


def behind(node: Node) -> list[int]:
    """Operations of the members of a section and of those below that another member stands for."""
    hidden = [op for member in node.folded for draft in everything(member) for op in draft.ops]
    return hidden + [op for child in node.nodes for op in behind(child)]


def everything(node: Node) -> list[Draft]:
    """All steps in a section, folded or not."""
    own = [draft for item in node.own for draft in (item, *item.twins)]
    return own + [draft for child in (*node.nodes, *node.folded) for draft in everything(child)]


@pytest.mark.parametrize("name", MODELS)
def test_every_operation_has_one_place(name: str) -> None:
    trace = traced(name)
    placed, counted = places(trace)
    assert sorted(placed) == list(range(len(trace.ops)))
    assert counted.misplaced == 0
    assert counted.drawn + counted.folded + counted.elided == len(trace.ops)


def with_elided(change: Any) -> tuple[Pass, ...]:
    """The passes with one that says something else of what is elided, after all steps are made."""

    def collected(flow: Any, drawn: Any, lone_steps: Any, elided: Any) -> Collected:
        run = next(each.run for each in PASSES if each.gives == "collected")
        honest = run(flow, drawn, lone_steps, elided)
        return replace(honest, elided=change(honest))

    return replaced("collected", collected)


def without_first(honest: Collected) -> dict[int, str]:
    return dict(list(honest.elided.items())[1:])


def with_a_drawn_one(honest: Collected) -> dict[int, str]:
    drawn = next(draft.ops[0] for draft in honest.drafts if draft.ops)
    return {**honest.elided, drawn: "views"}


@pytest.mark.parametrize("change", [without_first, with_a_drawn_one])
@pytest.mark.parametrize("name", ["gpt2", "mixtral", "adapters"])
def test_an_operation_in_no_place_or_in_two_is_counted(name: str, change: Any) -> None:
    trace = traced(name)
    placed, counted = places(trace, with_elided(change))
    assert sorted(placed) != list(range(len(trace.ops)))
    assert counted.misplaced == 1


def test_elided_that_drops_an_operation_draws_it() -> None:
    """What `elided` gives no reason for becomes a step of its own: nothing is lost."""
    trace = traced("own gpt")

    def elided(flow: Any, drawn: Any) -> dict[int, str]:
        honest = next(each.run for each in PASSES if each.gives == "elided")(flow, drawn)
        return dict(list(honest.items())[1:])

    expected, found = places(trace)[1], places(trace, replaced("elided", elided))[1]
    placed = expected.drawn + expected.folded
    assert (found.misplaced, found.elided, found.drawn + found.folded) == (0, expected.elided - 1, placed + 1)


def test_an_outline_is_what_the_passes_give() -> None:
    found, made = results(traced("llama")), outline(traced("llama"))
    assert (
        made.root,
        made.totals,
        made.coverage,
        made.ranks,
        made.cache,
        made.formulas,
        made.positions,
        made.appended,
        made.axis_parts,
    ) == tuple(found[name] for name in WORDED)


def test_a_recogniser_is_a_pass_and_a_line_in_the_list() -> None:
    """By its recipe: products that give a pair of columns; nothing else has to know of it."""

    def pair_roles(graph: Graph) -> Mapping[int, Role]:
        return {draft.key: Role.HEAD for draft in graph.drafts if draft.kind == "product" and draft.result.columns == 2}

    def roles(pair_roles: Mapping[int, Role], plain_roles: Mapping[int, Role]) -> Mapping[int, Role]:
        return {**plain_roles, **pair_roles}

    place = next(place for place, each in enumerate(PASSES) if each.gives == "roles")
    mine = (Pass("plain_roles", PASSES[place].run), Pass("pair_roles", pair_roles), Pass("roles", roles))
    tape = Tape()
    trace = tape.trace(tape.linear(tape.input(5, 8), "w", 2))
    titles = [
        [step.title for step in results(trace, passes)["named"].steps()]
        for passes in (PASSES, (*PASSES[:place], *mine, *PASSES[place + 1 :]))
    ]
    assert titles == [["Product"], ["Head"]]
