"""Inputs for models that no documentation describes: guessed by name, changed by what an error says."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

pytest.importorskip("transformers")

from shapetrace.capture.known_calls import building
from shapetrace.models import hf_inputs


class Config:
    """What the inputs are made from."""

    def __init__(self, **entries: Any) -> None:
        vars(self).update(entries)


class Model(nn.Module):
    """Has a configuration, and one layer to be on a device."""

    def __init__(self, **entries: Any) -> None:
        super().__init__()
        self.config = Config(**entries)
        self.layer = nn.Linear(entries.get("hidden_size", 8), 8)


def shapes(model: nn.Module, **options: int) -> dict[str, tuple[int, ...]]:
    return {name: tuple(value.shape) for name, value in hf_inputs.inputs(model, seq=6, **options).items()}


class Frames(Model):
    def forward(self, pixel_values: Tensor) -> Tensor:
        batch, frames, channels, height, width = pixel_values.shape
        return self.layer(pixel_values.new_zeros(batch, frames, 8)) + channels + height + width


def test_the_axes_that_the_code_unpacks_are_those_it_gets() -> None:
    assert shapes(Frames(image_size=16, num_frames=4)) == {"pixel_values": (1, 4, 3, 16, 16)}


class Wide(Model):
    def forward(self, features: Tensor) -> Tensor:
        return nn.functional.linear(features, torch.zeros(3, 20, device=features.device))


def test_a_width_is_the_one_that_the_product_wants() -> None:
    assert shapes(Wide(hidden_size=8)) == {"features": (1, 6, 20)}


class Optional(Model):
    def forward(self, input_ids: Tensor, memory: Tensor | None = None) -> Tensor:
        return self.layer(memory.float()) + input_ids[..., None]


def test_what_is_none_and_must_not_be_is_added() -> None:
    assert set(shapes(Optional(hidden_size=8))) == {"input_ids", "memory"}


class Asks(Model):
    def forward(self, input_ids: Tensor, lang_ids: Tensor | None = None) -> Tensor:
        if lang_ids is None:
            raise ValueError("which language?")
        return input_ids + lang_ids


def test_the_question_before_a_raise_says_what_is_missing() -> None:
    assert set(shapes(Asks(hidden_size=8))) == {"input_ids", "lang_ids"}


class Frames80(Model):
    def forward(self, input_features: Tensor) -> Tensor:
        return nn.functional.linear(input_features, torch.zeros(8, 80, device=input_features.device))


def test_a_usual_form_that_runs_is_taken_before_one_is_changed() -> None:
    assert shapes(Frames80(num_mel_bins=80)) == {"input_features": (1, 160, 80)}


class Windows(Model):
    def forward(self, frames: Tensor) -> Tensor:
        if frames.shape[1] % 10:
            raise ValueError("expects the length to be a multiple of `n_window * 2` (10), but got 6.")
        return self.layer(frames)


def test_a_multiple_that_is_worked_out_is_the_number_beside_it() -> None:
    assert shapes(Windows(hidden_size=8)) == {"frames": (1, 10, 8)}


class Eights(Model):
    def forward(self, frames: Tensor) -> Tensor:
        if frames.shape[1] % 8:
            raise ValueError("the number of frames must be a multiple of 8")
        return self.layer(frames)


def test_a_length_is_rounded_up_to_the_multiple_that_is_asked_for() -> None:
    assert shapes(Eights(hidden_size=8)) == {"frames": (1, 8, 8)}


class Either(Model):
    def forward(self, input_values: Tensor | None = None, input_features: Tensor | None = None) -> Tensor:
        if input_values is not None and input_features is not None:
            raise ValueError("You cannot specify both input_values and input_features")
        return input_values if input_values is not None else input_features


def test_of_two_inputs_that_exclude_each_other_one_is_given() -> None:
    assert len(shapes(Either(hidden_size=8))) == 1


class Convolves(Model):
    def __init__(self) -> None:
        super().__init__(patch_size=4, in_channels=3)
        self.patches = nn.Conv2d(3, 8, 4, stride=4)

    def forward(self, pixel_values: Tensor, grid_thw: Tensor) -> Tensor:
        return self.patches(pixel_values).flatten(1) + len(grid_thw)


def test_rows_of_patches_become_the_patches_that_a_convolution_takes() -> None:
    assert shapes(Convolves()) == {"pixel_values": (16, 3, 4, 4), "grid_thw": (1, 3)}


class Numbers(Model):
    def forward(self, hidden_states: Tensor, num_steps: int, causal: bool, scale: float) -> Tensor:
        return self.layer(hidden_states) * scale if causal or num_steps else hidden_states


def test_plain_numbers_are_given_by_their_annotations() -> None:
    found = hf_inputs.inputs(Numbers(hidden_size=8), seq=6)
    assert (found["num_steps"], found["causal"], found["scale"]) == (1, False, 1.0)


@pytest.mark.parametrize("model", [Frames(image_size=16, num_frames=4), Wide(hidden_size=8), Convolves()])
def test_models_on_meta_get_the_inputs_that_they_get_on_the_cpu(model: nn.Module) -> None:
    found = shapes(model)
    with building("meta"):
        moved = model.to("meta")
    assert shapes(moved) == found
