"""One tensor of an input for a model of transformers: the forms that its name may take, likeliest first."""

import math
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from shapetrace.capture.known_values import MOST_ELEMENTS
from shapetrace.models.hf_docs import Documented, evaluate
from shapetrace.models.hf_facts import extent, fact, number, special_ids
from shapetrace.models.user_inputs import device_of_model

SAMPLES = 15360
"""About a second of sound at 16 kHz; the strides of most encoders divide it."""


@dataclass(frozen=True, slots=True)
class Ask:
    """What inputs are asked for.

    Attributes:
        model: Its configuration says how large things are.
        batch: Sequences, pictures or sounds.
        seq: Tokens of a sequence.
        needed: Parameters of ``forward``; True if it has to be given.
        docs: What the documentation of ``forward`` says about them.
        kinds: Their annotations as text.
    """

    model: nn.Module
    batch: int
    seq: int
    needed: dict[str, bool]
    docs: dict[str, Documented]
    kinds: dict[str, str] = field(default_factory=dict)

    @property
    def config(self) -> Any:
        """The model's configuration."""
        return self.model.config

    def size(self, name: str, of: str = "") -> int | None:
        """A size by the name that documentation gives it, or None.

        Args:
            name: ``batch_size``, ``hidden_size``.
            of: The parameter it is a size of: a sequence of what?
        """
        if name in SINGLES:
            return self.batch
        if name.endswith(LENGTHS):
            return self.length(of)
        if name in {"image_size", "height", "width", "frame_size"}:
            return self.picture[name == "width"]
        if "frames" in name and of.startswith("pixel"):
            return number(self.config, *VIDEO_FRAMES, default=DEFAULTS["num_frames"])
        if name in {"time_steps", "frames", "max_num_frames", "padded_feature_length", "sequence_frames"}:
            return self.frames
        if name in WIDTHS and of.startswith("encoder_"):
            other = number(self.config, "encoder_hidden_size", default=0)  # the width of what it looks at
            return other or number(self.config, *WIDTHS, default=DEFAULTS[WIDTHS[0]])
        for names in (CHANNELS, BINS, WIDTHS, VIDEO_FRAMES):
            if name in names:
                return number(self.config, name, *names, default=DEFAULTS[names[0]])
        return number(self.config, name, default=0) or None

    def length(self, of: str) -> int:
        """How long a sequence is: of samples, frames, steps of time or tokens."""
        if of == "input_values":
            return SAMPLES
        if of == "input_features":
            return self.frames
        if of.startswith("past_"):
            longest_lag = max(fact(self.config, "lags_sequence") or [0])
            return number(self.config, "context_length", default=self.seq) + int(longest_lag)
        return self.seq

    @property
    def picture(self) -> tuple[int, int]:
        """Height and width of a picture."""
        return extent(self.config, "image_size", "input_size", "img_size", "frame_size", default=224)

    @property
    def frames(self) -> int:
        """Frames of a spectrum: what the encoder's position table holds after its strides, or 160."""
        positions = number(self.config, "max_source_positions", prefer="audio", default=80)
        return 2 * positions

    @property
    def bins(self) -> int:
        """Bins of a spectrum."""
        return number(self.config, *BINS, prefer="audio", default=DEFAULTS[BINS[0]])


CHANNELS = ("num_channels", "in_channels", "in_chans", "image_channels", "channels", "num_input_channels")
BINS = (
    "num_mel_bins", "n_mels", "feature_size", "mel_bins", "n_mel_bins", "input_feat_per_channel", "input_size",
    "feature_projection_input_dim", "feature_dim", "input_dim", "model_in_dim",
)  # fmt: skip
WIDTHS = ("hidden_size", "embed_dim", "d_model")
SINGLES = frozenset({
    "batch_size", "batch", "bs", "num_images", "num_images_or_videos", "num_audios", "num_tiles", "max_num_images",
})  # fmt: skip
LENGTHS = (
    "sequence_length", "seq_len", "seq_length", "ids_length", "canvas_length", "text_queries", "audio_length",
    "num_samples", "feature_length", "episode_length",
)  # fmt: skip
VIDEO_FRAMES = ("num_frames", "frames_per_clip", "tubelet_frames")
WHOLE = re.compile(r"(_ids|sizes|shapes|lens|lengths|thw|idx|index|indices)$")
"""Names of whole numbers, whatever the documentation says."""

SIDES = re.compile(r"(sizes|shapes|_hw)$")
"""Names of heights and widths of pictures in patches."""

DEFAULTS = {"num_channels": 3, "num_mel_bins": 80, "hidden_size": 768, "num_frames": 8}


def tensor(ask: Ask, shape: tuple[int, ...], dtype: str = "float32") -> Tensor:
    """Numbers in the model's own dtype, whole numbers or truth values.

    For a model on meta they stay on the CPU, for code looks at them; what is too large to be kept there is on meta.
    """
    if dtype != "float32":
        return torch.full(shape, int(dtype == "bool"), dtype=getattr(torch, dtype))
    device = device_of_model(ask.model)
    kind = next((p.dtype for p in ask.model.parameters() if p.dtype.is_floating_point), torch.float32)
    if device.type == "meta":
        if math.prod(shape) > MOST_ELEMENTS:
            return torch.empty(shape, dtype=kind, device=device)
        device = torch.device("cpu")
    return torch.randn(shape, generator=torch.Generator().manual_seed(0)).to(device, kind)


