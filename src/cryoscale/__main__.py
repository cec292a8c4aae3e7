"""``python -m cryoscale`` is the command line."""

from cryoscale.cli import main

main()
