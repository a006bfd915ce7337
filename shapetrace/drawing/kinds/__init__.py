"""The kinds of figures: one model, models side by side, differences, a failure."""
