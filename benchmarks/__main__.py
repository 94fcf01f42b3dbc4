"""`python -m benchmarks`."""

import sys

from benchmarks.speed.program import main

if __name__ == "__main__":
    sys.exit(main())
