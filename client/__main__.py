"""`python -m client`."""

import sys

from .program.cli import main

sys.exit(main(package=str(__package__)))
