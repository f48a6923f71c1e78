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
    """A running sink."""

    def __init__(self, url: str, program: Path, process: Watched) -> None:
        self.url = url
        self.program = program
        self.process = process

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
    program, log = build(folder), folder / "sink.log"
    process = subprocess.Popen([str(program), "serve"], stdout=subprocess.PIPE)  # noqa: S603 (just built)
    try:
        assert process.stdout is not None
        yield Sink(process.stdout.readline().decode().strip(), program, Watched(process, log))
    finally:
        process.kill()
        process.wait()
