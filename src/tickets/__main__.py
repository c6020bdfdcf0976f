"""`python -m tickets`."""

from tickets.cli import main

main()
