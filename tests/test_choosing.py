"""How a loop comes from logits to the next id: by its own operations, recorded between the passes."""

import pytest
import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

import shapetrace
from shapetrace.drawing.primitives import Text
from shapetrace.generations.running import generated
from shapetrace.outlining.choice import Choice
from shapetrace.request import Request
from tests.test_generation import ids, llama


def drawn(generation) -> list[str]:
    return [mark.plain for mark in generation.figure().drawing.marks() if isinstance(mark, Text)]


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ({"do_sample": False}, ("argmax",)),
        ({"do_sample": True, "top_k": 0}, ("softmax", "sample")),
        ({"do_sample": True, "top_k": 5}, ("top k", "softmax", "sample")),
        ({"num_beams": 2}, ("log-softmax", "top k")),
    ],
)
def test_what_generate_does_with_the_logits_is_said(how, words) -> None:
    with shapetrace.generation() as g:
        llama().generate(ids(), max_new_tokens=3, pad_token_id=0, **how)
    assert [each.choice for each in g.passes] == [Choice(words)] * 3
    assert "chosen outside the pass" in drawn(g) or "chosen outside" in drawn(g)


def test_a_loop_of_ones_own_says_what_it_does_and_nothing_where_that_was_not_seen() -> None:
    model, text = llama(), ids()
    with shapetrace.generation() as g, torch.no_grad():
        logits = model(text, use_cache=False).logits[:, -1]
        text = torch.cat([text, (logits / 0.7).softmax(-1).max(-1, keepdim=True).indices], -1)
        logits = model(text, use_cache=False).logits[:, -1]
        text = torch.cat([text, torch.tensor([[int(logits.argmax())]])], -1)  # a number of Python's
        model(text, use_cache=False)
        logits.argmax()
    assert [each.choice.words for each in g.passes] == [("softmax", "argmax"), (), ()]
    assert not {"softmax", "argmax"} & {text for text in drawn(g) if "then" not in text}


class Greedy(nn.Module):
    """Gives the id back beside its scores."""

    def __init__(self) -> None:
        super().__init__()
        self.table, self.head = nn.Embedding(50, 16), nn.Linear(16, 50)

    def forward(self, text: Tensor) -> tuple[Tensor, Tensor]:
        logits = self.head(self.table(text))
        return logits, logits[:, -1].argmax(-1)


def test_a_pass_that_chooses_by_itself_is_told_from_a_loop_that_does() -> None:
    model = Greedy()
    with shapetrace.generation() as g:
        _, chosen = model(ids())
        model(chosen[None])
    said = drawn(g)
    assert said.count("argmax") == 2
    assert not [text for text in said if "outside" in text]


def test_scores_made_weights_by_something_else_are_not_said_to_be_a_softmax() -> None:
    class Sigmoid(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.q, self.k, self.v = (nn.Linear(16, 16) for _ in range(3))

        def forward(self, x: Tensor) -> Tensor:
            return (self.q(x) @ self.k(x).transpose(1, 2)).sigmoid() @ self.v(x)

    with shapetrace.generation() as g:
        Sigmoid()(torch.ones(1, 4, 16))
    assert "then Sigmoid" in drawn(g)
    assert not [text for text in drawn(g) if "softmax" in text or "next id" in text]


def test_the_reference_loop_takes_the_largest_and_ids_that_are_made_up_are_not_chosen() -> None:
    reference = generated(Request(model="gpt2", shape={"seq": 5, "layers": 2}), print, 1)
    assert [each.choice for each in reference.passes] == [Choice(("argmax",))] * 2
    made_up = generated(Request(model="hf:gpt2", shape={"seq": 5}), print, 1)
    assert [each.choice.place for each in made_up.passes] == ["nowhere"] * 2
    assert "any id: shapes need no" in drawn(made_up) or "any id: shapes" in drawn(made_up)


def test_modes_of_the_loop_itself_stay_in_their_order() -> None:
    model = llama()
    with shapetrace.generation() as g, torch.no_grad():
        with FlopCounterMode(display=False) as counted:
            first = model(ids()).logits[:, -1].argmax(-1)
            model(first[None])
        model(first[None])
    assert counted.get_total_flops() > 0
    assert [each.choice.words for each in g.passes] == [("argmax",), (), ()]
