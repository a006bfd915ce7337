"""What is varied of a request or of a module's inputs, and the passes at other sizes that prove what sizes are."""

from shapetrace.proving.requests import prove

__all__ = ["prove"]
