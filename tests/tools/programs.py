"""Where the programs are that tests marked `tools` need."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

FETCHED = Path(__file__).parents[2] / ".tools/bin"


def program(name: str) -> Path:
    """Find what `make tools` has fetched, else what is on the PATH. Without either the test fails: none is skipped."""
    found = shutil.which(name, path=FETCHED) or shutil.which(name)
    if found is None:
        pytest.fail(f"{name} is missing: `make tools` puts it into .tools/bin")
    return Path(found)
