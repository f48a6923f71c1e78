"""Other processes, watched from outside: CPU time and memory as Linux counts them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_TICKS = os.sysconf("SC_CLK_TCK")


class Watched:
    """A running process."""

    def __init__(self, process: subprocess.Popen[bytes], log: Path) -> None:
        self._process = process
        self._log = log

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    @property
    def cpu_seconds(self) -> float:
        """User and system time by now, of all its threads, and of its children that have ended."""
        fields = Path(f"/proc/{self.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        return sum(int(ticks) for ticks in fields[11:15]) / _TICKS

    @property
    def peak_mib(self) -> float:
        """The most memory that it has held (VmHWM)."""
        lines = Path(f"/proc/{self.pid}/status").read_text(encoding="ascii").splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024

    def require_alive(self) -> None:
        """Raise RuntimeError with the end of its log if it has ended."""
        if self._process.poll() is not None:
            raise RuntimeError(f"ended with {self._process.returncode}: {self._log.read_text()[-2000:]}")


@contextmanager
def python(arguments: Sequence[str], log: Path) -> Iterator[Watched]:
    """Run `python ARGUMENTS` until the end of the block; then SIGTERM, and SIGKILL after 30 s."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SCICAT_INGEST_")}
    with log.open("ab") as output:
        process = subprocess.Popen(  # noqa: S603 (our own commands)
            [sys.executable, *arguments], stdout=output, stderr=output, env=environment
        )
    try:
        yield Watched(process, log)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
