"""``python -m shapetrace``."""

from shapetrace.cli.main import main

main()
