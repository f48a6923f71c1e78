"""The sink of the benchmarks (bench/sink, in Go): built, started, asked what has come."""

from __future__ import annotations

import json
import shutil
import subprocess
import urllib.request
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.processes import Watched

if TYPE_CHECKING:
    from collections.abc import Iterator

SOURCE = Path(__file__).parent / "sink"


def build(folder: Path) -> Path:
    """Compile it (2 s). Raises SystemExit without Go."""
    go = shutil.which("go")
    if go is None:
        raise SystemExit("the benchmark's sink is written in Go, which is not here: install Go 1.25 or newer")
    program = folder / "sink"
    subprocess.run([go, "build", "-C", str(SOURCE), "-o", str(program), "."], check=True)  # noqa: S603 (our own source)
    return program


class Sink:
    """A sink that can be stopped, and started again at the same address: it has forgotten everything then."""

    def __init__(self, program: Path, log: Path) -> None:
        self.program = program
        self.url = ""
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, on a free port the first time."""
        port = self.url.rpartition(":")[2] or "0"
        process = subprocess.Popen([str(self.program), "serve", "-port", port], stdout=subprocess.PIPE)  # noqa: S603 (just built)
        assert process.stdout is not None
        self.url = process.stdout.readline().decode().strip()
        self._process = process

    def stop(self) -> None:
        """End it at once."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    @property
    def cpu_seconds(self) -> float:
        """What it has cost by now."""
        assert self._process is not None
        return Watched(self._process, self._log).cpu_seconds

    def reset(self, *, writes: int, delay_ms: float = 0) -> None:
        """Forget what came; an event is whole with so many writes, and each answer takes so long from now on."""
        query = f"per={writes}&delay={delay_ms}ms"
        request = urllib.request.Request(f"{self.url}/bench/reset?{query}", method="POST")  # noqa: S310 (our own server)
        urllib.request.urlopen(request).close()  # noqa: S310 (our own server)

    def counts(self) -> dict[str, int]:
        """Tell what came: posts, whole events, events, bytes."""
        return self._get("counts")  # type: ignore[no-any-return]

    def times(self) -> dict[int, float]:
        """Tell when each whole event became whole, in seconds since the epoch."""
        return {int(number): at / 1e9 for number, at in self._get("times").items()}

    def _get(self, what: str) -> Any:
        with urllib.request.urlopen(f"{self.url}/bench/{what}") as answer:  # noqa: S310 (our own server)
            return json.load(answer)


@contextmanager
def running_sink(folder: Path) -> Iterator[Sink]:
    """Build it and run it."""
    sink = Sink(build(folder), folder / "sink.log")
    sink.start()
    try:
        yield sink
    finally:
        sink.stop()
