"""What each sort of section does, in one sentence. Label files translate them."""

from collections.abc import Mapping

from shapetrace.outlining.structure import SectionKind

OF_SECTIONS: Mapping[SectionKind, str] = {
    "model": "One forward pass from its inputs to its outputs. Choose a part on the left or in the figure.",
    "embedding": "Inputs become vectors, one row each.",
    "block": "One layer: rows look at each other, then each one is worked on alone.",
    "attention": "Where rows exchange information: each decides how much it takes from which other one.",
    "mlp": "Works on each row alone, and often holds most of a layer's weights.",
    "experts": "Many small networks, of which each row passes a few.",
    "unembedding": "The stream becomes what the model gives back: a score for each word or class, or other numbers.",
    "other": "Steps that the model keeps together.",
}
"""By what a section holds."""
