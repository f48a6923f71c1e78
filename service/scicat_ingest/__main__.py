"""`python -m scicat_ingest`."""

import sys

from scicat_ingest.cli import main

sys.exit(main())
