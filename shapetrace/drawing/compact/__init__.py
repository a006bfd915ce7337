"""Equations in little room: sizes stand on edges once, one law of lengths, nothing breaks inside an equation."""
