"""`python -m minis` is the `minis` command."""

from .cli import main

main()
