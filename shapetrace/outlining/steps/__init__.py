"""Drafts: which operations make one step, with which operands. Each function gives the drafts of one sort."""
