"""`python -m engine` is `tidegate`."""

from engine.cli.main import main

main()
