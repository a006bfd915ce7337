"""What is known of products around attention: of scores, states, latents and distances."""

from collections.abc import Callable, Mapping
from functools import partial

from msgspec.structs import replace

from shapetrace.language import Phrase
from shapetrace.outlining.drafts import Draft
from shapetrace.outlining.flow import Flow
from shapetrace.outlining.recognise.attention import Attention
from shapetrace.outlining.recognise.relative import relative_values
from shapetrace.outlining.recognise.states import State
from shapetrace.outlining.roles import Part, Role

_ABSORBED = {Role.KEY: "absorbed: multiplies queries", Role.VALUE: "absorbed: multiplies weighted sums"}


def told(
    flow: Flow, attentions: tuple[Attention, ...], states: Mapping[int, State]
) -> Mapping[int, Callable[[Draft], Draft]]:
    """What is known of a product around attention, by its position."""
    found: dict[int, Callable[[Draft], Draft]] = {}
    for each in attentions:
        if each.absorbed is not None:
            found[each.absorbed.key] = partial(_of_latent, role=Role.KEY)
            found[each.absorbed.value] = partial(_of_latent, role=Role.VALUE)
    found |= {position: partial(_of_state, state=state) for position, state in states.items()}
    found |= {position: _of_positions for each in attentions for position in each.relative}
    found |= dict.fromkeys(relative_values(flow, attentions), _of_distances)
    return found | {position: partial(_of_heads, attention=each) for each in attentions for position in each.mixes}


def _of_heads(draft: Draft, attention: Attention) -> Draft:
    """A product that mixes the scores of all heads, or their weights; of each head by itself, a convolution."""
    is_early = attention.weighing is not None and draft.order < attention.weighing.ops[-1]
    part = Part.SCORES if is_early else Part.ATTENTION_WEIGHTS
    operands = (replace(ref, part=part) if ref.part is Part.OTHER else ref for ref in draft.operands)
    results = tuple(replace(ref, part=part) for ref in draft.results)
    is_apart = draft.kind == "convolution" and draft.weight.shape[1] == 1
    role = draft.role if is_apart else Role.MIX_HEADS
    return replace(draft, role=role, operands=tuple(operands), results=results)


def _of_positions(draft: Draft) -> Draft:
    """A product of queries, or keys, with learned rows for distances, whose results are scores too."""
    made = (replace(draft.result, part=Part.SCORES),)
    return replace(draft, role=Role.SCORES, results=made, notes=(*draft.notes, Phrase("added to the scores")))


def _of_distances(draft: Draft) -> Draft:
    """A product of weights of attention with learned rows for distances, whose results are weighted sums too."""
    operands = (replace(draft.operands[0], part=Part.ATTENTION_WEIGHTS), *draft.operands[1:])
    made, notes = (replace(draft.result, part=Part.HEADS),), (*draft.notes, Phrase("added to the weighted sum"))
    return replace(draft, role=Role.WEIGHTED_SUM, operands=operands, results=made, notes=notes)


def _of_state(draft: Draft, state: State) -> Draft:
    """A product of linear attention, with what its factors are."""
    parts = (state.left, state.right)
    operands = tuple(replace(ref, part=part) for ref, part in zip(draft.operands, parts, strict=True))
    made = Part.STATE if state.role is Role.STATE else Part.HEADS
    return replace(draft, role=state.role, operands=operands, results=(replace(draft.result, part=made),))


def _of_latent(draft: Draft, role: Role) -> Draft:
    """A product that would make keys or values of a latent, and multiplies queries or weighted sums in their place."""
    made = replace(draft.result, part=Part.QUERY if role is Role.KEY else Part.HEADS)
    return replace(draft, role=role, results=(made,), notes=(*draft.notes, Phrase(_ABSORBED[role])))
