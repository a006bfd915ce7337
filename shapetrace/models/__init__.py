"""Models to trace: the reference Transformer, presets, Hugging Face configurations, the user's own code."""
