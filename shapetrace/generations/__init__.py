"""A prefill and the decode steps behind it: run, recorded around any loop, kept in files, told as a table."""
