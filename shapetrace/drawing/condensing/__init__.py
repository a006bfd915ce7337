"""A whole pass in one column: norms and residual sums are marks, small functions hang on lines, repeats are named."""