def patch(ask: Ask) -> int:
    """Pixels of a square patch; 0 if the model has none."""
    return extent(ask.config, "patch_size", default=0)[0]


def text_ids(ask: Ask) -> Tensor:
    """Ids (batch, seq) that mean nothing special."""
    vocab = number(ask.config, "vocab_size", prefer="text", default=100)
    special = special_ids(ask.config)
    ordinary = [i for i in range(min(vocab, ask.seq + len(special) + 8)) if i not in special] or [0]
    return torch.tensor([[ordinary[i % len(ordinary)] for i in range(ask.seq)]] * ask.batch)


def pictures(ask: Ask) -> Iterator[tuple[int, ...]]:
    """One picture, a few frames, several pictures a text, a pair."""
    channels = number(ask.config, *CHANNELS, prefer="vision", default=3)
    height, width = ask.picture
    frames = number(ask.config, *VIDEO_FRAMES, default=8)
    yield ask.batch, channels, height, width
    yield ask.batch, 1, channels, height, width
    yield ask.batch, frames, channels, height, width
    yield ask.batch, 2, channels, height, width
    for scale in (2, 4):
        yield ask.batch, channels, height * scale, width * scale


def videos(ask: Ask) -> Iterator[tuple[int, ...]]:
    """A few frames."""
    channels = number(ask.config, *CHANNELS, prefer="vision", default=3)
    yield ask.batch, number(ask.config, *VIDEO_FRAMES, default=8), channels, *ask.picture


def spectra(ask: Ask) -> Iterator[tuple[int, ...]]:
    """Bins before frames, frames before bins, with a channel."""
    bins, frames = ask.bins, ask.frames
    yield ask.batch, bins, frames
    yield ask.batch, frames, bins
    yield ask.batch, 1, frames, bins
    yield ask.batch, bins, 2 * frames


def waves(ask: Ask) -> Iterator[tuple[int, ...]]:
    """Samples, samples with a channel, a spectrum."""
    yield ask.batch, SAMPLES
    yield ask.batch, number(ask.config, "audio_channels", prefer="audio", default=1), SAMPLES
    yield ask.batch, number(ask.config, "max_length", default=ask.frames), ask.bins
    yield ask.batch, 1, 1920 * 8


def states(ask: Ask) -> Iterator[tuple[int, ...]]:
    """Features of a sequence, with and without a batch; of a part that looks or listens, what it takes."""
    if patch(ask) and not fact(ask.config, "vocab_size"):
        yield from pictures(ask)
    width = number(ask.config, *WIDTHS, default=DEFAULTS[WIDTHS[0]])
    yield ask.batch, ask.seq, width
    yield ask.seq, width
    if fact(ask.config, *BINS):
        yield ask.batch, ask.frames, ask.bins


SHAPES: dict[str, Callable[[Ask], Iterator[tuple[int, ...]]]] = {
    "pixel_values": pictures,
    "image": pictures,
    "pixel_values_videos": videos,
    "input_features": spectra,
    "spectrogram": spectra,
    "mel_spectrogram": spectra,
    "audio_mel": spectra,
    "input_values": waves,
    "hidden_states": states,
    "inputs_embeds": states,
}
"""Shapes that an input may have, by the name of the parameter."""


def forms(ask: Ask, name: str) -> list[Tensor]:
    """The forms that one input may take: as documented first, then as is usual."""
    dims = dims_of(ask, name)
    several = list(codes(ask)) if name.endswith("input_ids") else []
    if several or (name.endswith("input_ids") and len(dims or (0, 0)) == 2):
        return [*several, text_ids(ask)] if name.startswith("decoder") else [text_ids(ask), *several]
    if name.endswith("mask") and dims is not None:
        return [torch.ones(dims, dtype=torch.int64)]  # all of it counts; code looks at masks
    shapes: list[tuple[int, ...]] = [] if dims is None else [dims]
    shapes.extend(SHAPES[name](ask) if name in SHAPES else ())
    dtype = ask.docs[name].dtype if name in ask.docs and name not in SHAPES else "float32"
    if dtype == "float32" and WHOLE.search(name):
        return []  # documented as a tensor of no kind
    made = [tensor(ask, shape, dtype) for shape in dict.fromkeys(shapes)]
    grid = ask.picture[0] // max(patch(ask), 1)
    return [value.fill_(grid) for value in made] if dtype != "float32" and SIDES.search(name) else made


def codes(ask: Ask) -> Iterator[Tensor]:
    """Ids of several codebooks: as rows, and side by side."""
    names = ["num_codebooks", "audio_num_codebooks", "n_codebooks"]
    n = number(ask.config, *names, *([] if "pixel_values" in ask.needed else ["num_channels"]), default=0)
    if n > 1:
        ids = text_ids(ask)
        yield ids.repeat(n, 1)
        yield ids.unsqueeze(-1).repeat(1, 1, n)
        yield ids.unsqueeze(1).repeat(1, n, 1)


def _documented_size(ask: Ask, dim: str, of: str) -> int | None:
    return ask.size(dim, of) or (ask.seq if dim.startswith("num_") else None)  # num_boxes, num_visual_features


def dims_of(ask: Ask, name: str) -> tuple[int, ...] | None:
    """The documented shape in numbers, or None if it is not documented or a size is unknown."""
    if name not in ask.docs:
        return None
    sizes = [evaluate(dim, lambda dim_name: _documented_size(ask, dim_name, name)) for dim in ask.docs[name].dims]
    return None if None in sizes else tuple(size for size in sizes if size is not None)
