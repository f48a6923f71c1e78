"""The benchmark runs, and counts what it says that it counts."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.tools]


def test_all_contestants_finish_the_same_events(tmp_path: Path) -> None:
    """Real Kafka, the Go sink, a service process and the baselines; a result for each, and a picture."""
    command = [sys.executable, "-m", "bench", "--quick", "--only", "instant", "idle", "--out", str(tmp_path)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=280, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    found: dict[str, Any] = json.loads((tmp_path / "bench.json").read_text())
    instant, idle = found["scenarios"]
    names = {"the service", "loop on httpx-aiohttp", "loop on httpx", "pyscicat", "raw POSTs"}
    assert instant["rounds"].keys() == names
    for (figures,) in instant["rounds"].values():
        assert all(figures[what] > 0 for what in ("cpu_ms", "events_per_second", "peak_mib"))
    assert idle["rounds"].keys() == {"seconds to ready", "percent of a core", "peak MiB"}
    assert (tmp_path / "bench.png").read_bytes().startswith(b"\x89PNG")
