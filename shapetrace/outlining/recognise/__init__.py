"""Recognisers: functions that read facts, and what was recognised before, and return what a thing is."""
