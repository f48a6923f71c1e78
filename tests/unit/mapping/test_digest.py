"""The digest of the rules that datasets carry."""

from __future__ import annotations

import os
import subprocess
import sys

_PRINT = """
from scicat_ingest.mapping.rules import rules_for
from scicat_ingest.settings import SourceSettings, example_settings
source = SourceSettings(formats={"ess", "bluesky", "icat", "s3"}, may_set={"ownerGroup", "accessGroups", "pid"})
print(rules_for(source, example_settings()).digest)
"""


def test_the_digest_is_the_same_in_every_process() -> None:
    """Sets of names have no order: it would change with each start, and every dataset with it."""
    digests = set()
    for seed in ("1", "2", "3"):
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        run = subprocess.run(
            [sys.executable, "-c", _PRINT], env=environment, capture_output=True, text=True, check=True, timeout=60
        )
        digests.add(run.stdout)
    assert len(digests) == 1
