"""A model to walk through: all that a page needs to know of an outline, as plain data."""

from shapetrace.exploring.gathering import Explored, page_data

__all__ = ["Explored", "page_data"]
