"""`python -m scicat_ingest`."""

import sys

from scicat_ingest.cli import main

if __name__ == "__main__":  # a reader process imports this module, too
    sys.exit(main())
