"""The map: a whole model on one screen, as boxes and arrows.

`charting` reads an outline as boxes that stand one below the other or side by side, `arranging` gives each a place,
`boxes`, `pictures` and `wiring` draw them.
"""
