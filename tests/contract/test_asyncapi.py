"""The AsyncAPI document, by the official parser."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
VALIDATE = ROOT / ".tools" / "bin" / "asyncapi-validate"

pytestmark = pytest.mark.tools


def validate(document: Path) -> subprocess.CompletedProcess[str]:
    assert VALIDATE.exists(), "run `make tools`"
    return subprocess.run([VALIDATE, document], capture_output=True, text=True, timeout=120, check=False)


def test_the_official_parser_accepts_the_document() -> None:
    """Without an error or a warning, its examples among it."""
    done = validate(ROOT / "docs" / "asyncapi.yaml")
    assert (done.returncode, done.stderr) == (0, "")


def test_the_official_parser_is_really_asked(tmp_path: Path) -> None:
    """A document with a mistake is refused."""
    broken = tmp_path / "asyncapi.yaml"
    broken.write_text((ROOT / "docs" / "asyncapi.yaml").read_text().replace("action: send", "action: shout", 1))
    assert validate(broken).returncode == 1
