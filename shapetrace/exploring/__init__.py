"""A model to walk through: all that a page needs to know of an outline, as plain data."""

from shapetrace.exploring.gathering import page_data
from shapetrace.exploring.touring import Explored, Tour

__all__ = ["Explored", "Tour", "page_data"]
