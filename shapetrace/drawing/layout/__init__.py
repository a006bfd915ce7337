"""How large everything is and where it stands."""
